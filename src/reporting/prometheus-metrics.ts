import { Counter, Gauge, Histogram, register } from 'prom-client'
import { boundLabel } from './distribution.ts'
import { DISTRIBUTIONS, GAUGES } from './metric-families.ts'
import { readOnce } from './metric-family.ts'
import { readScopeFigures } from './scope-figures.ts'
import type { Distribution, DistributionFamily } from './distribution.ts'
import type { GaugeFamily, MetricsSource } from './metric-family.ts'
import type { MetricValueWithName, Registry } from 'prom-client'

const PREFIX = 'libp2p_rcmgr_'

/**
 * Registers the metrics of go-libp2p's resource manager, with the same names and
 * labels, and some more. They are read from the graph when they are scraped: there is
 * no cost in between.
 *
 * @returns a function that removes them again
 */
export function registerPrometheusMetrics (source: MetricsSource, registry: Registry = register): () => void {
  const once = readOnce(source)
  const names = [
    ...[...GAUGES, ...source.fleet ?? []].map(family => registerFamily(family, once, registry)),
    ...DISTRIBUTIONS.flatMap(family => [
      registerDistribution(family, source, registry),
      registerPrevious(family, registry)
    ])
  ]

  return () => {
    names.forEach(name => { registry.removeSingleMetric(name) })
  }
}

function registerFamily (family: GaugeFamily, source: MetricsSource, registry: Registry): string {
  const name = `${PREFIX}${family.name}`
  const Metric = family.isCounter === true ? Counter : Gauge
  const metric: Counter | Gauge = new Metric({
    name,
    help: family.help,
    labelNames: [...family.labelNames],
    registers: [registry],
    async collect () {
      const samples = await family.read(source)

      metric.reset()
      samples.forEach(({ labels, value }) => { metric instanceof Gauge ? metric.set(labels, value) : metric.inc(labels, value) })
    }
  })

  return name
}

/**
 * A histogram of prom-client counts one thing at a time. This one is made of counts,
 * because a scrape must not hold the event loop for as long as very many peers take.
 */
function registerDistribution (family: DistributionFamily, source: MetricsSource, registry: Registry): string {
  const { help, labelNames } = family
  const name = `${PREFIX}${family.name}`
  const histogram = new Histogram({ name, help, labelNames: [...labelNames], registers: [] })
  // what prom-client answers itself: its types do not know that the type is a text
  const get = async (): Promise<object> => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: await valuesOf(name, family, source)
  })

  registry.registerMetric(Object.assign(histogram, { get, getForPromString: get }))

  return name
}

async function valuesOf (name: string, family: DistributionFamily, { graph }: MetricsSource): Promise<Array<MetricValueWithName<string>>> {
  const { distributions } = await readScopeFigures(graph)

  return (distributions.get(family) ?? []).flatMap(distribution => seriesOf(name, family.buckets, distribution))
}

function seriesOf (name: string, buckets: readonly number[], { cumulated, labels, sum }: Distribution): Array<MetricValueWithName<string>> {
  return [
    ...cumulated.map((value, bucket) => ({ metricName: `${name}_bucket`, labels: { le: boundLabel(buckets, bucket), ...labels }, value })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: cumulated[buckets.length] }
  ]
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
