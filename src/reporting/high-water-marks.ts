import { LIMIT_FIELDS } from '../limits/limit.ts'
import { peerChildren } from '../scopes/peer-children.ts'
import { SCOPE_KINDS } from '../scopes/scope-kind.ts'
import { USED } from './scope-usage.ts'
import type { Limit } from '../limits/limit.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * How often scopes are looked at, in ms. To be exact, each stream would have to compare six
 * figures with their marks in each of its scopes. To look now and then costs streams
 * nothing, and misses only peaks that are shorter than this.
 */
const INTERVAL = 100

/**
 * How many services and protocols, and how many peers, are looked at each time. Of more peers
 * each is looked at less often.
 */
const LOOKED_AT_ONCE = 128

/**
 * How many services, and how many protocols, have marks of their own. The others have some
 * together.
 */
export const MAX_NAMES = 256

/**
 * The most that there has been of something in a scope, or in any scope of a kind
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

  /** The limit at that time. `Infinity` where there was none. */
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

  look (scope: AggregateScope, time: number): void {
    const { connsInbound, connsOutbound, fd, memory, streamsInbound, streamsOutbound } = scope

    if (
      memory > this.#memory ||
      streamsInbound > this.#streamsInbound || streamsOutbound > this.#streamsOutbound || streamsInbound + streamsOutbound > this.#streams ||
      connsInbound > this.#connsInbound || connsOutbound > this.#connsOutbound || connsInbound + connsOutbound > this.#conns ||
      fd > this.#fd
    ) {
      this.#raise(scope, time)
    }
  }

  #raise (scope: AggregateScope, time: number): void {
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
 * Remembers the most that scopes have held. There is a bounded number of marks, whatever
 * remotes do.
 */
export class HighWaterMarks {
  readonly #kinds = new Map<ScopeKind, Marks>()

  /**
   * Those of services and protocols, by their name
   */
  readonly #named = { service: new Map<string, Marks>(), protocol: new Map<string, Marks>() }
  #timer?: ReturnType<typeof setInterval>

  /**
   * Those that are left to be looked at in this round
   */
  #peers?: Iterator<AggregateScope>
  #services?: Iterator<AggregateScope> | undefined
  #protocols?: Iterator<AggregateScope> | undefined

  /**
   * Looks at a graph in the background until it is stopped
   */
  start (graph: ScopeGraph): void {
    this.stop()
    this.#timer = setInterval(() => { this.look(graph) }, INTERVAL)

    // a browser answers with a number
    if (typeof this.#timer === 'object') {
      this.#timer.unref()
    }
  }

  stop (): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#peers = undefined
    this.#services = undefined
    this.#protocols = undefined
  }

  /**
   * Looks at the scopes that all share, and at some of the peers
   */
  look (graph: ScopeGraph, time: number = Date.now()): void {
    const { allowlisted, normal, protocols, services } = graph

    for (const { system, transient } of [normal, allowlisted]) {
      this.lookAt(system, time)
      this.lookAt(transient, time)
    }

    this.#services = this.#lookOn(this.#services, services, time)
    this.#protocols = this.#lookOn(this.#protocols, protocols, time)

    this.#lookAtPeers(graph, time)
  }

  /**
   * All marks, in the order of the graph from the top down
   */
  list (graph: ScopeGraph): HighWaterMark[] {
    this.look(graph)

    const { protocol, service } = this.#named

    return SCOPE_KINDS.flatMap(kind => [
      ...kind === 'service' ? service.values() : [],
      ...kind === 'protocol' ? protocol.values() : [],
      ...this.#kinds.has(kind) ? [this.#kinds.get(kind) as Marks] : []
    ]).flatMap(marks => marks.list())
  }

  /**
   * Looks at the services or protocols, where there are many at the next ones
   *
   * @param round - those that are left
   * @param all
   * @param time
   * @returns Those that are left then
   */
  #lookOn (round: Iterator<AggregateScope> | undefined, all: ReadonlyMap<string, AggregateScope>, time: number): Iterator<AggregateScope> | undefined {
    let isNew = round === undefined
    let left = round ?? all.values()
    let looked = 0

    while (looked < LOOKED_AT_ONCE) {
      const { done, value: scope } = left.next()

      if (done !== true) {
        this.lookAt(scope, time)
        looked++
      } else if (isNew) {
        return
      } else {
        isNew = true
        left = all.values()
      }
    }

    return left
  }

  #lookAtPeers ({ peers }: ScopeGraph, time: number): void {
    this.#peers ??= peers.values()

    for (let looked = 0; looked < LOOKED_AT_ONCE; looked++) {
      const { done, value: peer } = this.#peers.next()

      if (done === true) {
        this.#peers = undefined
        return
      }

      this.lookAt(peer, time)

      for (const child of peerChildren(peer)) {
        this.lookAt(child, time)
      }
    }
  }

  protected lookAt (scope: AggregateScope, time: number): void {
    const { key, kind } = scope
    const marks = kind === 'service' || kind === 'protocol' ? this.#marksOf(kind, key) : marksIn(this.#kinds, kind, kind)

    marks.look(scope, time)
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
