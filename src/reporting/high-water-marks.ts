import { LIMIT_FIELDS } from '../limits/limit.ts'
import { peerChildren } from '../scopes/peer-children.ts'
import { SCOPE_KINDS } from '../scopes/scope-kind.ts'
import { inBackground } from '../util/timers.ts'
import { USED } from './scope-usage.ts'
import type { Limit } from '../limits/limit.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * How often scopes are sampled, in ms. Exact marks would make each stream compare six figures
 * in each of its scopes. Sampling costs streams nothing, and misses only peaks that are
 * shorter than this.
 */
const INTERVAL = 100

/**
 * How many services and protocols, and how many peers, are sampled each time. Where there are
 * more, each is sampled less often.
 */
const SAMPLED_AT_ONCE = 128

/**
 * How many services, and how many protocols, have marks of their own. The others share marks.
 */
export const MAX_NAMES = 256

/**
 * The peak of something in one scope, or in any scope of a kind
 */
export interface HighWaterMark {
  /** The kind of the scope */
  kind: ScopeKind

  /**
   * The name of the scope. Of peers and what they have of protocols and services there is
   * one mark for all, and this is the one that had most.
   */
  scope: string

  /** Which of its limits it is about */
  field: keyof Limit

  /** The most that was held at a time: a number, or bytes of memory */
  value: number

  /** The limit at that time: a number, or bytes of memory. `Infinity` where there was none. */
  limit: number

  /** When it was reached, in ms since 1970, give or take a tenth of a second */
  time: number
}

/**
 * The marks of one scope, or of all scopes of a kind
 */
export class Marks {
  readonly kind: ScopeKind
  readonly #marks = new Map<keyof Limit, HighWaterMark>()

  // fields, as most scopes are only compared with them
  #streams = 0
  #streamsInbound = 0
  #streamsOutbound = 0
  #conns = 0
  #connsInbound = 0
  #connsOutbound = 0
  #fd = 0
  #memory = 0

  constructor (kind: ScopeKind) {
    this.kind = kind
  }

  raise (scope: AggregateScope, time: number): void {
    const { connsInbound, connsOutbound, fd, memory, streamsInbound, streamsOutbound } = scope

    if (
      memory > this.#memory ||
      streamsInbound > this.#streamsInbound || streamsOutbound > this.#streamsOutbound || streamsInbound + streamsOutbound > this.#streams ||
      connsInbound > this.#connsInbound || connsOutbound > this.#connsOutbound || connsInbound + connsOutbound > this.#conns ||
      fd > this.#fd
    ) {
      this.#update(scope, time)
    }
  }

  #update (scope: AggregateScope, time: number): void {
    for (const field of LIMIT_FIELDS) {
      const value = USED[field](scope)

      if (value > (this.#marks.get(field)?.value ?? 0)) {
        this.#marks.set(field, { kind: this.kind, scope: scope.name, field, value, limit: scope.limit[field], time })
      }
    }

    const valueOf = (field: keyof Limit): number => this.#marks.get(field)?.value ?? 0

    this.#streams = valueOf('streams')
    this.#streamsInbound = valueOf('streamsInbound')
    this.#streamsOutbound = valueOf('streamsOutbound')
    this.#conns = valueOf('conns')
    this.#connsInbound = valueOf('connsInbound')
    this.#connsOutbound = valueOf('connsOutbound')
    this.#fd = valueOf('fd')
    this.#memory = valueOf('memory')
  }

  list (): HighWaterMark[] {
    return LIMIT_FIELDS.flatMap(field => this.#marks.get(field) ?? [])
  }
}

/**
 * Remembers the peaks of scopes, in a bounded number of marks, whatever remotes do.
 */
export class HighWaterMarks {
  readonly #kinds = new Map<ScopeKind, Marks>()

  /**
   * Those of services and protocols, by their name
   */
  readonly #named = { service: new Map<string, Marks>(), protocol: new Map<string, Marks>() }
  #timer?: ReturnType<typeof setInterval>

  /**
   * Those that are still to be sampled in this round
   */
  #peers?: Iterator<AggregateScope>
  #services?: Iterator<AggregateScope> | undefined
  #protocols?: Iterator<AggregateScope> | undefined

  /**
   * Samples a graph in the background until it is stopped
   */
  start (graph: ScopeGraph): void {
    this.stop()
    this.#timer = inBackground(setInterval(() => { this.sample(graph) }, INTERVAL))
  }

  stop (): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#peers = undefined
    this.#services = undefined
    this.#protocols = undefined
  }

  /**
   * Samples the scopes that all share, and some of the peers
   */
  sample (graph: ScopeGraph, time: number = Date.now()): void {
    const { allowlisted, normal, protocols, services } = graph

    for (const { system, transient } of [normal, allowlisted]) {
      this.sampleScope(system, time)
      this.sampleScope(transient, time)
    }

    this.#services = this.#sampleNext(this.#services, services, time)
    this.#protocols = this.#sampleNext(this.#protocols, protocols, time)

    this.#samplePeers(graph, time)
  }

  /**
   * All marks, in the order of the graph from the top down
   */
  list (graph: ScopeGraph): HighWaterMark[] {
    this.sample(graph)

    const { protocol, service } = this.#named

    return SCOPE_KINDS.flatMap(kind => [
      ...kind === 'service' ? service.values() : [],
      ...kind === 'protocol' ? protocol.values() : [],
      ...this.#kinds.has(kind) ? [this.#kinds.get(kind) as Marks] : []
    ]).flatMap(marks => marks.list())
  }

  /**
   * Samples the services or protocols: where there are many, the next ones
   *
   * @param round - those that are left
   * @param all
   * @param time
   * @returns Those that are left then
   */
  #sampleNext (round: Iterator<AggregateScope> | undefined, all: ReadonlyMap<string, AggregateScope>, time: number): Iterator<AggregateScope> | undefined {
    let isNew = round === undefined
    let left = round ?? all.values()
    let sampled = 0

    while (sampled < SAMPLED_AT_ONCE) {
      const { done, value: scope } = left.next()

      if (done !== true) {
        this.sampleScope(scope, time)
        sampled++
      } else if (isNew) {
        return
      } else {
        isNew = true
        left = all.values()
      }
    }

    return left
  }

  #samplePeers ({ peers }: ScopeGraph, time: number): void {
    this.#peers ??= peers.values()

    for (let sampled = 0; sampled < SAMPLED_AT_ONCE; sampled++) {
      const { done, value: peer } = this.#peers.next()

      if (done === true) {
        this.#peers = undefined
        return
      }

      this.sampleScope(peer, time)

      for (const child of peerChildren(peer)) {
        this.sampleScope(child, time)
      }
    }
  }

  protected sampleScope (scope: AggregateScope, time: number): void {
    const { key, kind } = scope
    const marks = kind === 'service' || kind === 'protocol' ? this.#marksOf(kind, key) : marksIn(this.#kinds, kind, kind)

    marks.raise(scope, time)
  }

  #marksOf (kind: 'service' | 'protocol', key: string): Marks {
    const named = this.#named[kind]

    // from there on they have one for all
    return named.has(key) || named.size < MAX_NAMES ? marksIn(named, key, kind) : marksIn(this.#kinds, kind, kind)
  }
}

function marksIn <K> (all: Map<K, Marks>, key: K, kind: ScopeKind): Marks {
  let marks = all.get(key)

  if (marks === undefined) {
    marks = new Marks(kind)
    all.set(key, marks)
  }

  return marks
}
