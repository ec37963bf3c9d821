import { ANY } from '../options/description.ts'
import { checkReporters, Tracer } from '../reporting/tracer.ts'

/**
 * Tells reporters of everything that happens in the graph: the option `trace`
 */
export const tracing = { Tracer, checkReporters, options: { trace: ANY } } as const
