import type { RefusalCounts } from './refusal-counts.ts'
import type { Limit } from '../limits/limit.ts'
import type { NodeStat } from '../manager/resource-manager-stat.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { SessionRefusalCount } from '../sessions/collector-refusals.ts'
import type { SessionRegistryReader } from '../sessions/registry.ts'

/**
 * What metrics are read from
 */
export interface MetricsSource {
  readonly graph: ScopeGraph

  /** How often what was refused */
  readonly refusals?: RefusalCounts

  /** How often shadow limits would have refused what. Not there without any. */
  readonly shadowRefusals?: RefusalCounts

  /** Not there where sessions are left out */
  readonly sessions?: SessionRegistryReader

  /**
   * What the collectors of services have refused
   */
  sessionRefusals(): SessionRefusalCount[]

  /**
   * What only a node has: nothing for a stand-alone manager
   */
  nodeStat(): NodeStat

  /** Those of the fleet, where the node is in one */
  readonly fleet?: readonly GaugeFamily[]

  /**
   * The protocols that have a label of their own, and names with a `*`, which are one label for
   * many. All others share one label, so that the number of labels is bounded.
   */
  knownProtocols(): Set<string>

  /**
   * The services that this node has named, whether or not anything belongs to them yet
   */
  knownServices(): Set<string>
}

export interface Sample {
  labels: Record<string, string>
  value: number
}

/**
 * A group of numbers with different labels. Nothing is kept for them: they are read when
 * somebody asks.
 */
export interface GaugeFamily {
  /** Without a prefix */
  name: string
  help: string
  labelNames: readonly string[]

  /**
   * They only ever grow
   */
  isCounter?: boolean

  /**
   * All series whose labels are known are there from the start, with 0: a rate that begins
   * with a series does not see what the series began with.
   *
   * Figures that need all scopes are a promise: they are read in slices
   */
  read(source: MetricsSource): Sample[] | Promise<Sample[]>
}

/**
 * The names of go-libp2p's metrics for the fields of a limit
 */
export const FIELD_LABELS: Record<keyof Limit, string> = {
  streams: 'streams',
  streamsInbound: 'streams_inbound',
  streamsOutbound: 'streams_outbound',
  conns: 'conns',
  connsInbound: 'conns_inbound',
  connsOutbound: 'conns_outbound',
  fd: 'fd',
  memory: 'memory'
}

/**
 * A source that asks its node only once for everything that is read at the same time
 */
export function readOnce (source: MetricsSource): MetricsSource {
  let stat: NodeStat | undefined
  const nodeStat = (): NodeStat => {
    if (stat == null) {
      stat = source.nodeStat()
      queueMicrotask(() => { stat = undefined })
    }

    return stat
  }

  // nothing is read before there is a scrape
  return Object.create(source, { nodeStat: { value: nodeStat } })
}

export function byDirection (inbound: number, outbound: number, labels: Record<string, string>): Sample[] {
  return [
    { labels: { dir: 'inbound', ...labels }, value: inbound },
    { labels: { dir: 'outbound', ...labels }, value: outbound }
  ]
}
