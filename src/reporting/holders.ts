import { ANY, checkDescribed } from '../util/description.ts'
import { atOnce } from '../util/slices.ts'
import { sorted } from '../util/sorted.ts'
import { invalid } from '../util/validation.ts'
import type { Holder, HoldersOptions } from '../manager/resource-manager-stat.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { Slice } from '../util/slices.ts'
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
export function listHolders (source: HoldersSource, options?: HoldersOptions, now?: number): Holder[] {
  return atOnce(slice => readHolders(source, options, slice, now))
}

/**
 * The same in slices
 *
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function * readHolders (source: HoldersSource, options: HoldersOptions = {}, slice: Slice, now: number = Date.now()): Generator<undefined, Holder[], undefined> {
  checkDescribed('options', options, OPTIONS)

  const { resource = 'memory', top = DEFAULT_TOP } = options

  if (resource !== 'memory' && resource !== 'stream') {
    throw invalid('resource', '"memory" or "stream"', resource)
  }

  if (!Number.isInteger(top) || top < 1) {
    throw invalid('top', 'a whole number from 1 on', top)
  }

  // what comes and goes in between would change the order of the lists
  const streams = [...source.streams]
  const connections = [...source.connections]
  const counts = yield * countStreams(streams, slice)
  const holders: Holding[] = []

  for (const connection of connections) {
    const { memory } = connection.scope
    const count = counts.get(connection.scope) ?? 0

    add(holders, { amount: resource === 'memory' ? memory : count, scope: connection.scope, holder: () => connectionHolder(connection, count, now) })

    if (slice.over) {
      yield
    }
  }

  for (const stream of resource === 'memory' ? streams : []) {
    add(holders, { amount: stream.scope.memory, scope: stream.scope, holder: () => streamHolder(stream, now) })

    if (slice.over) {
      yield
    }
  }

  const all = yield * sorted(holders, (a, b) => b.amount - a.amount, slice)

  const result: Holder[] = []

  for (const { holder, scope } of all) {
    if (result.length === top) {
      break
    }

    if (!scope.closed) {
      result.push(holder())
    }

    if (slice.over) {
      yield
    }
  }

  return result
}

interface Holding {
  readonly amount: number
  readonly scope: DefaultConnectionScope | DefaultStreamScope

  /** It is described if it is among the first */
  holder(): Holder
}

function add (holders: Holding[], holding: Holding): void {
  if (holding.amount > 0) {
    holders.push(holding)
  }
}

function * countStreams (streams: Iterable<HoldingStream>, slice: Slice): Generator<undefined, Map<DefaultConnectionScope, number>, undefined> {
  const counts = new Map<DefaultConnectionScope, number>()

  for (const { connectionScope } of streams) {
    counts.set(connectionScope, (counts.get(connectionScope) ?? 0) + 1)

    if (slice.over) {
      yield
    }
  }

  return counts
}

function connectionHolder ({ scope, connection: { remoteAddr, timeline } }: HoldingConnection, streams: number, now: number): Holder {
  return {
    scope: scope.name,
    direction: scope.inbound ? 'inbound' : 'outbound',
    peer: scope.peerScope?.key,
    address: remoteAddr.toString(),
    service: scope.servicePeer?.whole.key,
    age: now - timeline.open,
    memory: scope.memory,
    streams
  }
}

function streamHolder ({ scope, stream }: HoldingStream, now: number): Holder {
  return {
    scope: scope.name,
    direction: scope.inbound ? 'inbound' : 'outbound',
    peer: scope.peerScope.key,
    protocol: scope.protocolPeer?.whole.key,
    service: scope.servicePeer?.whole.key,
    age: now - stream.timeline.open,
    memory: scope.memory,
    streams: 1
  }
}
