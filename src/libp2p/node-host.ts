import type { ConnectionTracker } from './connections/connection-tracker.ts'
import type { TransientHolders } from './fairness/transient-holders.ts'
import type { StreamTracker } from './streams/stream-tracker.ts'
import type { ConcreteLimiter } from '../limits/limiter.ts'
import type { NameTable } from '../util/name-table.ts'
import type { ComponentLogger, ConnectionGater, Libp2pEvents, Metrics, PeerId, PeerStore, StreamHandlerOptions, TypedEventTarget, Upgrader } from '@libp2p/interface'
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
 * What a feature has of a node, beside the host that it has registered with
 */
export interface NodeHost {
  readonly components: ResourceManagerComponents
  readonly connections: ConnectionTracker
  readonly streams: StreamTracker

  /** What is transient, and what ends that when it takes too long */
  readonly transient: TransientHolders

  /** By protocol */
  readonly services: NameTable<string>

  /** What to tell people when the node has started, of its limits */
  limitAdvice?(): string[]

  /** What to tell people of the limits of a protocol that has a handler */
  handlerAdvice?(limiter: ConcreteLimiter, protocol: string, options?: StreamHandlerOptions): string | undefined
}
