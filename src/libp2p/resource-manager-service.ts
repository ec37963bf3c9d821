import { InvalidParametersError, serviceCapabilities } from '@libp2p/interface'
import { checkLimits } from '../limits/check-limits.ts'
import { DefaultResourceManager } from '../resource-manager.ts'
import { attachedConnectionScope } from '../scopes/attached-scopes.ts'
import { accountingGater } from './connection-gater.ts'
import { ConnectionTracker } from './connection-tracker.ts'
import { MuxerGuard } from './muxer-guard.ts'
import { PendingDials } from './pending-dials.ts'
import { serviceTable } from './service-table.ts'
import { StreamTracker } from './stream-tracker.ts'
import type { ResourceManagerInit } from '../interface.ts'
import type { ComponentLogger, ConnectionGater, Libp2pEvents, MultiaddrConnection, StreamMuxerFactory, TypedEventTarget, Upgrader } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'

/**
 * The parts of libp2p that the service works with
 */
export interface ResourceManagerComponents {
  connectionGater: ConnectionGater
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  registrar: Registrar
  transportManager: TransportManager
  upgrader: Upgrader
}

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
  readonly #muxers: MuxerGuard

  constructor (components: ResourceManagerComponents, init: ResourceManagerInit = {}) {
    const streamServices = serviceTable(init.services)

    if (managed.has(components.upgrader)) {
      throw new InvalidParametersError('services: expected one resource manager, got a second one')
    }

    super({ ...init, logger: components.logger })

    managed.add(components.upgrader)

    const streams = new StreamTracker(this, streamServices)

    this.#components = components
    this.#connections = new ConnectionTracker(this)
    this.#muxers = new MuxerGuard(streams)

    components.connectionGater = accountingGater(components.connectionGater, this.#connections, this)
    this.#wrapTransportManager(new PendingDials(this))
    this.#wrapRegistrar(streams)

    components.events.addEventListener('connection:open', ({ detail: connection }) => {
      this.#muxers.connectionOpened(connection, attachedConnectionScope(connection))
    })
  }

  readonly [serviceCapabilities]: string[] = [
    'libp2p-resource-manager'
  ]

  start (): void {
    super.start()

    const { limits } = this

    if (limits != null) {
      const maxConnections = this.#components.connectionManager.getMaxConnections()

      checkLimits(limits, { maxConnections }).forEach(warning => { this.log.error('%s', warning) })
    }
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

    // always a new array: the connection adds the handler of the stream to it
    registrar.getMiddleware = (protocol) => [streams.middleware, ...getMiddleware(protocol)]
  }
}
