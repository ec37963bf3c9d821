import { InvalidParametersError } from '@libp2p/interface'
import { formatSetting } from '../limits/setting.ts'
import { checkDirection, checkName, checkPeer, checkPriority, checkSize } from '../scopes/arguments.ts'
import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from '../scopes/memory-priority.ts'
import { findPeerChild } from '../scopes/peer-children.ts'
import { findConnectionShortage, findMemoryShortage, findMoveShortage, findStreamShortage, NOTHING } from '../scopes/refusal.ts'
import type { Limit } from '../limits/limit.ts'
import type { AggregateNode } from '../scopes/aggregate-node.ts'
import type { Refusal, RefusingNode, Usage } from '../scopes/refusal.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'

/**
 * Something that could be reserved
 */
export type ReservationRequest =
  {
    resource: 'connection'
    direction: MessageStreamDirection

    /**
     * Whether it would use a file descriptor
     *
     * @default false
     */
    usefd?: boolean
    peer?: PeerId
    service?: string
  } |
  {
    resource: 'stream'
    direction: MessageStreamDirection
    peer?: PeerId
    protocol?: string
    service?: string
  } |
  {
    resource: 'memory'

    /** In bytes */
    size: number

    /**
     * From 0 to 255, as in `reserveMemory`
     *
     * @default 255
     */
    priority?: number
    peer?: PeerId
    protocol?: string
    service?: string
  }

/**
 * What is left in one of the scopes that constrain a request
 */
export interface Headroom {
  /** The name of the scope */
  scope: string

  /**
   * How many more of what was asked for fit here if nothing else changes: streams,
   * connections, or bytes. `Infinity` where there is no limit.
   */
  headroom: number
}

/**
 * Whether a request would fit, and why not
 */
export interface Explanation {
  fits: boolean

  /** The name of the scope that would refuse */
  refusedBy?: string

  /** How much is held there of what there is not enough of */
  current?: number

  /** The limit that would be exceeded */
  limit?: number

  /**
   * The setting to change, as in `ResourceLimitExceededError`
   */
  setting?: string

  /**
   * All scopes that constrain the request, in the order in which they are asked
   */
  headroom: Headroom[]
}

/**
 * A scope that exists, or one that would be made
 */
type Constraint = RefusingNode & Usage

interface Target {
  peer?: PeerId
  protocol?: string
  service?: string
}

/**
 * Answers what would become of a request without changing anything: scopes that do
 * not exist yet are not made
 *
 * @throws {InvalidParametersError} naming the part of the request that is wrong
 */
export function explain (graph: ScopeGraph, request: ReservationRequest): Explanation {
  const { peer, service } = request
  const protocol = request.resource === 'connection' ? undefined : request.protocol

  peer != null && checkPeer(peer)
  service != null && checkName('service', service)
  protocol != null && checkName('protocol', protocol)

  switch (request.resource) {
    case 'connection':
      return explainConnection(graph, request.direction, request.usefd === true, { peer, service })
    case 'stream':
      return explainStream(graph, request.direction, { peer, protocol, service })
    case 'memory':
      return explainMemory(graph, request.size, request.priority ?? MEMORY_PRIORITY_ALWAYS, { peer, protocol, service })
    default:
      throw new InvalidParametersError(`resource: expected "connection", "stream" or "memory", got ${JSON.stringify((request as any).resource)}`)
  }
}

function explainConnection (graph: ScopeGraph, direction: MessageStreamDirection, usefd: boolean, target: Target): Explanation {
  checkDirection(direction)

  const inbound = direction === 'inbound'
  const added: Usage = { ...NOTHING, connsInbound: inbound ? 1 : 0, connsOutbound: inbound ? 0 : 1, fd: usefd ? 1 : 0 }
  const { system, transient } = graph.normal
  const opening = [imagine(graph, 'conn', '', graph.limiter.getConnLimits()), transient, system]
  const later = [...peerOf(graph, target), ...serviceOf(graph, target)]

  return conclude(
    [...opening.map(node => findConnectionShortage(undefined, node, node, added)), ...later.map(node => findMoveShortage(node, added))],
    [...opening, ...later].map(node => {
      const { limit } = node

      return headroomOf(node,
        inbound ? limit.connsInbound - node.connsInbound : limit.connsOutbound - node.connsOutbound,
        limit.conns - node.connsInbound - node.connsOutbound,
        usefd ? limit.fd - node.fd : Infinity
      )
    })
  )
}

function explainStream (graph: ScopeGraph, direction: MessageStreamDirection, target: Target): Explanation {
  checkDirection(direction)

  const inbound = direction === 'inbound'
  const added: Usage = { ...NOTHING, streamsInbound: inbound ? 1 : 0, streamsOutbound: inbound ? 0 : 1 }
  const { system, transient } = graph.normal
  const itself = target.peer == null ? [] : [imagine(graph, 'stream', '', graph.limiter.getStreamLimits(target.peer))]
  const opening = [...itself, ...peerOf(graph, target), transient, system]
  const later = [...protocolOf(graph, target), ...serviceOf(graph, target)]

  return conclude(
    [...opening.map(node => findStreamShortage(undefined, node, node, added)), ...later.map(node => findMoveShortage(node, added))],
    [...opening, ...later].map(node => {
      const { limit } = node

      return headroomOf(node,
        inbound ? limit.streamsInbound - node.streamsInbound : limit.streamsOutbound - node.streamsOutbound,
        limit.streams - node.streamsInbound - node.streamsOutbound
      )
    })
  )
}

function explainMemory (graph: ScopeGraph, size: number, priority: number, target: Target): Explanation {
  checkSize(size)
  checkPriority(priority)

  const nodes = [...peerOf(graph, target), ...protocolOf(graph, target), ...serviceOf(graph, target), graph.normal.system]

  return conclude(
    nodes.map(node => findMemoryShortage(undefined, node, size, priority)),
    nodes.map(node => headroomOf(node, memoryThreshold(node.limit.memory, priority) - node.memory))
  )
}

function conclude (refusals: Array<Refusal | undefined>, headroom: Headroom[]): Explanation {
  const refusal = refusals.find(refusal => refusal != null)

  if (refusal == null) {
    return { fits: true, headroom }
  }

  const { current, limit, scope, settingPath } = refusal

  return {
    fits: false,
    refusedBy: scope,
    current,
    limit,
    setting: settingPath == null ? undefined : formatSetting(settingPath),
    headroom
  }
}

function headroomOf (node: Constraint, ...left: number[]): Headroom {
  return { scope: node.name, headroom: Math.max(0, Math.min(...left)) }
}

// the scopes in the order in which they are asked: all of something before the share
// that the peer has of it

function peerOf (graph: ScopeGraph, { peer }: Target): Constraint[] {
  if (peer == null) {
    return []
  }

  const key = peer.toString()

  return [graph.peers.get(key) ?? imagine(graph, 'peer', key, graph.limiter.getPeerLimits(peer))]
}

function protocolOf (graph: ScopeGraph, { peer, protocol }: Target): Constraint[] {
  if (protocol == null) {
    return []
  }

  const group = graph.protocols.get(protocol)
  const node = group ?? imagine(graph, 'protocol', protocol, graph.limiter.getProtocolLimits(protocol))

  if (peer == null) {
    return [node]
  }

  const child = shareOf(graph, peer, group)

  return [node, child ?? imagine(graph, 'protocolPeer', protocol, graph.limiter.getProtocolPeerLimits(protocol), peer)]
}

function serviceOf (graph: ScopeGraph, { peer, service }: Target): Constraint[] {
  if (service == null) {
    return []
  }

  const group = graph.services.get(service)
  const node = group ?? imagine(graph, 'service', service, graph.limiter.getServiceLimits(service))

  if (peer == null) {
    return [node]
  }

  const child = shareOf(graph, peer, group)

  return [node, child ?? imagine(graph, 'servicePeer', service, graph.limiter.getServicePeerLimits(service), peer)]
}

function shareOf (graph: ScopeGraph, peer: PeerId, group?: AggregateNode): AggregateNode | undefined {
  const peerNode = graph.peers.get(peer.toString())

  return group == null || peerNode == null ? undefined : findPeerChild(peerNode, group)
}

/**
 * A scope that would be made: it has a limit, and holds nothing
 */
function imagine (graph: ScopeGraph, kind: ScopeKind, key: string, limit: Limit, peer?: PeerId): Constraint {
  const prefix = peer == null ? kind : kind.slice(0, -'Peer'.length)

  return {
    ...NOTHING,
    kind,
    name: `${prefix}${key === '' ? '' : `:${key}`}${peer == null ? '' : `.peer:${peer}`}`,
    limit,
    limitPath: graph.limitPath(kind, key)
  }
}
