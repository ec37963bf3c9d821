import { InvalidParametersError } from '@libp2p/interface'
import { MAX_OPEN, UNKNOWN } from './trace-player.ts'
import type { RecordedEvent } from './recorded-event.ts'
import type { ParsedScopeName } from '../reporting/scope-names.ts'

/**
 * A connection or stream that is open, as far as a trace says
 */
interface Opened {
  inbound: boolean
  usefd: boolean
  peer?: string
  protocol?: string
  service?: string
}

/**
 * How many changes may wait for the event that names their owner
 */
const MAX_WAITING = 1_024

/**
 * Traces of go-libp2p do not say for which connection or stream a scope has changed. This finds
 * it out where it makes a difference:
 *
 * - Who opens a stream counts in its peer just before it counts itself.
 * - What joins a protocol, service or peer is the oldest of this peer, or of all connections, that
 * has none yet and the same direction. Others that fit too are worth the same to all
 * limits. When one ends, it is seen where it was, and it changes places with the one that was
 * taken for it.
 * - Memory of a span is told by what it is a span of as well, and counts there.
 *
 * What is reserved directly in a scope that all share cannot be told from what is reserved below
 * it, and is left out.
 */
export class OwnerInference {
  readonly #swap: (a: string, b: string) => void
  readonly #opened = new Map<string, Opened>()
  #peers: Array<{ peer: string, inbound: boolean }> = []

  /** Connections that have no peer yet */
  readonly #strangers = new Set<string>()

  /** What is open, by its peer */
  readonly #ofPeer = new Map<string, Set<string>>()

  /**
   * Where something was taken out since something was closed
   */
  #removed: RecordedEvent[] = []

  /**
   * Whether the trace itself says for what scopes change. That is known as soon as a stream or
   * connection is counted in a scope.
   */
  exact?: boolean

  /**
   * @param swap - two were taken for each other
   */
  constructor (swap: (a: string, b: string) => void) {
    this.#swap = swap
  }

  /**
   * Adds the missing owner to an event
   *
   * @returns Whether there is anything in it that is to be counted
   */
  complete (event: RecordedEvent): boolean {
    const { of, scope, type } = event

    if (scope === undefined) {
      return true
    }

    const isShared = scope.kind !== 'conn' && scope.kind !== 'stream' && !scope.isSpan

    if (this.exact === undefined && isShared && (type === 'add_stream' || type === 'add_conn')) {
      this.exact = of !== undefined
    }

    if (this.exact !== false) {
      return true
    }

    if (isShared) {
      this.#completeShared(event)

      return true
    }

    if (scope.isSpan) {
      // what its owner tells as well
      return scope.kind !== 'conn' && scope.kind !== 'stream'
    }

    this.#completeOwned(event)

    return true
  }

  #completeShared (event: RecordedEvent): void {
    const { deltaIn, type } = event
    const { kind, peer } = event.scope as ParsedScopeName

    if (type.startsWith('block_') || type.endsWith('_scope')) {
      return
    }

    event.of = UNKNOWN

    if (type.startsWith('remove_')) {
      this.#removed.push(event)
      this.#removed.splice(0, this.#removed.length - MAX_WAITING)
      this.#undoRefused(event)
    } else if (type === 'add_stream' && kind === 'peer') {
      this.#peers.push({ peer: peer as string, inbound: deltaIn > 0 })
      this.#peers.splice(0, this.#peers.length - MAX_WAITING)
    } else if (type === 'add_stream' || type === 'add_conn') {
      event.of = this.#findJoining(event) ?? UNKNOWN
    }
  }

  /**
   * A stream was refused further up, after it was counted in its peer
   */
  #undoRefused ({ deltaIn, scope, type }: RecordedEvent): void {
    if (type === 'remove_stream' && scope?.kind === 'peer') {
      const at = this.#peers.findLastIndex(({ inbound, peer }) => peer === scope.peer && inbound === (deltaIn < 0))

      if (at !== -1) {
        this.#peers.splice(at, 1)
      }
    }
  }

  #findJoining ({ delta, deltaIn, scope, type }: RecordedEvent): string | undefined {
    const { kind, peer, protocol, service } = scope as ParsedScopeName
    const inbound = deltaIn > 0

    for (const name of (kind === 'peer' ? this.#strangers : this.#ofPeer.get(peer ?? '')) ?? []) {
      const opened = this.#opened.get(name) as Opened
      const isStream = name.startsWith('stream')

      if (isStream !== (type === 'add_stream') || opened.inbound !== inbound) {
        continue
      }

      if (kind === 'peer' && opened.peer === undefined && opened.usefd === (delta > 0)) {
        this.#forget(name, opened)
        this.#remember(name, { ...opened, peer })
        return name
      }

      if (kind === 'protocolPeer' && opened.peer === peer && opened.protocol === undefined) {
        opened.protocol = protocol
        return name
      }

      if (kind === 'servicePeer' && opened.peer === peer && opened.service === undefined && (!isStream || opened.protocol !== undefined)) {
        opened.service = service
        return name
      }
    }
  }

  #remember (name: string, opened: Opened): void {
    if (this.#opened.size >= MAX_OPEN && !this.#opened.has(name)) {
      throw new InvalidParametersError(`expected a trace, got one with more than ${MAX_OPEN} connections and streams at a time`)
    }

    this.#opened.set(name, opened)

    if (opened.peer === undefined) {
      this.#strangers.add(name)
      return
    }

    const names = this.#ofPeer.get(opened.peer)

    if (names === undefined) {
      this.#ofPeer.set(opened.peer, new Set([name]))
    } else {
      names.add(name)
    }
  }

  #forget (name: string, { peer }: Opened): void {
    const names = peer === undefined ? this.#strangers : this.#ofPeer.get(peer)

    this.#opened.delete(name)
    names?.delete(name)

    if (peer !== undefined && names?.size === 0) {
      this.#ofPeer.delete(peer)
    }
  }

  #completeOwned (event: RecordedEvent): void {
    const { delta, deltaIn, name, type } = event

    if (type === 'add_conn') {
      this.#remember(name, { inbound: deltaIn > 0, usefd: delta > 0 })
    } else if (type === 'add_stream') {
      const inbound = deltaIn > 0
      const at = this.#peers.findLastIndex(claim => claim.inbound === inbound)
      const peer = at === -1 ? undefined : this.#peers.splice(at, 1)[0].peer

      this.#remember(name, { inbound, usefd: false, peer })
      event.requester = peer
    } else if (type === 'destroy_scope') {
      this.#close(name)
    }
  }

  /**
   * Finds out where it was, and whether another one was taken for it
   */
  #close (name: string): void {
    const opened = this.#opened.get(name)

    if (opened !== undefined) {
      const wasIn = (kind: 'protocolPeer' | 'servicePeer' | 'peer'): string | undefined => {
        const scope = this.#removed.find(({ deltaIn, scope }) => scope?.kind === kind && (deltaIn < 0) === opened.inbound)?.scope

        return kind === 'peer' ? scope?.peer : scope?.protocol ?? scope?.service
      }
      const actual = { peer: wasIn('peer'), protocol: wasIn('protocolPeer'), service: wasIn('servicePeer') }
      const other = isSame(opened, actual) ? undefined : this.#findOther(name, opened, actual)

      this.#forget(name, opened)

      if (other !== undefined) {
        this.#forget(other, this.#opened.get(other) as Opened)
        this.#remember(other, opened)
        this.#swap(name, other)
      }
    }

    this.#removed = []
  }

  #findOther (name: string, { inbound, usefd }: Opened, actual: Partial<Opened>): string | undefined {
    for (const other of (actual.peer === undefined ? this.#strangers : this.#ofPeer.get(actual.peer)) ?? []) {
      const opened = this.#opened.get(other) as Opened

      if (other !== name && other.startsWith(name.slice(0, 4)) && opened.inbound === inbound && opened.usefd === usefd && isSame(opened, actual)) {
        return other
      }
    }
  }
}

function isSame (a: Partial<Opened>, b: Partial<Opened>): boolean {
  return a.peer === b.peer && a.protocol === b.protocol && a.service === b.service
}
