import { registerMetrics } from '../reporting/libp2p-metrics.ts'
import { RefusalCounts } from '../reporting/refusal-counts.ts'

/**
 * Metrics of the graph for nodes that have `metrics`
 */
export const metrics = { RefusalCounts, registerMetrics }
