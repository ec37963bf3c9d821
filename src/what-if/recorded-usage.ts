import { LIMIT_FIELDS } from '../limits/limit.ts'
import { Percentiles } from '../util/percentiles.ts'
import type { RecordedEvent } from './recorded-event.ts'
import type { Limit } from '../limits/limit.ts'
import type { ParsedScopeName } from '../reporting/scope-names.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * How many services and protocols have figures of their own. The others share figures.
 */
const MAX_NAMES = 512

/**
 * How many peers, and shares of peers, are observed at a time. With more, the oldest one counts
 * as gone.
 */
const MAX_PEERS = 100_000

/**
 * How much of something one scope, or the scopes of one kind, have held
 */
export interface RecordedUsage {
  /** The kind of the scope */
  kind: ScopeKind

  /**
   * The name of the scope. Of peers and what they have of protocols and services, that of the
   * one that had most.
   */
  scope: string

  /** The service or protocol, if it is one or what peers have of one */
  group?: string

  /** Which limit it is about */
  field: keyof Limit

  /** The most that was held at a time: a number, or bytes of memory */
  peak: number

  /** When that was, in ms since 1970 */
  time: number

  /**
   * What was exceeded for 1% of the time: a number, or bytes of memory. For scopes that each
   * peer has one of, the peak that 1% of the peers exceeded.
   */
  p99: number

  /** The same for half of the time, or half of the peers */
  p50: number
}

type Held = Partial<Record<keyof Limit, number>>

interface Figure {
  scope: string
  peak: number
  time: number
  value: number
  since: number
  percentiles: Percentiles
}

interface Group {
  kind: ScopeKind
  group?: string
  figures: Map<keyof Limit, Figure>
}

/**
 * What a peer, or a peer in a protocol or service, has held
 */
interface PeerPeaks {
  group: Group
  peaks: Map<keyof Limit, number>
}

/**
 * Finds out how much scopes have held, from the events of a trace
 */
export class UsageRecorder {
  readonly #groups = new Map<string, Group>()
  readonly #peers = new Map<string, PeerPeaks>()

  /** Peers that are not forgotten yet, oldest first: a new iterator would pass all removed ones again */
  readonly #oldest = this.#peers.keys()
  #time = 0

  add (event: RecordedEvent): void {
    const { name, scope, time, type } = event

    this.#time = time

    if (scope === undefined || scope.isSpan || scope.kind === 'conn' || scope.kind === 'stream') {
      return
    }

    if (type === 'destroy_scope') {
      this.#forget(name)
    } else if (CHANGES.has(type)) {
      this.#sample(name, scope, heldIn(event))
    }
  }

  list (): RecordedUsage[] {
    // those that are there at the end
    for (const name of [...this.#peers.keys()]) {
      this.#forget(name)
    }

    return [...this.#groups.values()].flatMap(({ figures, group, kind }) => LIMIT_FIELDS.flatMap(field => {
      const figure = figures.get(field)

      if (figure === undefined || figure.peak === 0) {
        return []
      }

      if (!OF_PEERS.has(kind)) {
        this.#settle(figure)
      }

      const { peak, percentiles, scope, time } = figure

      return { kind, scope, group, field, peak, time, p99: Math.min(peak, percentiles.at(0.99)), p50: Math.min(peak, percentiles.at(0.5)) }
    }))
  }

  #sample (name: string, scope: ParsedScopeName, held: Held): void {
    const group = this.#groupOf(scope)
    const isOfPeer = OF_PEERS.has(scope.kind)

    for (const [field, value] of Object.entries(held) as Array<[keyof Limit, number]>) {
      const figure = this.#figure(group, field)

      if (!isOfPeer) {
        this.#settle(figure)
      }

      figure.value = value

      if (value > figure.peak) {
        figure.peak = value
        figure.time = this.#time
        figure.scope = name
      }

      if (isOfPeer) {
        this.#remember(name, group, field, value)
      }
    }
  }

  /**
   * Counts how long it was as it is
   */
  #settle (figure: Figure): void {
    figure.percentiles.add(figure.value, this.#time - figure.since)
    figure.since = this.#time
  }

  #remember (name: string, group: Group, field: keyof Limit, value: number): void {
    let peer = this.#peers.get(name)

    if (peer === undefined) {
      if (this.#peers.size >= MAX_PEERS) {
        this.#forget(this.#oldest.next().value as string)
      }

      peer = { group, peaks: new Map() }
      this.#peers.set(name, peer)
    }

    peer.peaks.set(field, Math.max(value, peer.peaks.get(field) ?? 0))
  }

  #forget (name: string): void {
    const peer = this.#peers.get(name)

    if (peer !== undefined) {
      this.#peers.delete(name)
      peer.peaks.forEach((value, field) => { this.#figure(peer.group, field).percentiles.add(value, 1) })
    }
  }

  #figure ({ figures }: Group, field: keyof Limit): Figure {
    let figure = figures.get(field)

    if (figure === undefined) {
      figure = { scope: '', peak: 0, time: this.#time, value: 0, since: this.#time, percentiles: new Percentiles() }
      figures.set(field, figure)
    }

    return figure
  }

  #groupOf ({ kind, protocol, service }: ParsedScopeName): Group {
    const name = protocol ?? service
    const key = name === undefined || (this.#groups.size >= MAX_NAMES && !this.#groups.has(`${kind} ${name}`)) ? kind : `${kind} ${name}`
    let group = this.#groups.get(key)

    if (group === undefined) {
      group = { kind, group: key === kind ? undefined : name, figures: new Map() }
      this.#groups.set(key, group)
    }

    return group
  }
}

/**
 * Those of which there is one for each peer
 */
export const OF_PEERS = new Set<ScopeKind>(['peer', 'servicePeer', 'protocolPeer'])

const CHANGES = new Set(['reserve_memory', 'release_memory', 'add_stream', 'remove_stream', 'add_conn', 'remove_conn'])

/**
 * What an event says that its scope holds
 */
export function heldIn ({ connsIn, connsOut, fd, memory, streamsIn, streamsOut, type }: Pick<RecordedEvent, 'connsIn' | 'connsOut' | 'fd' | 'memory' | 'streamsIn' | 'streamsOut' | 'type'>): Held {
  if (type.endsWith('memory')) {
    return { memory }
  }

  return type.endsWith('stream')
    ? { streams: streamsIn + streamsOut, streamsInbound: streamsIn, streamsOutbound: streamsOut }
    : { conns: connsIn + connsOut, connsInbound: connsIn, connsOutbound: connsOut, fd }
}
