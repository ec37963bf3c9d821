import { Gauge, Histogram, register } from 'prom-client'
import { DISTRIBUTIONS, GAUGES } from './metric-families.ts'
import type { DistributionFamily, GaugeFamily, MetricsSource } from './metric-family.ts'
import type { Registry } from 'prom-client'

const PREFIX = 'libp2p_rcmgr_'

/**
 * Registers the metrics of go-libp2p's resource manager, with the same names and
 * labels, and some more. They are read from the graph when they are scraped: there is
 * no cost in between.
 *
 * @returns a function that removes them again
 */
export function registerPrometheusMetrics (source: MetricsSource, registry: Registry = register): () => void {
  const names = [
    ...GAUGES.map(family => registerGauge(family, source, registry)),
    ...DISTRIBUTIONS.flatMap(family => [
      registerDistribution(family, source, registry),
      registerPrevious(family, registry)
    ])
  ]

  return () => {
    names.forEach(name => { registry.removeSingleMetric(name) })
  }
}

function registerGauge (family: GaugeFamily, source: MetricsSource, registry: Registry): string {
  const name = `${PREFIX}${family.name}`

  // eslint-disable-next-line no-new
  new Gauge({
    name,
    help: family.help,
    labelNames: [...family.labelNames],
    registers: [registry],
    collect () {
      this.reset()
      family.read(source).forEach(({ labels, value }) => { this.set(labels, value) })
    }
  })

  return name
}

function registerDistribution (family: DistributionFamily, source: MetricsSource, registry: Registry): string {
  const name = `${PREFIX}${family.name}`

  // eslint-disable-next-line no-new
  new Histogram({
    name,
    help: family.help,
    labelNames: [...family.labelNames],
    buckets: [...family.buckets],
    registers: [registry],
    collect () {
      this.reset()
      family.labels.forEach(labels => { this.zero(labels) })
      family.read(source).forEach(({ labels, value }) => { this.observe(labels, value) })
    }
  })

  return name
}

/**
 * go-libp2p can only add to histograms, so it keeps a second one with what is over,
 * and dashboards subtract that. Here the first one has only what is now, and there is
 * nothing to subtract.
 */
function registerPrevious (family: DistributionFamily, registry: Registry): string {
  const name = `${PREFIX}previous_${family.name}`
  const histogram = new Histogram({
    name,
    help: `Always 0, for dashboards that subtract it from ${PREFIX}${family.name}`,
    labelNames: [...family.labelNames],
    buckets: [...family.buckets],
    registers: [registry]
  })

  family.labels.forEach(labels => { histogram.zero(labels) })

  return name
}
