import type { ResourceManager, ResourceScope, ScopeStat } from '../../../src/index.ts'
import type { AggregateScope } from '../../../src/scopes/aggregate-scope.ts'

/**
 * What may be in buffers before they are measured, in bytes: 1 MiB and a chunk of
 * each of the connections that deliver at the same time
 */
const UNSEEN_BUFFERS = 4 * 2 ** 20

function add (a: ScopeStat, b: ScopeStat): ScopeStat {
  return {
    memory: a.memory + b.memory,
    numStreamsInbound: a.numStreamsInbound + b.numStreamsInbound,
    numStreamsOutbound: a.numStreamsOutbound + b.numStreamsOutbound,
    numConnsInbound: a.numConnsInbound + b.numConnsInbound,
    numConnsOutbound: a.numConnsOutbound + b.numConnsOutbound,
    numFD: a.numFD + b.numFD
  }
}

const NOTHING: ScopeStat = { memory: 0, numStreamsInbound: 0, numStreamsOutbound: 0, numConnsInbound: 0, numConnsOutbound: 0, numFD: 0 }

function sum (stats: Record<string, ScopeStat>): ScopeStat {
  return Object.values(stats).reduce(add, NOTHING)
}

function streamsOf ({ numStreamsInbound, numStreamsOutbound }: ScopeStat): number {
  return numStreamsInbound + numStreamsOutbound
}

function connectionsOf ({ numConnsInbound, numConnsOutbound }: ScopeStat): number {
  return numConnsInbound + numConnsOutbound
}

/**
 * Which resources of a scope are more than its limit or less than nothing
 */
function findOutOfRange (scope: ResourceScope): string[] {
  const { limit, name } = scope
  const stat = scope.stat()
  const pairs: Array<[string, number, number]> = [
    // buffers are limited by the system alone
    ['memory', (scope as AggregateScope).reserved, limit.memory],
    ['streamsInbound', stat.numStreamsInbound, limit.streamsInbound],
    ['streamsOutbound', stat.numStreamsOutbound, limit.streamsOutbound],
    ['streams', streamsOf(stat), limit.streams],
    ['connsInbound', stat.numConnsInbound, limit.connsInbound],
    ['connsOutbound', stat.numConnsOutbound, limit.connsOutbound],
    ['conns', connectionsOf(stat), limit.conns],
    ['fd', stat.numFD, limit.fd]
  ]

  return pairs.filter(([, used, max]) => !(used >= 0 && used <= max))
    .map(([resource, used, max]) => `${name}: ${resource} ${used} of ${max}`)
}

function findScopesOutOfRange (manager: ResourceManager): string[] {
  const found: string[] = []
  const check = (scope: ResourceScope): void => { found.push(...findOutOfRange(scope)) }

  manager.viewSystem(check)
  manager.viewTransient(check)
  manager.listServices().forEach(service => { manager.viewService(service, check) })
  manager.listProtocols().forEach(protocol => { manager.viewProtocol(protocol, check) })
  manager.listPeers().forEach(peer => { manager.viewPeer(peer, check) })

  return found
}

/**
 * What must be true of a node with a resource manager at any time, and is not:
 *
 * - no scope holds more than its limit, or less than nothing
 * - the scopes add up: every stream has a peer, and a protocol or is transient, every
 * connection has a peer or is transient, and what is transient is of the system too
 * - nothing is unaccounted for: there are no more streams and bytes in buffers than
 * the manager knows of
 */
export function findViolations (manager: ResourceManager, streams: number, buffered: number): string[] {
  const { system, transient, allowlistedSystem, allowlistedTransient, services, protocols, peers } = manager.stat()
  const all = add(system, allowlistedSystem)
  const pending = add(transient, allowlistedTransient)
  const ofPeers = sum(peers)
  const ofProtocols = sum(protocols)
  const ofServices = sum(services)

  const rules: Array<[string, boolean]> = [
    ['the streams of peers are those of the system', streamsOf(ofPeers) === streamsOf(all)],
    ['the streams of protocols and transient ones are those of the system', streamsOf(ofProtocols) + streamsOf(pending) === streamsOf(all)],
    ['the connections of peers and transient ones are those of the system', connectionsOf(ofPeers) + connectionsOf(pending) === connectionsOf(all)],
    ['services have no more streams than protocols', streamsOf(ofServices) <= streamsOf(ofProtocols)],
    ['peers hold no more memory than the system', ofPeers.memory <= all.memory],
    ['protocols hold no more memory than peers', ofProtocols.memory <= ofPeers.memory],
    ['what is transient is no more than the system', Object.entries(pending).every(([resource, used]) => used <= all[resource as keyof ScopeStat])],
    ['all streams are accounted for', streams <= streamsOf(all)],
    ['all buffers are accounted for', buffered <= all.memory + UNSEEN_BUFFERS]
  ]

  return [
    ...findScopesOutOfRange(manager),
    ...rules.filter(([, holds]) => !holds).map(([rule]) => `not true: ${rule} (system ${JSON.stringify(all)}, transient ${JSON.stringify(pending)}, peers ${JSON.stringify(ofPeers)}, protocols ${JSON.stringify(ofProtocols)}, ${streams} streams with ${buffered} bytes in buffers)`)
  ]
}

/**
 * The names of the scopes that hold anything
 */
export function findHeld (manager: ResourceManager): string[] {
  manager.gc()

  const { system, transient, allowlistedSystem, allowlistedTransient, services, protocols, peers } = manager.stat()

  return Object.entries({ system, transient, allowlistedSystem, allowlistedTransient, ...services, ...protocols, ...peers })
    .filter(([, stat]) => Object.values(stat).some(used => used !== 0))
    .map(([name]) => name)
}
