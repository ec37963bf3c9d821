import { serviceCapabilities } from '@libp2p/interface'
import { Key } from 'interface-datastore/key'
import { accepts } from '../limits/follow-handlers.ts'
import { ConcreteLimiter } from '../limits/limiter.ts'
import { DefaultResourceManager } from '../manager/resource-manager.ts'
import { invalid } from '../util/validation.ts'
import { resolveBaseCosts } from './connections/base-costs.ts'
import { accountingGater } from './connections/connection-gater.ts'
import { ConnectionTracker } from './connections/connection-tracker.ts'
import { DialTies } from './connections/dial-ties.ts'
import { watchDialledWebSockets } from './connections/dialled-web-sockets.ts'
import { InboundGate } from './connections/inbound-gate.ts'
import { PendingDials } from './connections/pending-dials.ts'
import { CustomManager, withoutOwnLimits } from './custom-manager.ts'
import { TransientHolders } from './fairness/transient-holders.ts'
import { nodeDemand } from './node-demand.ts'
import { override } from './override.ts'
import { decodeLength } from './streams/decode-length.ts'
import { MuxerTracker } from './streams/muxer-tracker.ts'
import { askForProtocols } from './streams/service-protocols.ts'
import { serviceTable } from './streams/service-table.ts'
import { StreamTracker } from './streams/stream-tracker.ts'
import type { NodeBans } from './connections/node-bans.ts'
import type { CustomResourceManager } from './custom-manager.ts'
import type { Handshakes } from './fairness/handshakes.ts'
import type { NodeFairness } from './fairness/node-fairness.ts'
import type { ProcessMemoryInit } from './pressure/process-memory.ts'
import type { ProcessPressure } from './pressure/process-pressure.ts'
import type { Sessions } from './sessions/node-sessions.ts'
import type { FairnessInit } from '../fairness/fairness-init.ts'
import type { Core } from '../manager/core.ts'
import type { ResourceManagerInit } from '../manager/resource-manager-init.ts'
import type { NodeStat } from '../manager/resource-manager-stat.ts'
import type { NodeRefusals } from '../reporting/explain-opening.ts'
import type { HoldersSource } from '../reporting/holders.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { NameTable } from '../util/name-table.ts'
import type { ComponentLogger, ConnectionGater, Libp2pEvents, Metrics, MultiaddrConnection, PeerId, PeerStore, StreamHandlerOptions, StreamMuxerFactory, TypedEventTarget, Upgrader } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { Datastore } from 'interface-datastore'

/**
 * The parts of libp2p that the service works with
 */
export interface ResourceManagerComponents {
  /** Asked by libp2p about each connection. The resource manager is put in front of it. */
  connectionGater: ConnectionGater

  /** Whose numbers limits that nobody has set follow */
  connectionManager: ConnectionManager

  /** Where the histories of sessions are kept */
  datastore: Datastore

  /** Where libp2p tells of open connections */
  events: TypedEventTarget<Libp2pEvents>

  /** Where refusals and problems are logged */
  logger: ComponentLogger

  /** Where metrics are registered, if the node has any */
  metrics?: Metrics

  /** Whose histories they are, where nodes share a datastore */
  peerId: PeerId

  /** Asked for the handler and the middleware of each protocol */
  registrar: Registrar

  /** Where the tags of peers are, such as keep-alive */
  peerStore: PeerStore

  /** Dials and listens */
  transportManager: TransportManager

  /** Makes connections of sockets */
  upgrader: Upgrader
}

/**
 * Where the histories of sessions are in the datastore of the node
 */
const SESSIONS_KEY = '/libp2p-resource-manager/sessions'

const MANAGED = Symbol.for('libp2p-resource-manager/managed')

/**
 * Nodes that have a resource manager, of whatever copy of this package: a second one would
 * count everything twice
 */
const managed: WeakSet<Upgrader> = (globalThis as { [MANAGED]?: WeakSet<Upgrader> })[MANAGED] ??= new WeakSet()

/**
 * The resource manager as a service of a node. Services are made after everything
 * else, and every part of libp2p looks up the others when it needs them, so they
 * can be wrapped here.
 */
export class ResourceManagerService extends DefaultResourceManager {
  readonly #components: ResourceManagerComponents
  readonly #connections: ConnectionTracker
  readonly #custom?: CustomManager
  readonly #fairness?: NodeFairness
  readonly #gate: InboundGate

  /**
   * How many inbound streams handlers accept, by protocol, where they say so
   */
  readonly #handlers: Map<string, number>
  readonly #muxers: MuxerTracker
  protected readonly nodeBans?: NodeBans
  protected readonly nodeRefusals?: NodeRefusals
  readonly #pressure?: ProcessPressure
  readonly #processMemory?: ProcessMemoryInit
  readonly #services: NameTable<string>
  readonly #streams: StreamTracker
  readonly #transient: TransientHolders
  readonly #sessions?: Sessions

  constructor (components: ResourceManagerComponents, options: ResourceManagerInit = {}) {
    const init = options.manager === undefined ? options : withoutOwnLimits(options)
    const services = serviceTable(init.services, () => askForProtocols(components))
    const baseCosts = resolveBaseCosts(init.baseCosts)
    const handlers = new Map<string, number>()

    if (managed.has(components.upgrader)) {
      throw invalid('services', 'one resource manager', 'a second one')
    }

    super({ ...init, logger: components.logger }, {
      datastore: components.datastore,
      // nodes may share a datastore
      key: new Key(`${SESSIONS_KEY}/${components.peerId}`),
      formerKey: new Key(SESSIONS_KEY)
    }, () => ({ ...nodeDemand(components.connectionManager), handlers }))

    const { core } = this

    this.#custom = init.manager === undefined ? undefined : this.#ask(init.manager)
    this.#transient = new TransientHolders(core, init.transientShare)
    this.#pressure = this.features.pressure && new this.features.pressure.ProcessPressure(core, init)
    core.baseCosts = baseCosts

    const sessions = this.#watchSessions()
    const streams = new StreamTracker(core, services, this.#transient, init.handlerGrace, sessions, this.#pressure)
    const fairness = this.#shareFairly(components, init.fairness, streams, services)

    const bans = init.bans == null || init.bans === false
      ? undefined
      : this.features.bans && new this.features.bans.NodeBans({
        datastore: components.datastore,
        peerId: components.peerId,
        manager: core,
        warnProcess: (code, message) => { this.warnProcess(code, message) },
        connections: { [Symbol.iterator]: () => this.#connections[Symbol.iterator]() },
        groups: init.fairness
      }, init.bans)
    const ties = new DialTies(core, components, streams.memory.connections)

    // nothing can fail from here on
    managed.add(components.upgrader)
    watchDialledWebSockets()

    this.#components = components
    this.#handlers = handlers
    this.#processMemory = init.processMemory
    this.#services = services
    this.#sessions = sessions
    this.#connections = new ConnectionTracker(core, streams.memory, this.#transient, sessions, ties)
    this.#gate = new InboundGate(core, components.connectionManager)
    core.findFull = () => this.#gate.findFull()
    this.#muxers = new MuxerTracker(streams)
    this.nodeRefusals = this.features.inspection && new this.features.inspection.FindNodeRefusals({
      collectors: this.serviceCollectors,
      fairness,
      bans,
      services
    })
    this.#streams = streams
    core.graph.roomMakers.push(streams.memory.eviction, ties)
    streams.fairness = this.#fairness = fairness
    this.#connections.handshakes = fairness?.handshakes
    this.nodeBans = core.graph.bans = bans
    this.#checkStrangers(core, fairness?.handshakes)

    this.#connections.peerTags = this.features.admission && new this.features.admission.NodePeerTags(components.events, components.peerStore, this.allowlist)
    components.connectionGater = accountingGater(components.connectionGater, this.#connections, core)
    this.#wrapTransportManager(new PendingDials(core))
    this.#wrapRegistrar(streams)

    components.events.addEventListener('connection:open', ({ detail: connection }) => {
      this.#muxers.connectionOpened(connection)
    })

    if (components.metrics != null && init.metrics !== false) {
      this.features.metrics?.registerMetrics(components.metrics, this.metricsSource)
    }
  }

  readonly [serviceCapabilities]: string[] = [
    'libp2p-resource-manager'
  ]

  async start (): Promise<void> {
    this.#pressure?.start()
    this.#streams.handlers.start()
    this.#fairness?.start()
    await this.#custom?.start()
    await Promise.all([super.start(), this.nodeBans?.start()])

    this.#advise(this.#gate.advice())
    this.#checkLimits()
  }

  afterStart (): void {}

  /**
   * Warns of limits that contradict each other, or that are more than there is
   */
  #checkLimits (): void {
    const { core, givenLimits, limits } = this
    const { connectionManager } = this.#components

    this.features.inspection?.limitAdvice({ ...givenLimits, processMemory: this.#processMemory }, limits, core, connectionManager)
      .forEach(advice => { this.#advise(advice) })
  }

  /**
   * Lets one peer have as many streams as the handler of a protocol accepts, or says what
   * stands against it
   */
  #follow (protocol: string, options?: StreamHandlerOptions): void {
    const { maxInboundStreams: count = 0 } = options ?? {}

    if (!(this.limiter instanceof ConcreteLimiter) || !Number.isFinite(count)) {
      return
    }

    const limits = [this.limiter.getProtocolLimits(protocol), this.limiter.getProtocolPeerLimits(protocol), this.limiter.config.peerDefault]

    if (this.#handlers.get(protocol) !== count && !limits.every(limit => accepts(limit, count))) {
      this.#handlers.set(protocol, count)
      this.deriveAgain()
    }

    this.#advise(this.features.inspection?.streamLimitAdvice(this.limiter, protocol, options))
  }

  #advise (advice?: string): void {
    if (advice != null) {
      this.log.error('%s', advice)
      this.warnProcess('RESOURCE_MANAGER_LIMITS', advice, advice)
    }
  }

  async stop (): Promise<void> {
    this.#pressure?.stop()
    this.#fairness?.stop()
    this.#streams.handlers.stop()
    this.#connections.stop()
    await Promise.all([super.stop(), this.nodeBans?.stop()])
    await this.#custom?.stop()
  }

  get holdersSource (): HoldersSource {
    return { connections: this.#streams.memory.connections, streams: this.#streams.live }
  }

  protected nodeStat (): NodeStat {
    return {
      ...super.nodeStat(),
      handlers: this.#streams.handlers.stat(),
      transientHolders: this.#transient.oldest(),
      ...this.#fairness == null ? {} : { transientTimeouts: this.#fairness.timeouts.stat() },
      ...this.nodeBans == null ? {} : { bans: this.nodeBans.stat() },
      ...this.#pressure?.stat()
    }
  }

  /**
   * Those that have a handler as well, and those that belong to a service
   */
  protected knownProtocols (): Set<string> {
    return new Set([...super.knownProtocols(), ...this.#services.names(), ...this.#components.registrar.getProtocols()])
  }

  /**
   * Those that a protocol may belong to as well
   */
  protected knownServices (): Set<string> {
    return new Set([...super.knownServices(), ...this.#services.values()])
  }

  /**
   * Collectors are there only with the feature that they are part of
   */
  #watchSessions (): Sessions | undefined {
    const { serviceCollectors } = this

    return serviceCollectors && this.features.sessions && new this.features.sessions.Sessions(this.core, serviceCollectors)
  }

  #shareFairly ({ events, peerStore, upgrader }: ResourceManagerComponents, options: FairnessInit | false | undefined, streams: StreamTracker, services: NameTable<string>): NodeFairness | undefined {
    const { fairness } = this.features

    if (fairness == null || options === false) {
      return
    }

    return new fairness.NodeFairness({
      manager: this.core,
      events,
      peerStore,
      connections: { [Symbol.iterator]: () => this.#connections[Symbol.iterator]() },
      streams: streams.live,
      services,
      transient: this.#transient,
      upgrader
    }, options)
  }

  /**
   * From now on somebody else's manager is asked
   */
  #ask (manager: CustomResourceManager): CustomManager {
    const { core } = this
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

  /**
   * What strangers must pass before they have a connection or stream, in this order
   */
  #checkStrangers (core: Core, handshakes?: Handshakes): void {
    const pressure = this.#pressure
    const transient = this.#transient

    if (pressure !== undefined) {
      core.strangersConnections.push({ find: () => pressure.find('connection') })
      core.strangersStreams.push({ find: () => pressure.find('stream') })
    }

    if (handshakes !== undefined) {
      core.strangersConnections.push({ find: address => handshakes.find(address) })
    }

    core.strangersConnections.push({ find: address => address == null ? undefined : transient.findConnection(address) })
    core.strangersStreams.push({ find: peer => transient.findStream(peer) })
  }

  protected joinedService (scope: MovableScope, service: string): void {
    this.#sessions?.joined(scope, service)
  }

  /**
   * All dials pass here before there is a socket, and all sockets pass the
   * upgrader
   */
  #wrapTransportManager (dials: PendingDials): void {
    const { transportManager, upgrader } = this.#components
    const dial = transportManager.dial.bind(transportManager)
    const listen = transportManager.listen.bind(transportManager)
    const upgradeInbound = upgrader.upgradeInbound.bind(upgrader)
    const upgradeOutbound = upgrader.upgradeOutbound.bind(upgrader)

    transportManager.dial = async (ma, options) => dials.run(ma, async () => dial(ma, options))

    transportManager.listen = async (addresses) => {
      transportManager.getTransports().forEach(transport => { this.#connections.watch(transport) })

      return listen(addresses)
    }

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
   * Some transports bring their own muxer, such as WebRTC. What decodes lengths gets to the
   * negotiation of how to encrypt, which passes its options on.
   */
  #wrapOptions <T extends { muxerFactory?: StreamMuxerFactory }> (options: T): T {
    const wrapped = { lengthDecoder: decodeLength, ...options }

    if (wrapped.muxerFactory != null) {
      wrapped.muxerFactory = this.#muxers.wrapFactory(wrapped.muxerFactory)
    }

    return wrapped
  }

  #wrapRegistrar (streams: StreamTracker): void {
    const { registrar } = this.#components
    const getMiddleware = registrar.getMiddleware.bind(registrar)
    const handle = registrar.handle.bind(registrar)

    registrar.handle = async (protocol, handler, options) => {
      await handle(protocol, handler, options)
      this.#follow(protocol, options)
    }

    // always a new array: the connection adds the handler of the stream to it
    registrar.getMiddleware = (protocol) => streams.handlers.chain([streams.middleware, ...getMiddleware(protocol)])
  }
}
