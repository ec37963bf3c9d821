import { runInSlices } from '../util/slices.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { listOf } from './engine.ts'
import type { RatesPart, RatesTimes } from './rates-calls.ts'
import type { RatesAnswer, RatesRequest } from './rates-protocol.ts'
import type { FairGroups, HeldElsewhere } from '../scopes/fair-groups.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { Slice } from '../util/slices.ts'

/**
 * How many networks, and how many peers, each node reports, for connections and for streams
 */
const MAX_GROUPS = 64

/**
 * For how long a node that was full asks what groups hold elsewhere, in `ttl`
 */
const ASKED = 4

type Kind = 'connections' | 'streams'

/** What is told of them begins with */
const PREFIXES: Record<Kind, string> = { connections: 'c ', streams: 's ' }

export interface FleetGroupsInit {
  graph: ScopeGraph
  ttl: number

  /** In ms, and never goes back */
  now(): number
}

/**
 * Tells the fleet which networks and peers hold most of this node, and asks what they hold
 * elsewhere while the node is full. Figures older than `ttl` do not count.
 */
export class FleetGroups implements RatesPart {
  readonly optional = true
  readonly #init: FleetGroupsInit
  #counting = false

  /** By name, what this node would tell: undefined until it was counted */
  #held?: Map<string, number>
  #told = false
  #askUntil = -Infinity

  constructor (init: FleetGroupsInit) {
    this.#init = init
  }

  get #groups (): FairGroups | undefined {
    return this.#init.graph.groups
  }

  // RatesPart

  dueAt (): number {
    return Infinity
  }

  ask (request: RatesRequest, now: number): void {
    const groups = this.#groups
    const held = this.#held

    if (groups?.full === true) {
      groups.full = false
      this.#askUntil = now + ASKED * this.#init.ttl
    }

    this.#count()

    if (groups === undefined || held === undefined) {
      return
    }

    if (held.size > 0 || this.#told) {
      request.held = [...held].flat()
      this.#told = held.size > 0
    }

    if (now < this.#askUntil) {
      request.groups = [...held.keys()]
    }
  }

  answered ({ groups: asked }: RatesRequest, { groups }: RatesAnswer, { validUntil }: RatesTimes): void {
    if (this.#groups !== undefined && asked.length > 0) {
      const { now, ttl } = this.#init

      // it is up to half a ttl old when it is answered
      this.#groups.elsewhere = new View(asked, listOf<number>(groups), validUntil - ttl / 2, now)
    }
  }

  stop (): void {
    if (this.#groups !== undefined) {
      this.#groups.elsewhere = undefined
    }
  }

  /**
   * Counts who holds most, in the background
   */
  #count (): void {
    if (this.#counting || this.#groups === undefined) {
      return
    }

    this.#counting = true
    runInSlices(slice => this.#scan(slice), held => {
      this.#counting = false
      this.#held = held
    }, setBackgroundTimer)
  }

  * #scan (slice: Slice): Generator<undefined, Map<string, number>, undefined> {
    const { graph } = this.#init
    const connections = { networks: new Map<string, number>(), peers: new Map<string, number>() }
    const streams = { networks: new Map<string, number>(), peers: new Map<string, number>() }

    for (const connection of graph.connections) {
      const { allowlisted, closed, inbound, peerScope } = connection

      if (inbound && !closed && !allowlisted) {
        const network = this.#groups?.networkOf(connection)
        const peer = peerScope?.key

        add(connections.networks, network, 1)
        add(connections.peers, peer, 1)

        // of a peer with several connections they count for the network of the first one
        if (peer !== undefined && !streams.peers.has(peer)) {
          add(streams.peers, peer, peerScope?.streamsInbound ?? 0)
          add(streams.networks, network, peerScope?.streamsInbound ?? 0)
        }
      }

      if (slice.over) {
        yield
      }
    }

    return new Map([
      ...largest(PREFIXES.connections, connections.networks),
      ...largest(PREFIXES.connections, connections.peers),
      ...largest(PREFIXES.streams, streams.networks),
      ...largest(PREFIXES.streams, streams.peers)
    ])
  }
}

/**
 * What groups hold on other nodes, until that is too old
 */
class View implements HeldElsewhere {
  readonly #held = new Map<string, number>()
  readonly #validUntil: number
  readonly #now: () => number

  constructor (names: string[], held: number[], validUntil: number, now: () => number) {
    this.#validUntil = validUntil
    this.#now = now
    names.forEach((name, i) => { held[i] > 0 && this.#held.set(name, held[i]) })
  }

  get valid (): boolean {
    return this.#now() < this.#validUntil
  }

  held (kind: Kind, group: string): number {
    return this.#held.get(`${PREFIXES[kind]}${group}`) ?? 0
  }
}

function add (counts: Map<string, number>, key: string | undefined, count: number): void {
  if (key !== undefined && count > 0) {
    counts.set(key, (counts.get(key) ?? 0) + count)
  }
}

/**
 * Groups that hold the same are reported in the same order by all nodes
 */
function largest (prefix: string, counts: Map<string, number>): Array<[string, number]> {
  return [...counts]
    .sort(([a, most], [b, more]) => more - most || (a < b ? -1 : 1))
    .slice(0, MAX_GROUPS)
    .map(([key, count]) => [`${prefix}${key}`, count])
}
