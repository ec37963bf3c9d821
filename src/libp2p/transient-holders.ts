import { invalid } from '../validation.ts'
import { TransientShareRefusal } from './transient-share-refusal.ts'
import type { TransientHolder } from '../resource-manager-stat.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { ConnectionNode } from '../scopes/connection-node.ts'
import type { AnyRefusal } from '../scopes/refusal.ts'
import type { StreamNode } from '../scopes/stream-node.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A remote that stops in the middle of every handshake leaves three quarters of the
 * transient scope to the others
 */
const DEFAULT_SHARE = 0.25

/**
 * How many of the oldest are reported
 */
const REPORTED = 10

interface Entry {
  /** The address or the peer */
  readonly remote: string
  readonly since: number

  /** Whose share it counts against, if there is one that it counts against */
  readonly key?: string
  readonly counts: Map<string, number>
}

/**
 * The connections whose peer and the streams whose protocol is not known yet. One
 * remote may hold only a share of these, so that one that never finishes cannot
 * keep everybody else out. It is a share of what the transient scope has for inbound
 * ones: what this node opens is its own decision.
 */
export class TransientHolders {
  readonly #manager: DefaultResourceManager
  readonly #share: number
  readonly #now: () => number

  /**
   * In the order in which they came, so the oldest is the first
   */
  readonly #entries = new Map<ConnectionNode | StreamNode, Entry>()
  readonly #connections = new Map<string, number>()
  readonly #streams = new Map<string, number>()

  /**
   * @throws {InvalidParametersError} If the share is not a number above 0, up to 1
   */
  constructor (manager: DefaultResourceManager, share: number = DEFAULT_SHARE, now: () => number = Date.now) {
    if (typeof share !== 'number' || !(share > 0 && share <= 1)) {
      throw invalid('transientShare', 'a number above 0, up to 1', share)
    }

    this.#manager = manager
    this.#share = share
    this.#now = now
  }

  /**
   * Why an inbound connection must not be opened, if so. It counts as a refusal.
   */
  refuseConnection (address: Multiaddr): AnyRefusal | undefined {
    return this.#manager.refuse(this.findConnection(address))
  }

  /**
   * Why an inbound stream must not be opened, if so. It counts as a refusal.
   */
  refuseStream (peer: PeerId): AnyRefusal | undefined {
    return this.#manager.refuse(this.findStream(peer))
  }

  /**
   * The same as `refuseConnection` for somebody who only asks
   */
  findConnection (address: Multiaddr): AnyRefusal | undefined {
    const host = this.#manager.hostOf(address)

    // a relayed connection has the address of the relay, which is not to blame
    if (host == null) {
      return
    }

    const { conns, connsInbound } = this.#manager.viewTransient(scope => scope.limit)

    return this.#find('connection', host, this.#connections, Math.min(conns, connsInbound))
  }

  /**
   * The same as `refuseStream` for somebody who only asks
   */
  findStream (peer: PeerId): AnyRefusal | undefined {
    const { streams, streamsInbound } = this.#manager.viewTransient(scope => scope.limit)

    return this.#find('stream', peer.toString(), this.#streams, Math.min(streams, streamsInbound))
  }

  addConnection (connection: ConnectionNode, address: Multiaddr): void {
    this.#add(connection, { remote: address.toString(), since: this.#now(), key: this.#manager.hostOf(address), counts: this.#connections })
  }

  addStream (stream: StreamNode): void {
    const { key } = stream.peerNode

    this.#add(stream, { remote: key, since: this.#now(), key, counts: this.#streams })
  }

  /**
   * It has got its peer or protocol, or has ended. Nothing happens if it is not here
   * any more.
   */
  delete (node: ConnectionNode | StreamNode): void {
    const entry = this.#entries.get(node)

    if (entry == null) {
      return
    }

    this.#entries.delete(node)

    if (entry.key != null && node.inbound) {
      const count = (entry.counts.get(entry.key) ?? 0) - 1

      if (count > 0) {
        entry.counts.set(entry.key, count)
      } else {
        entry.counts.delete(entry.key)
      }
    }
  }

  /**
   * Those that have been here longest, oldest first
   */
  oldest (): TransientHolder[] {
    const now = this.#now()
    const holders: TransientHolder[] = []

    for (const [{ inbound, name }, { remote, since }] of this.#entries) {
      if (holders.push({ scope: name, direction: inbound ? 'inbound' : 'outbound', remote, age: now - since }) === REPORTED) {
        break
      }
    }

    return holders
  }

  #add (node: ConnectionNode | StreamNode, entry: Entry): void {
    this.#entries.set(node, entry)

    if (entry.key != null && node.inbound) {
      entry.counts.set(entry.key, (entry.counts.get(entry.key) ?? 0) + 1)
    }
  }

  #find (resource: 'connection' | 'stream', key: string, counts: Map<string, number>, limit: number): AnyRefusal | undefined {
    const current = counts.get(key) ?? 0

    // everybody may have one
    if (current === 0 || current < Math.floor(this.#share * limit)) {
      return
    }

    return new TransientShareRefusal(resource, key, current, Math.floor(this.#share * limit))
  }
}
