import { startTracing } from '../reporting/start-tracing.ts'
import { ANY } from '../util/description.ts'
import type { Feature } from '../manager/feature.ts'

/**
 * Tells reporters of everything that happens in the graph: the options `trace`,
 * `metricsReporter` and `shadow`
 */
export const tracing = {
  name: 'tracing',
  options: { metricsReporter: ANY, shadow: ANY, trace: ANY },

  register (host) {
    const { core, limits, log, options, parts } = host
    const { shadow, tracer } = startTracing({
      graph: core.graph,
      reporters: options.trace ?? [],
      metricsReporter: options.metricsReporter,
      shadow: options.shadow,
      limits: limits.config,
      baseCosts: () => core.baseCosts,
      log
    })

    host.sessionObserver = tracer

    if (tracer !== undefined) {
      parts.push({ stop: async () => tracer.stop() })
    }

    if (shadow !== undefined) {
      host.shadow = shadow
      host.metricsSource.shadowRefusals = shadow.counts
      host.limitObservers.push(config => { shadow.enforcedChanged(config) })
      parts.push(shadow)
    }
  }
} satisfies Feature<'tracing'>
