/**
 * The wiring: has a libp2p node go through a core. The only room that changes components of libp2p.
 *
 * In: the components of a node, before anything of it starts.
 * Out: a scope for every socket, dial, connection and stream that the node has from then on.
 * Fails: an option that cannot be used is an `InvalidParametersError`, and nothing of the node has
 * changed. After that, a refusal rejects what this node opens, and ends what a remote has opened.
 * Costs: some percent of the CPU time of a stream, see bench/README.md.
 */

import { ConnectionTracker } from './connections/connection-tracker.ts'
import { DialTies } from './connections/dial-ties.ts'
import { observeDialledWebSockets } from './connections/dialled-web-sockets.ts'
import { InboundGate } from './connections/inbound-gate.ts'
import { CustomManager } from './custom-manager.ts'
import { TransientHolders } from './fairness/transient-holders.ts'
import { HandlerLimits } from './handler-limits.ts'
import { override } from './override.ts'
import { StreamTracker } from './streams/stream-tracker.ts'
import { wrapComponents } from './wrap-components.ts'
import type { CustomResourceManager } from './custom-manager.ts'
import type { NodeHost, ResourceManagerComponents } from './node-host.ts'
import type { FeatureHost } from '../manager/feature.ts'
import type { BaseCosts } from '../manager/opening.ts'
import type { NameTable } from '../util/name-table.ts'
import type { StreamHandlerOptions } from '@libp2p/interface'

export interface WiringInit {
  baseCosts: BaseCosts

  /** Somebody else's manager, which decides instead */
  custom?: CustomResourceManager

  /** How many inbound streams handlers accept, by protocol: what the limits are derived with */
  handlers: Map<string, number>

  /** In ms */
  handlerGrace?: number

  /** By protocol */
  services: NameTable<string>
  transientShare?: number
}

/**
 * Has a node go through a core: gives its connections and streams their scopes, and lets
 * features add what they do with a node.
 */
export class Wiring implements NodeHost {
  readonly components: ResourceManagerComponents
  readonly connections: ConnectionTracker
  readonly services: NameTable<string>
  readonly streams: StreamTracker
  readonly transient: TransientHolders
  limitAdvice: NodeHost['limitAdvice'] = undefined
  handlerAdvice: NodeHost['handlerAdvice'] = undefined

  readonly #gate: InboundGate
  readonly #handlerLimits: HandlerLimits
  readonly #host: FeatureHost

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used. Nothing of the node
   * has changed then.
   */
  constructor (host: FeatureHost, components: ResourceManagerComponents, init: WiringInit) {
    const { core } = host

    this.#host = host
    this.components = components
    this.services = init.services
    core.baseCosts = init.baseCosts

    this.transient = new TransientHolders(core, init.transientShare)
    this.streams = new StreamTracker(core, init.services, this.transient, init.handlerGrace)

    const { streams, transient } = this
    const ties = new DialTies(core, components, streams.memory.connections)

    this.connections = new ConnectionTracker(core, streams.memory, transient, ties)
    this.#handlerLimits = new HandlerLimits(host.limits, init.handlers)
    this.#register(init.custom)

    // nothing can fail from here on
    observeDialledWebSockets()

    const gate = new InboundGate(core, components.connectionManager)

    this.#gate = gate
    core.findFull = () => gate.findFull()
    core.serviceOf = protocol => init.services.get(protocol)
    core.graph.roomMakers.push(streams.memory.eviction, ties)
    wrapComponents(components, { core, connections: this.connections, streams, handled: (protocol, options) => { this.#handled(protocol, options) } })
  }

  /**
   * Tells people what they should know of the limits, when the node has started
   */
  started (): void {
    this.#advise(this.#gate.advice())
    this.limitAdvice?.().forEach(advice => { this.#advise(advice) })
  }

  /**
   * Registers as features do. They are asked in between, because the checks for strangers have
   * an order.
   */
  #register (custom?: CustomResourceManager): void {
    const { core, holdersSource, nodeParts, parts, stats } = this.#host
    const { connections, streams, transient } = this

    if (custom !== undefined) {
      parts.push(this.#ask(custom))
    }

    nodeParts.forEach(register => { register(this) })

    core.strangersConnections.push({ find: address => address == null ? undefined : transient.findConnection(address) })
    core.strangersStreams.push({ find: peer => transient.findStream(peer) })

    holdersSource.connections = streams.memory.connections
    holdersSource.streams = streams.live
    parts.push(streams.handlers, { stop: () => { connections.stop() } })
    stats.push(() => ({ handlers: streams.handlers.stat(), transientHolders: transient.oldest() }))
    this.#knowNames()
  }

  /**
   * Protocols that have a handler as well, and what services say of them
   */
  #knowNames (): void {
    const { metricsSource, metricsSource: { knownProtocols, knownServices } } = this.#host
    const { components: { registrar }, services } = this

    metricsSource.knownProtocols = () => new Set([...knownProtocols(), ...services.names(), ...registrar.getProtocols()])
    metricsSource.knownServices = () => new Set([...knownServices(), ...services.values()])
  }

  /**
   * From now on somebody else's manager is asked
   */
  #ask (manager: CustomResourceManager): CustomManager {
    const { core } = this.#host
    const custom = new CustomManager(manager, core.graph)
    const { openConnection, openStream } = core

    override(core, 'openConnection', (direction, usefd, endpoint) => {
      return custom.openConnection(() => openConnection.call(core, direction, usefd, endpoint), direction, usefd, endpoint)
    })

    override(core, 'openStream', (peer, direction, connection) => {
      return custom.openStream(() => openStream.call(core, peer, direction, connection), peer, direction, connection)
    })

    return custom
  }

  #handled (protocol: string, options?: StreamHandlerOptions): void {
    const limiter = this.#handlerLimits.follow(protocol, options)

    if (limiter !== undefined) {
      this.#advise(this.handlerAdvice?.(limiter, protocol, options))
    }
  }

  #advise (advice?: string): void {
    if (advice != null) {
      this.#host.log.error('%s', advice)
      this.#host.warnProcess('RESOURCE_MANAGER_LIMITS', advice, advice)
    }
  }
}
