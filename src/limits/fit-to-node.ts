import { FD_SHARE } from './auto-scale.ts'
import { makeConcrete } from './concrete-limits.ts'
import type { ConcreteLimitConfig, NamedKey, ScopeKey } from './limit-config.ts'
import type { Limit } from './limit.ts'

/**
 * What a node will do if nothing limits it: the options of its connection manager
 */
export interface NodeDemand {
  /**
   * How many connections it may have before the connection manager closes some
   */
  maxConnections: number

  /**
   * How many dials it may have at a time
   */
  maxParallelDials: number

  /**
   * How many inbound connections may be in their handshake at a time
   */
  maxIncomingPendingConnections: number

  /**
   * The open files that the process may have, 0 where files play no part
   */
  fds: number

  /**
   * How many inbound streams its handlers accept, by protocol, where they say so
   *
   * @default none
   */
  handlers?: ReadonlyMap<string, number>
}

/**
 * How many streams of a protocol one peer may have: enough for a few hundred requests at a time
 */
const STREAMS_PER_PEER = 256

/**
 * Whose limits are for one peer
 */
const OF_PEERS: ReadonlySet<string> = new Set<ScopeKey>(['servicePeerDefault', 'protocolPeerDefault', 'peerDefault'])

/**
 * Raises limits that nobody has set to what the node is going to do. So its own connection
 * manager decides how many connections there are, and nothing is refused that libp2p would
 * accept:
 *
 * - the system may have as many connections as the connection manager, and those that are
 * on their way: libp2p closes some before newcomers are refused. kubo does the same.
 * - the dials that libp2p makes at a time fit into transient
 * - one peer may have a few hundred streams of a protocol
 *
 * File descriptors are never more than half of those that the process may have.
 *
 * @param derived - what the configuration of the user is built on
 * @param demand - what the node may do
 * @param isSet - Whether the user has set how many connections there may be: then that
 * stays, and so does everything that follows from it
 */
export function fitToNode (derived: ConcreteLimitConfig, demand: NodeDemand, isSet: boolean): ConcreteLimitConfig {
  const system = fitSystem(derived.system, demand, isSet)
  const transient = fitTransient(derived.transient, system, demand)
  const pairs: Partial<Record<ScopeKey | NamedKey, Limit>> = {
    system,
    transient,
    allowlistedSystem: system,
    allowlistedTransient: transient
  }

  return makeConcrete(
    key => pairs[key] ?? (OF_PEERS.has(key) ? fitPeer(derived[key], system) : derived[key]),
    key => derived[key]
  )
}

function fitSystem (limit: Limit, { maxConnections, maxParallelDials, maxIncomingPendingConnections, fds }: NodeDemand, isSet: boolean): Limit {
  const fitted = { ...limit }

  if (!isSet) {
    fitted.connsInbound = Math.max(limit.connsInbound, maxConnections + maxIncomingPendingConnections)
    fitted.connsOutbound = Math.max(limit.connsOutbound, maxConnections + maxParallelDials)
    fitted.conns = Math.max(limit.conns, maxConnections + maxIncomingPendingConnections + maxParallelDials)
  }

  if (fds > 0) {
    fitted.fd = Math.min(Math.max(limit.fd, fitted.conns), Math.floor(fds * FD_SHARE))
  }

  return fitted
}

function fitTransient (limit: Limit, system: Limit, { maxParallelDials, maxIncomingPendingConnections }: NodeDemand): Limit {
  const connsInbound = Math.min(system.connsInbound, Math.max(limit.connsInbound, maxIncomingPendingConnections))
  const connsOutbound = Math.min(system.connsOutbound, Math.max(limit.connsOutbound, maxParallelDials))
  const conns = Math.min(system.conns, Math.max(limit.conns, connsInbound + maxParallelDials))

  return {
    // of more peers than one
    ...raiseStreams(limit, system, 2 * STREAMS_PER_PEER),
    connsInbound,
    connsOutbound,
    conns,
    fd: Math.min(system.fd, Math.max(limit.fd, conns))
  }
}

/**
 * A connection that a peer may have needs its file descriptor too
 */
function fitPeer (limit: Limit, system: Limit): Limit {
  return {
    ...raiseStreams(limit, system, STREAMS_PER_PEER),
    fd: Math.min(system.fd, Math.max(limit.fd, Math.min(limit.conns, system.conns)))
  }
}

function raiseStreams (limit: Limit, system: Limit, count: number): Limit {
  return {
    ...limit,
    streamsInbound: Math.min(system.streamsInbound, Math.max(limit.streamsInbound, count)),
    streamsOutbound: Math.min(system.streamsOutbound, Math.max(limit.streamsOutbound, count)),
    streams: Math.min(system.streams, Math.max(limit.streams, 2 * count))
  }
}
