/**
 * @packageDocumentation
 *
 * Metrics for Prometheus with the names and labels of go-libp2p's resource manager, so
 * that dashboards work for both. It needs `prom-client`.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { prometheusMetrics } from 'libp2p-resource-manager/prometheus'
 * import { Registry } from 'prom-client'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager()
 *   }
 * })
 *
 * const registry = new Registry()
 *
 * prometheusMetrics(node.services.resourceManager, { registry })
 *
 * // what to answer when Prometheus scrapes
 * console.info(await registry.metrics())
 * ```
 *
 * @module libp2p-resource-manager/prometheus
 */

import { NullResourceManager } from './manager/null-resource-manager.ts'
import { DefaultResourceManager } from './manager/resource-manager.ts'
import { registerPrometheusMetrics } from './reporting/prometheus-metrics.ts'
import { ANY, checkDescribed } from './util/description.ts'
import { invalid } from './util/validation.ts'
import type { ResourceManager } from './interface.ts'
import type { Registry } from 'prom-client'

/**
 * Options of `prometheusMetrics`
 */
export interface PrometheusMetricsOptions {
  /**
   * Where the metrics are registered. Several nodes in one process need one each.
   *
   * @default the global registry of prom-client
   */
  registry?: Registry

  /**
   * Protocols that have a label of their own, in addition to those that the node has a
   * handler, a service or a limit for. All others share the label `other`.
   *
   * @default []
   */
  protocols?: string[]
}

const OPTIONS = { registry: ANY, protocols: ANY } as const satisfies Record<keyof PrometheusMetricsOptions, typeof ANY>

/**
 * Registers the metrics of a resource manager with `prom-client`. They are read when
 * they are scraped, and cost nothing in between. A manager that is off has none.
 *
 * @returns a function that removes them from the registry again
 * @throws {InvalidParametersError} If it is not a resource manager of this package
 * @throws {Error} If the registry has metrics with these names already
 */
export function prometheusMetrics (manager: ResourceManager, options: PrometheusMetricsOptions = {}): () => void {
  checkDescribed('options', options, OPTIONS)

  if (manager instanceof NullResourceManager) {
    return () => {}
  }

  if (!(manager instanceof DefaultResourceManager)) {
    throw invalid('manager', 'a resource manager of this package', manager)
  }

  const source = manager.metricsSource
  const { protocols = [], registry } = options

  return registerPrometheusMetrics({
    ...source,
    knownProtocols: () => new Set([...source.knownProtocols(), ...protocols])
  }, registry)
}
