import { boundLabel } from './distribution.ts'
import { DISTRIBUTIONS, GAUGES } from './metric-families.ts'
import { readOnce } from './metric-family.ts'
import { readScopeFigures } from './scope-figures.ts'
import type { DistributionFamily } from './distribution.ts'
import type { GaugeFamily, MetricsSource, Sample } from './metric-family.ts'
import type { Metrics } from '@libp2p/interface'

/**
 * Not the prefix of go-libp2p: both kinds of metrics can be in one registry
 */
const PREFIX = 'libp2p_resource_manager_'

/**
 * Registers everything with the metrics of a node. A scrape reads the graph; metrics cost
 * nothing in between.
 *
 * These metrics have one label, so several labels of go-libp2p become one: `inbound system`.
 */
export function registerMetrics (metrics: Metrics, source: MetricsSource): void {
  const once = readOnce(source)

  for (const family of [...GAUGES, ...source.fleet ?? []]) {
    register(metrics, family, () => family.read(once))
  }

  for (const family of DISTRIBUTIONS) {
    register(metrics, { ...family, labelNames: [...family.labelNames, 'le'] }, async () => bucketSamples(family, source))
  }
}

function register (metrics: Metrics, { help, isCounter, labelNames, name }: Omit<GaugeFamily, 'read'>, read: () => Sample[] | Promise<Sample[]>): void {
  if (isCounter === true) {
    registerCounter(metrics, { help, labelNames, name }, read)
    return
  }

  const seen = new Set<string>()

  metrics.registerMetricGroup(`${PREFIX}${name}`, {
    label: labelNames.join('_'),
    help,
    calculate: async () => {
      const samples = await read()
      // what is gone would keep its last value
      const values: Record<string, number> = Object.fromEntries(Array.from(seen, key => [key, 0]))

      for (const { labels, value } of samples) {
        const key = labelKey(labels, labelNames)

        values[key] = value
        seen.add(key)
      }

      return values
    }
  })
}

/**
 * These counters add what is new since the last question
 */
function registerCounter (metrics: Metrics, { help, labelNames, name }: Omit<GaugeFamily, 'read'>, read: () => Sample[] | Promise<Sample[]>): void {
  const before = new Map<string, number>()

  const added = async (): Promise<Record<string, number>> => Object.fromEntries((await read()).map(({ labels, value }) => {
    const key = labelKey(labels, labelNames)
    const difference = value - (before.get(key) ?? 0)

    before.set(key, value)

    return [key, difference]
  }))

  if (labelNames.length === 0) {
    metrics.registerCounter(`${PREFIX}${name}`, { help, calculate: async () => Object.values(await added())[0] ?? 0 })
  } else {
    metrics.registerCounterGroup(`${PREFIX}${name}`, { label: labelNames.join('_'), help, calculate: added })
  }
}

function labelKey (labels: Record<string, string>, labelNames: readonly string[]): string {
  return labelNames.map(label => labels[label]).filter(value => value !== '').join(' ')
}

/**
 * Histograms of libp2p only count what was, not what is now, so each bucket is a number
 */
async function bucketSamples (family: DistributionFamily, { graph }: MetricsSource): Promise<Sample[]> {
  const { distributions } = await readScopeFigures(graph)

  return (distributions.get(family) ?? []).flatMap(({ cumulated, labels }) => cumulated.map((value, bucket) => ({
    labels: { ...labels, le: boundLabel(family.buckets, bucket) },
    value
  })))
}
