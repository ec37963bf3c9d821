import { registerMetrics } from '../reporting/libp2p-metrics.ts'
import { RefusalCounts } from '../reporting/refusal-counts.ts'
import type { Feature } from '../manager/feature.ts'

/**
 * Metrics of the graph for nodes that have `metrics`
 */
export const metrics = {
  name: 'metrics',

  register (host) {
    const { metricsSource, options } = host

    // inspection has them as well
    if (metricsSource.refusals === undefined) {
      const counts = new RefusalCounts()

      metricsSource.refusals = counts
      host.methods.refusals = { refusals: () => counts.entries() }
      host.refusalObservers.push(refusal => { counts.add(refusal) })
    }

    // before anything listens to the node: it may be metrics of others, which throw
    host.nodeParts.unshift(({ components: { metrics } }) => {
      if (metrics != null && options.metrics !== false) {
        registerMetrics(metrics, metricsSource)
      }
    })
  }
} satisfies Feature<'metrics'>
