import { formatSetting } from '../limits/setting.ts'
import { checkDirection, checkName, checkPeer, checkPriority, checkSize } from '../scopes/arguments.ts'
import { inOrder } from '../scopes/edges.ts'
import { findMemoryRefusal } from '../scopes/find-refusal.ts'
import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from '../scopes/memory-priority.ts'
import { unwrapScope } from '../scopes/scope-views.ts'
import { ANY, BOOLEAN, checkDescribed } from '../util/description.ts'
import { toMultiaddr } from '../util/to-multiaddr.ts'
import { invalid } from '../util/validation.ts'
import { explainConnection, explainStream } from './explain-opening.ts'
import { ImaginedScopes } from './imagined-scopes.ts'
import type { Findings } from './explain-opening.ts'
import type { ConnectionRequest, MemoryRequest, ReservationRequest, StreamRequest } from './reservation-request.ts'
import type { Core } from '../manager/core.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { SharedLimit } from '../scopes/shared-limit.ts'
import type { Description } from '../util/description.ts'

const FOR = { resource: ANY, peer: ANY, service: ANY } as const
const OPENED = { ...FOR, direction: ANY } as const

const REQUESTS = {
  connection: { ...OPENED, usefd: BOOLEAN, address: ANY },
  stream: { ...OPENED, connection: ANY, protocol: ANY },
  memory: { ...FOR, size: ANY, priority: ANY, protocol: ANY }
} as const satisfies {
  connection: Record<keyof ConnectionRequest, Description>
  stream: Record<keyof StreamRequest, Description>
  memory: Record<keyof MemoryRequest, Description>
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
  /** Whether it would be let in */
  fits: boolean

  /**
   * The name of the scope that would refuse, or of what else would: `subnet:1.2.3.4/32`,
   * `peer:12D3…` for a rate, `collector:libp2p.ping`, `transient:1.2.3.4` for the share
   * that one remote may have, or `process`
   */
  refusedBy?: string

  /**
   * The names of the scopes of connections or streams that would give way to it, because
   * those that they belong to hold most of a scope that is full. Not there where
   * nothing has to.
   */
  givesWay?: string[]

  /** How much is held there of what there is not enough of: a number, or bytes of memory */
  current?: number

  /** The limit that would be exceeded: a number, or bytes of memory */
  limit?: number

  /**
   * The setting to change, as in `ResourceLimitExceededError`
   */
  setting?: string

  /** Only where `limit` is what this node may have of a limit of its fleet */
  fleet?: SharedLimit

  /**
   * All scopes that constrain the request, in the order in which they are asked
   */
  headroom: Headroom[]
}

/**
 * Answers what would become of a request without changing anything: scopes that do
 * not exist yet are not made, and rates lose no token
 *
 * @throws {InvalidParametersError} naming the part of the request that is wrong
 */
export function explain (core: Core, request: ReservationRequest): Explanation {
  const { peer, service } = request
  const protocol = request.resource === 'connection' ? undefined : request.protocol
  const address = request.resource === 'connection' ? request.address : undefined

  peer != null && checkPeer(peer)
  service != null && checkName('service', service)
  protocol != null && checkName('protocol', protocol)

  if (Object.hasOwn(REQUESTS, request.resource)) {
    checkDescribed('request', request, REQUESTS[request.resource])
  }

  switch (request.resource) {
    case 'connection':
      checkDirection(request.direction)
      return conclude(core.graph, explainConnection(core, { ...request, address: address == null ? undefined : toMultiaddr(address, 'address') }))
    case 'stream':
      checkDirection(request.direction)
      return conclude(core.graph, explainStream(core, { ...request, connection: unwrapScope(request.connection) }))
    case 'memory':
      return conclude(core.graph, explainMemory(core.graph, request))
    default:
      throw invalid('resource', '"connection", "stream" or "memory"', (request as any).resource)
  }
}

function explainMemory (graph: ScopeGraph, { peer, priority = MEMORY_PRIORITY_ALWAYS, protocol, service, size }: MemoryRequest): Findings {
  checkSize(size)
  checkPriority(priority)

  const imagined = new ImaginedScopes(graph)
  const ofPeer = peer == null ? undefined : imagined.getPeer(peer)
  const ofProtocol = protocol == null ? undefined : imagined.getProtocol(protocol)
  const ofService = service == null ? undefined : imagined.getService(service)
  const shareOf = (whole?: AggregateScope): AggregateScope | undefined => ofPeer === undefined || whole === undefined ? undefined : imagined.getPeerChild(ofPeer, whole)
  const edges = inOrder({ peer: ofPeer, protocol: ofProtocol, protocolPeer: shareOf(ofProtocol), service: ofService, servicePeer: shareOf(ofService), system: graph.normal.system })
  // only a stream is part of a protocol and a peer. How much it holds is not known.
  const scopes = peer == null || protocol == null ? edges : [imagined.streamOf('inbound', peer), ...edges]

  return {
    refusal: scopes.map(scope => findMemoryRefusal(undefined, scope, size, priority)).find(refusal => refusal != null),
    left: scopes.map(scope => ({ scope, left: memoryThreshold(scope.limit.memory, priority) - scope.memory }))
  }
}

function conclude (graph: ScopeGraph, { left, refusal, victims }: Findings): Explanation {
  const headroom = left.map(({ left, scope }) => ({ scope: scope.name, headroom: Math.max(0, left) }))

  if (refusal == null) {
    return { fits: true, headroom, ...victims == null || victims.size === 0 ? {} : { givesWay: [...victims] } }
  }

  const shared = refusal.shared = graph.sharedLimit(refusal)
  const { current, limit, scope, settingPath } = refusal

  return {
    fits: false,
    refusedBy: scope,
    current,
    limit,
    setting: settingPath == null ? undefined : formatSetting(settingPath),
    ...shared === undefined ? {} : { fleet: shared },
    headroom
  }
}
