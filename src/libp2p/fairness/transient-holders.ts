import { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import { Rule } from '../../scopes/refusal.ts'
import { oneOf } from '../../scopes/usage.ts'
import { relayInAddress } from '../../util/peers-in-address.ts'
import { PositionedList } from '../../util/positioned-list.ts'
import { invalid } from '../../util/validation.ts'
import type { Core } from '../../manager/core.ts'
import type { TransientHolder } from '../../manager/resource-manager-stat.ts'
import type { AggregateScope } from '../../scopes/aggregate-scope.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { DefaultStreamScope } from '../../scopes/stream-scope.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A remote that stops in the middle of every handshake leaves three quarters of the
 * transient scope to the others
 */
const DEFAULT_SHARE = 0.25

/**
 * From this fullness of the transient scope on, shares matter. Before that there is room for
 * everybody, and a remote may have many at a time, such as a hundred requests.
 */
const CONTENTION = 7 / 8

/**
 * How many of the oldest are reported
 */
const REPORTED = 10

const TRANSIENT_SHARE = new Rule('transient', { setting: ['transientShare'] })

/**
 * How many connections of a host, or streams of a peer, are transient and inbound
 */
interface Share {
  readonly name: string
  count: number
}

interface Shares<K> {
  get(key: K): Share | undefined
  set(key: K, share: Share): unknown
}

/**
 * A connection or stream that is transient
 */
export interface Transient {
  readonly scope: DefaultConnectionScope | DefaultStreamScope

  /** The address or the peer */
  readonly remote: string
  readonly since: number

  /** What it counts in, if anything */
  readonly share?: Share
  position: number
}

interface Held {
  /** While it is transient */
  transient?: Transient
}

/**
 * @throws {InvalidParametersError} If it is not a part of something
 */
export function checkTransientShare (share: number = DEFAULT_SHARE): void {
  if (typeof share !== 'number' || !(share > 0 && share <= 1)) {
    throw invalid('transientShare', 'a number above 0, up to 1', share)
  }
}

/**
 * The connections whose peer and the streams whose protocol is not known yet. When little room
 * is left, one remote may hold only a share of it, so that a remote that never finishes cannot
 * keep everybody else out. The share is one of the inbound limits of the transient scope: this
 * node decides itself what it opens.
 */
export class TransientHolders {
  readonly #manager: Core
  readonly #share: number
  readonly #scope: AggregateScope
  readonly #now: () => number

  readonly #holders = new PositionedList<Transient>()

  /**
   * Is told when something has become transient
   */
  onAdded?: () => void

  /**
   * Those of hosts that have a transient connection
   */
  readonly #connections = new Map<string, Share>()

  /**
   * The shares of peers, until they are forgotten: one for each peer, however often its streams
   * come and go
   */
  readonly #streams = new WeakMap<AggregateScope, Share>()

  /**
   * @throws {InvalidParametersError} If the share is not a number above 0, up to 1
   */
  constructor (manager: Core, share: number = DEFAULT_SHARE, now: () => number = () => performance.now()) {
    checkTransientShare(share)

    this.#manager = manager
    this.#share = share
    this.#scope = manager.graph.normal.transient
    this.#now = now
  }

  /**
   * Why an inbound connection must not be opened, if so
   */
  findConnection (address: Multiaddr): Refusal | undefined {
    const remote = this.#remoteOf(address)

    return this.#find('connection', remote == null ? undefined : this.#connections.get(remote))
  }

  /**
   * Why an inbound stream must not be opened, if so
   *
   * @param peerScope - the scope of the peer, if it has one
   */
  findStream (peerScope: AggregateScope | undefined): Refusal | undefined {
    return this.#find('stream', peerScope == null ? undefined : this.#streams.get(peerScope))
  }

  /**
   * @param scope - its endpoint says whom it counts as, if anybody
   * @param address - of the socket
   */
  addConnection (scope: DefaultConnectionScope, address: Multiaddr): Transient {
    const { endpoint } = scope
    const remote = endpoint == null ? undefined : this.#remoteOf(endpoint)

    return this.#add(scope, String(endpoint ?? address), this.#connections, remote, remote)
  }

  addStream (scope: DefaultStreamScope): Transient {
    return this.#add(scope, scope.peerScope.key, this.#streams, scope.peerScope)
  }

  /**
   * The connection or stream has got its peer or protocol, or has ended. Does nothing if it is
   * not here any more.
   */
  delete (live: Held): void {
    const { transient } = live

    if (transient == null) {
      return
    }

    const { scope, share } = transient

    live.transient = undefined
    this.#holders.delete(transient)

    if (share != null && --share.count === 0 && scope instanceof DefaultConnectionScope) {
      this.#connections.delete(share.name)
    }
  }

  get size (): number {
    return this.#holders.size
  }

  /**
   * Connections or streams that remotes opened, that are not trusted, and that have been here for
   * longer than some time
   *
   * @param kind
   * @param age - in ms
   */
  inboundFor (kind: 'connection' | 'stream', age: number): Transient[] {
    const time = this.#now() - age

    return [...this.#holders].filter(({ scope, since }) => {
      return since < time && scope.inbound && !scope.allowlisted && (scope instanceof DefaultConnectionScope) === (kind === 'connection') &&
        !this.#manager.trust.isAllowlisted(scope instanceof DefaultConnectionScope ? scope.endpoint : scope.connection?.endpoint) &&
        !(scope.peerScope != null && this.#manager.trust.isTrustedPeer(scope.peerScope.peer))
    })
  }

  /**
   * Those that have been here longest, oldest first
   */
  oldest (): TransientHolder[] {
    const now = this.#now()

    return [...this.#holders].sort((a, b) => a.since - b.since).slice(0, REPORTED).map(({ scope, remote, since }) => ({
      scope: scope.name,
      direction: scope.inbound ? 'inbound' : 'outbound',
      remote,
      age: Math.floor(now - since)
    }))
  }

  /**
   * Whose share a connection counts in: that of a host, or of a relay. All connections over one
   * relay share one, because they may all be from one remote, which does not even need an
   * address.
   */
  #remoteOf (address: Multiaddr): string | undefined {
    const host = this.#manager.trust.hostOf(address)

    if (host != null) {
      return host
    }

    const relay = relayInAddress(address)

    return relay == null ? undefined : `relay ${relay}`
  }

  /**
   * @param scope
   * @param remote
   * @param shares - where the one is that it counts in if it is inbound
   * @param key - of that one, if it has one
   * @param name - of the one whose share it is
   */
  #add <K> (scope: DefaultConnectionScope | DefaultStreamScope, remote: string, shares: Shares<K>, key: K | undefined, name: string = remote): Transient {
    let share: Share | undefined

    if (scope.inbound && key != null) {
      share = shares.get(key)

      if (share == null) {
        share = { name, count: 0 }
        shares.set(key, share)
      }

      share.count++
    }

    const transient: Transient = { scope, remote, since: this.#now(), share, position: -1 }

    this.#holders.add(transient)
    this.onAdded?.()

    return transient
  }

  #find (resource: 'connection' | 'stream', share: Share | undefined): Refusal | undefined {
    // everybody may have one
    if (share == null || share.count === 0) {
      return
    }

    const held = this.#scope
    const { conns, connsInbound, streams, streamsInbound } = held.limit
    const [most, used] = resource === 'connection'
      ? [Math.min(conns, connsInbound), held.connsInbound]
      : [Math.min(streams, streamsInbound), held.streamsInbound]
    const limit = Math.floor(this.#share * most)

    if (used >= CONTENTION * most && share.count >= limit) {
      return TRANSIENT_SHARE.refuse(resource, oneOf(resource, true), share.count, limit, share.name)
    }
  }
}
