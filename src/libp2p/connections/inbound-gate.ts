import { Rule } from '../../scopes/refusal.ts'
import { oneConnection } from '../../scopes/usage.ts'
import type { Core } from '../../manager/core.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { ScopePair } from '../../scopes/scope-pair.ts'
import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The defaults of libp2p (3.x). Lower numbers were set by somebody.
 */
const DEFAULTS = { maxIncomingPendingConnections: 10, inboundConnectionThreshold: 5 }

const CONNECTION_MANAGER = '@libp2p/connection-manager'

/**
 * What libp2p's connection manager has beside its interface
 */
interface Libp2pConnectionManager extends ConnectionManager {
  maxIncomingPendingConnections?: number
  incomingPendingConnections?: number
  inboundConnectionRateLimiter?: { points?: number, consume?(host: string): unknown }
  connectionPruner?: { sortConnections?(connections: Connection[], values: unknown): Connection[] }
  deny?: Array<{ contains?(host: string): boolean }>
}

/**
 * Stands in for what decides about the rate of a host
 */
const NO_RATE = { consume: () => {} }

/**
 * libp2p's connection manager decides about an inbound connection before any gater is asked: by
 * how many are in their handshake (10), by how many come from a host (5 in a second), and by
 * how many there are (`maxConnections`). With the first of these, two remotes could lock out
 * everybody, trusted or not, and nobody would see it.
 *
 * So the resource manager decides instead. It has a share of the handshakes and a rate for each
 * remote, and lets those give way who hold most:
 *
 * - handshakes by the transient scope, unless that is unlimited
 * - rates by its own rates, unless there are none
 * - `maxConnections` as a limit like those of the system scope
 *
 * What has been set lower than libp2p's defaults, and the `deny` list, go on applying.
 */
export class InboundGate {
  readonly #manager: Core
  readonly #connections: Libp2pConnectionManager
  readonly #rules = new Map<string, Rule>()

  constructor (manager: Core, connectionManager: ConnectionManager) {
    this.#manager = manager
    this.#connections = connectionManager as Libp2pConnectionManager

    // in a dry run everything goes on as it would without
    if (manager.enforces && Object.isExtensible(connectionManager)) {
      this.#takeOver()
    }
  }

  /**
   * Which options to set so that the resource manager decides, if any
   */
  advice (): string | undefined {
    const { inboundConnectionRateLimiter, maxIncomingPendingConnections } = this.#connections

    if (!this.#manager.enforces || (typeof maxIncomingPendingConnections === 'number' && typeof inboundConnectionRateLimiter?.points === 'number')) {
      return
    }

    if ((this.#connections as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === CONNECTION_MANAGER) {
      return 'this version of libp2p refuses connections before the resource manager is asked: set connectionManager.maxIncomingPendingConnections and connectionManager.inboundConnectionThreshold to Infinity'
    }
  }

  /**
   * Why the node may not have one more inbound connection, if so
   */
  findFull (): Refusal | undefined {
    const maxConnections = this.#connections.getMaxConnections?.()

    // anything else is none of libp2p's
    if (!this.#manager.enforces || typeof maxConnections !== 'number') {
      return
    }

    const established = this.#countEstablished()

    return established < maxConnections ? undefined : this.#refusal('maxConnections', established, maxConnections)
  }

  /**
   * Connections whose peer is known, in any scope. libp2p takes long to make its own list of
   * them.
   */
  #countEstablished (): number {
    const { allowlisted, normal } = this.#manager.graph

    return countEstablished(normal) + countEstablished(allowlisted)
  }

  #takeOver (): void {
    const connections = this.#connections
    const accept = connections.acceptIncomingConnection
    const others = this.#viewOf(name => this.#takes(name))
    const trusted = this.#viewOf(() => true)
    const { connectionPruner } = connections

    connections.acceptIncomingConnection = maConn => {
      const view = this.#manager.trust.isAllowlisted(maConn.remoteAddr) ? trusted : others
      const accepted = accept.call(view, maConn)

      if (!accepted) {
        this.#count(maConn)
      }

      return accepted
    }

    if (typeof connectionPruner?.sortConnections === 'function') {
      const sort = connectionPruner.sortConnections.bind(connectionPruner)

      // it cannot choose from those that it must not close
      connectionPruner.sortConnections = (list, values) => sort(list, values).filter(({ remoteAddr, remotePeer }) => {
        return !this.#manager.trust.isAllowlisted(remoteAddr) && !this.#manager.trust.isTrustedPeer(remotePeer)
      })
    }
  }

  /**
   * The connection manager as its own method sees it, without some of its limits. These are
   * private, so they are hidden instead of changed.
   */
  #viewOf (takes: (name: string) => boolean): Libp2pConnectionManager {
    const replacements: Record<string, { by: string, value: unknown }> = {
      maxIncomingPendingConnections: { by: 'maxIncomingPendingConnections', value: Infinity },
      inboundConnectionRateLimiter: { by: 'inboundConnectionThreshold', value: NO_RATE },
      maxConnections: { by: 'maxConnections', value: Infinity },
      // which takes long to make, and only its length would be read
      getConnections: { by: 'maxConnections', value: () => [] }
    }

    return new Proxy(this.#connections, {
      get: (target, property) => {
        const replacement = Object.hasOwn(replacements, property) ? replacements[property as string] : undefined

        return replacement != null && takes(replacement.by) ? replacement.value : Reflect.get(target, property, target)
      },
      set: (target, property, value) => Reflect.set(target, property, value, target)
    })
  }

  #limitsPending (): boolean {
    const { conns, connsInbound } = this.#manager.graph.normal.transient.limit

    return Math.min(conns, connsInbound) < Infinity
  }

  #takes (name: string): boolean {
    const { inboundConnectionRateLimiter, maxIncomingPendingConnections } = this.#connections

    switch (name) {
      case 'maxIncomingPendingConnections':
        return Number(maxIncomingPendingConnections) >= DEFAULTS.maxIncomingPendingConnections && this.#limitsPending()
      case 'inboundConnectionThreshold':
        return Number(inboundConnectionRateLimiter?.points) >= DEFAULTS.inboundConnectionThreshold && this.#manager.limitsRates
      default:
        return true
    }
  }

  /**
   * Counts refusals by the limits that still apply. Not those of the `deny` list: the user
   * wants these.
   */
  #count ({ remoteAddr }: MultiaddrConnection): void {
    const { inboundConnectionRateLimiter, incomingPendingConnections, maxIncomingPendingConnections } = this.#connections
    const pending = Number(incomingPendingConnections)

    if (this.#isDenied(remoteAddr)) {
      return
    }

    if (pending >= Number(maxIncomingPendingConnections) && !this.#takes('maxIncomingPendingConnections')) {
      this.#manager.refuse(this.#refusal('maxIncomingPendingConnections', pending, Number(maxIncomingPendingConnections)), remoteAddr)
    } else if (!this.#takes('inboundConnectionThreshold')) {
      const points = Number(inboundConnectionRateLimiter?.points ?? DEFAULTS.inboundConnectionThreshold)

      this.#manager.refuse(this.#refusal('inboundConnectionThreshold', points, points), remoteAddr)
    }
  }

  #isDenied (address: Multiaddr): boolean {
    const { deny } = this.#connections
    const [host] = address.getComponents()

    return Array.isArray(deny) && host?.value != null && deny.some(network => network.contains?.(host.value as string) === true)
  }

  /**
   * @param option - the one of the connection manager that says it
   * @param current - how many there are
   * @param limit
   */
  #refusal (option: string, current: number, limit: number): Refusal {
    const { system } = this.#manager.graph.normal
    const rule = this.#rules.get(option) ?? new Rule(system.kind, { scope: system, setting: ['connectionManager', option] })

    this.#rules.set(option, rule)

    return rule.refuse('connection', oneConnection(true, false), current, limit)
  }
}

function countEstablished ({ system, transient }: ScopePair): number {
  return system.connsInbound + system.connsOutbound - transient.connsInbound - transient.connsOutbound
}
