import { startTracing } from '../reporting/start-tracing.ts'
import { ANY } from '../util/description.ts'

/**
 * Tells reporters of everything that happens in the graph: the options `trace`,
 * `metricsReporter` and `shadow`
 */
export const tracing = { startTracing, options: { metricsReporter: ANY, shadow: ANY, trace: ANY } } as const
