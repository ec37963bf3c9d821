import { Registry } from 'prom-client'
import { prometheusMetrics } from '../../src/prometheus.ts'
import type { ResourceManager } from '../../src/index.ts'

/**
 * What Prometheus would read, by the name and labels of each series
 */
export async function scrape (registry: Registry): Promise<Map<string, number>> {
  const text = await registry.metrics()

  return new Map(text.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => {
    const at = line.lastIndexOf(' ')

    return [line.slice(0, at), Number(line.slice(at + 1).replace('Inf', 'Infinity'))]
  }))
}

export async function scrapeManager (manager: ResourceManager, protocols?: string[]): Promise<Map<string, number>> {
  const registry = new Registry()

  prometheusMetrics(manager, { registry, protocols })

  return scrape(registry)
}

export function withPrefix (series: Map<string, number>, prefix: string): Record<string, number> {
  return Object.fromEntries([...series].filter(([name]) => name.startsWith(prefix)))
}

/**
 * Those that are more than the 0 that counters begin with
 */
export function notZero (series: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(series).filter(([, value]) => value !== 0))
}
