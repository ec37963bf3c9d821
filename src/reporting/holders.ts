import { ANY, checkDescribed } from '../util/description.ts'
import { invalid } from '../util/validation.ts'
import type { Holder, HoldersOptions } from '../manager/resource-manager-stat.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { MultiaddrConnection, Stream } from '@libp2p/interface'

const DEFAULT_TOP = 10

const OPTIONS = { resource: ANY, top: ANY } as const satisfies DescriptionOf<HoldersOptions>

interface HoldingStream {
  readonly scope: DefaultStreamScope
  readonly stream: Stream

  /** The connection that it is a stream of */
  readonly connectionScope: DefaultConnectionScope
}

interface HoldingConnection {
  readonly scope: DefaultConnectionScope
  readonly connection: MultiaddrConnection
}

/**
 * The connections and streams of a node
 */
export interface HoldersSource {
  connections: Iterable<HoldingConnection>
  streams: Iterable<HoldingStream>
}

/**
 * Those that hold most, first of all those that hold most
 *
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function listHolders (source: HoldersSource, options: HoldersOptions = {}, now: number = Date.now()): Holder[] {
  checkDescribed('options', options, OPTIONS)

  const { resource = 'memory', top = DEFAULT_TOP } = options

  if (resource !== 'memory' && resource !== 'stream') {
    throw invalid('resource', '"memory" or "stream"', resource)
  }

  if (!Number.isInteger(top) || top < 1) {
    throw invalid('top', 'a whole number from 1 on', top)
  }

  const counts = countStreams(source.streams)
  const holders = connectionHolders(source.connections, counts, now)

  if (resource === 'memory') {
    holders.push(...streamHolders(source.streams, now))
  }

  const amount = (holder: Holder): number => resource === 'memory' ? holder.memory : holder.streams

  return holders.filter(holder => amount(holder) > 0)
    .sort((a, b) => amount(b) - amount(a))
    .slice(0, top)
}

function countStreams (streams: Iterable<HoldingStream>): Map<DefaultConnectionScope, number> {
  const counts = new Map<DefaultConnectionScope, number>()

  for (const { connectionScope } of streams) {
    counts.set(connectionScope, (counts.get(connectionScope) ?? 0) + 1)
  }

  return counts
}

function connectionHolders (connections: HoldersSource['connections'], counts: Map<DefaultConnectionScope, number>, now: number): Holder[] {
  return Array.from(connections, ({ scope, connection: { remoteAddr, timeline } }) => ({
    scope: scope.name,
    direction: scope.inbound ? 'inbound' : 'outbound',
    peer: scope.peerScope?.key,
    address: remoteAddr.toString(),
    service: scope.servicePeer?.group.key,
    age: now - timeline.open,
    memory: scope.memory,
    streams: counts.get(scope) ?? 0
  }))
}

function streamHolders (streams: Iterable<HoldingStream>, now: number): Holder[] {
  return Array.from(streams, ({ scope, stream }) => ({
    scope: scope.name,
    direction: scope.inbound ? 'inbound' : 'outbound',
    peer: scope.peerScope.key,
    protocol: scope.protocolPeer?.group.key,
    service: scope.servicePeer?.group.key,
    age: now - stream.timeline.open,
    memory: scope.memory,
    streams: 1
  }))
}
