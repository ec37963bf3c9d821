import { DefaultResourceManager } from '../manager/resource-manager.ts'
import { RequestError } from './answers.ts'
import type { ResourceManager } from '../interface.ts'
import type { Registry } from 'prom-client'

/**
 * The metrics of a manager as Prometheus reads them. They have a registry of their own, so they
 * conflict with no others.
 */
export class PrometheusText {
  readonly #manager: ResourceManager
  #registry?: Promise<Registry>

  constructor (manager: ResourceManager) {
    this.#manager = manager
  }

  /**
   * @throws {RequestError} if there is no `prom-client`, or the manager has no metrics
   */
  async read (): Promise<{ type: string, text: string }> {
    this.#registry ??= this.#register()

    const registry = await this.#registry

    return { type: registry.contentType, text: await registry.metrics() }
  }

  async #register (): Promise<Registry> {
    if (!(this.#manager instanceof DefaultResourceManager)) {
      throw new RequestError(404, 'this resource manager has no metrics')
    }

    try {
      const { Registry } = await import('prom-client')
      const { registerPrometheusMetrics } = await import('../reporting/prometheus-metrics.ts')
      const registry = new Registry()

      registerPrometheusMetrics(this.#manager.metricsSource, registry)

      return registry
    } catch (err: any) {
      throw err.code === 'ERR_MODULE_NOT_FOUND' ? new RequestError(404, 'metrics need prom-client: install it beside this package') : err
    }
  }
}
