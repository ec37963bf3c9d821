import { startTracing } from '../reporting/start-tracing.ts'
import { ANY } from '../util/description.ts'

/**
 * Tells reporters of everything that happens in the graph: the options `trace` and
 * `metricsReporter`
 */
export const tracing = { startTracing, options: { metricsReporter: ANY, trace: ANY } } as const
