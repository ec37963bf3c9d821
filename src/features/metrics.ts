import { registerMetrics } from '../reporting/libp2p-metrics.ts'

/**
 * Metrics of the graph for nodes that have `metrics`
 */
export const metrics = { registerMetrics }
