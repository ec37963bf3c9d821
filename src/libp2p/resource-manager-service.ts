import { InvalidParametersError, serviceCapabilities } from '@libp2p/interface'
import { Key } from 'interface-datastore/key'
import { checkLimits } from '../limits/check-limits.ts'
import { listHolders } from '../reporting/holders.ts'
import { registerMetrics } from '../reporting/libp2p-metrics.ts'
import { DefaultResourceManager } from '../resource-manager.ts'
import { attachedConnectionScope } from '../scopes/attached-scopes.ts'
import { resolveBaseCosts } from './base-costs.ts'
import { accountingGater } from './connection-gater.ts'
import { ConnectionTracker } from './connection-tracker.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import { MuxerGuard } from './muxer-guard.ts'
import { FindNodeRefusals } from './node-refusals.ts'
import { PendingDials } from './pending-dials.ts'
import { Pressures } from './pressure.ts'
import { ProcessMemory } from './process-memory.ts'
import { serviceTable } from './service-table.ts'
import { Sessions } from './sessions.ts'
import { StreamTracker } from './stream-tracker.ts'
import { TransientHolders } from './transient-holders.ts'
import type { NodeRefusals } from '../reporting/explain-opening.ts'
import type { ResourceManagerInit } from '../resource-manager-init.ts'
import type { Holder, HoldersOptions, NodeStat } from '../resource-manager-stat.ts'
import type { MovableNode } from '../scopes/movable-node.ts'
import type { ComponentLogger, ConnectionGater, Libp2pEvents, Metrics, MultiaddrConnection, StreamMuxerFactory, TypedEventTarget, Upgrader } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { Datastore } from 'interface-datastore'

/**
 * The parts of libp2p that the service works with
 */
export interface ResourceManagerComponents {
  connectionGater: ConnectionGater
  connectionManager: ConnectionManager
  datastore: Datastore
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  metrics?: Metrics
  registrar: Registrar
  transportManager: TransportManager
  upgrader: Upgrader
}

/**
 * Where the histories of sessions are in the datastore of the node
 */
const SESSIONS_KEY = '/libp2p-resource-manager/sessions'

/**
 * Nodes that have a resource manager: a second one would count everything twice
 */
const managed = new WeakSet<Upgrader>()

/**
 * The resource manager as a service of a node. Services are made after everything
 * else, and every part of libp2p looks up the others when it needs them, so they
 * can be wrapped here.
 */
export class ResourceManagerService extends DefaultResourceManager {
  readonly #components: ResourceManagerComponents
  readonly #connections: ConnectionTracker
  readonly #eventLoopDelay?: EventLoopDelay
  readonly #muxers: MuxerGuard
  protected readonly nodeRefusals: NodeRefusals
  readonly #processMemory?: ProcessMemory
  readonly #services: Map<string, string>
  readonly #streams: StreamTracker
  readonly #transient: TransientHolders
  readonly #sessions?: Sessions

  constructor (components: ResourceManagerComponents, init: ResourceManagerInit = {}) {
    const services = serviceTable(init.services)
    const baseCosts = resolveBaseCosts(init.baseCosts)

    if (managed.has(components.upgrader)) {
      throw new InvalidParametersError('services: expected one resource manager, got a second one')
    }

    super({ ...init, logger: components.logger }, {
      datastore: components.datastore,
      key: new Key(SESSIONS_KEY)
    })

    this.#transient = new TransientHolders(this, init.transientShare)
    this.#processMemory = init.processMemory == null ? undefined : new ProcessMemory(this, init.processMemory)
    this.#eventLoopDelay = init.eventLoopDelay == null ? undefined : new EventLoopDelay(init.eventLoopDelay)
    this.setBaseCosts(baseCosts)

    const sessions = this.serviceCollectors == null ? undefined : new Sessions(this, this.serviceCollectors)
    const pressures = new Pressures(this, [this.#processMemory, this.#eventLoopDelay].filter(pressure => pressure != null))
    const streams = new StreamTracker(this, services, this.#transient, init.handlerGrace, sessions, pressures)

    // nothing can fail from here on
    managed.add(components.upgrader)

    this.#components = components
    this.#services = services
    this.#sessions = sessions
    this.#connections = new ConnectionTracker(this, streams.memory, this.#transient, sessions, pressures)
    this.#muxers = new MuxerGuard(streams)
    this.nodeRefusals = new FindNodeRefusals({
      allowlist: this.allowlist,
      pressure: pressures,
      transient: this.#transient,
      collectors: this.serviceCollectors,
      services
    })
    this.#streams = streams

    components.connectionGater = accountingGater(components.connectionGater, this.#connections, this)
    this.#wrapTransportManager(new PendingDials(this))
    this.#wrapRegistrar(streams)

    components.events.addEventListener('connection:open', ({ detail: connection }) => {
      this.#muxers.connectionOpened(connection, attachedConnectionScope(connection))
    })

    if (components.metrics != null) {
      registerMetrics(components.metrics, this.metricsSource)
    }
  }

  readonly [serviceCapabilities]: string[] = [
    'libp2p-resource-manager'
  ]

  async start (): Promise<void> {
    this.#eventLoopDelay?.start()
    this.#streams.handlers.start()
    await super.start()

    const { limits } = this

    if (limits != null) {
      const maxConnections = this.#components.connectionManager.getMaxConnections()

      checkLimits(limits, { maxConnections }).forEach(warning => { this.log.error('%s', warning) })
    }
  }

  async stop (): Promise<void> {
    this.#eventLoopDelay?.stop()
    this.#streams.handlers.stop()
    this.#connections.stop()
    await super.stop()
  }

  holders (options?: HoldersOptions): Holder[] {
    return listHolders({ connections: this.#connections.open, streams: this.#streams.live }, options)
  }

  protected nodeStat (): NodeStat {
    const stat: NodeStat = { handlers: this.#streams.handlers.stat(), transientHolders: this.#transient.oldest() }

    if (this.#processMemory != null) {
      stat.processMemory = this.#processMemory.stat()
    }

    if (this.#eventLoopDelay != null) {
      stat.eventLoopDelay = this.#eventLoopDelay.stat()
    }

    return stat
  }

  /**
   * Those that have a handler as well, and those that belong to a service
   */
  protected knownProtocols (): Set<string> {
    return new Set([...super.knownProtocols(), ...this.#services.keys(), ...this.#components.registrar.getProtocols()])
  }

  protected joinedService (scope: MovableNode, service: string): void {
    this.#sessions?.joined(scope, service)
  }

  /**
   * All dials pass here before there is a socket, and all sockets pass the
   * upgrader
   */
  #wrapTransportManager (dials: PendingDials): void {
    const { transportManager, upgrader } = this.#components
    const dial = transportManager.dial.bind(transportManager)
    const upgradeInbound = upgrader.upgradeInbound.bind(upgrader)
    const upgradeOutbound = upgrader.upgradeOutbound.bind(upgrader)

    transportManager.dial = async (ma, options) => dials.run(ma, async () => dial(ma, options))

    upgrader.upgradeInbound = async (maConn: MultiaddrConnection, options: any) => {
      return this.#connections.upgrade(maConn, async () => upgradeInbound(maConn, this.#wrapOptions(options)))
    }

    upgrader.upgradeOutbound = async (maConn: MultiaddrConnection, options: any) => {
      return this.#connections.upgrade(maConn, async () => {
        this.#connections.adopt(maConn, dials.claim(maConn.remoteAddr))

        return upgradeOutbound(maConn, this.#wrapOptions(options))
      })
    }

    const muxers = upgrader.getStreamMuxers()

    for (const [protocol, factory] of [...muxers]) {
      muxers.set(protocol, this.#muxers.wrapFactory(factory))
    }
  }

  /**
   * Some transports bring their own muxer, such as WebRTC
   */
  #wrapOptions <T extends { muxerFactory?: StreamMuxerFactory }> (options: T): T {
    if (options?.muxerFactory == null) {
      return options
    }

    return { ...options, muxerFactory: this.#muxers.wrapFactory(options.muxerFactory) }
  }

  #wrapRegistrar (streams: StreamTracker): void {
    const { registrar } = this.#components
    const getMiddleware = registrar.getMiddleware.bind(registrar)
    const getHandler = registrar.getHandler.bind(registrar)

    registrar.getHandler = (protocol) => streams.handlers.wrap(getHandler(protocol))

    // always a new array: the connection adds the handler of the stream to it
    registrar.getMiddleware = (protocol) => [streams.middleware, ...getMiddleware(protocol)]
  }
}
