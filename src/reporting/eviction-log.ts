import { formatSetting } from '../limits/setting.ts'
import { printable } from '../util/printable.ts'
import { MostFrequent } from './most-frequent.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { Eviction } from '../scopes/evictions.ts'

/**
 * How many networks that gave way are counted at a time to find the one that did so most
 */
const CANDIDATES = 16

/**
 * The evictions in one scope
 */
interface Entry {
  readonly resource: 'connection' | 'stream'
  count: number

  /** By the network that gave way */
  readonly networks: MostFrequent<string, Eviction>
}

/**
 * How many scopes are told apart. Those of others are summed up.
 */
const MAX_SCOPES = 16

/**
 * Sums up who has given way to whom, for one line per scope
 */
export class EvictionLog {
  readonly #entries = new Map<AggregateScope | undefined, Entry>()

  add (eviction: Eviction): void {
    const { from: [network], scope, victim } = eviction
    const key = this.#entries.has(scope) || this.#entries.size < MAX_SCOPES ? scope : undefined
    let entry = this.#entries.get(key)

    if (entry == null) {
      entry = { resource: victim.kind === 'conn' ? 'connection' : 'stream', count: 0, networks: new MostFrequent(CANDIDATES) }
      this.#entries.set(key, entry)
    }

    entry.count++
    entry.networks.add(network, eviction)
  }

  /**
   * Returns the lines of this interval and begins the next one
   *
   * @param enforce - whether anything was ended
   * @param interval - in ms
   */
  flush (enforce: boolean, interval: number): string[] {
    const entries = [...this.#entries].sort(([, a], [, b]) => b.count - a.count)

    this.#entries.clear()

    return entries.map(([scope, entry]) => summarise(scope, entry, enforce, interval))
  }
}

function summarise (scope: AggregateScope | undefined, { count, networks, resource }: Entry, enforce: boolean, interval: number): string {
  const { from, refusal: { current, limit, settingPath }, to } = networks.top() as Eviction
  const setting = settingPath == null ? 'a custom limiter sets the limit' : `see ${formatSetting(settingPath)}`

  return printable(`${scope?.name ?? 'other scopes'}: ${count} inbound ${resource}${count === 1 ? '' : 's'} ` +
    `${enforce ? 'gave' : 'would have given'} way to others in ${interval / 1000} s, most often of ${describe(from)}, ` +
    `last to ${describe(to)}: ${current} of ${limit} in use, ${setting}`)
}

/**
 * The network, and the last group that can be told
 */
function describe (path: readonly string[]): string {
  const [network, subnet, host] = path

  return host === '' || host === network ? network : `${network} (${host === '' ? subnet : host})`
}
