import { nullScope } from './null-scopes.ts'
import type { ConnectionNode } from './connection-node.ts'
import type { ConnectionScope, StreamScope } from './resource-scope.ts'
import type { StreamNode } from './stream-node.ts'
import type { Connection, MultiaddrConnectionTimeline, Stream } from '@libp2p/interface'

/**
 * A connection and the raw connection below it have the same `timeline`, which is
 * there before the connection is
 */
const connections = new WeakMap<MultiaddrConnectionTimeline, ConnectionNode>()

/**
 * A stream has its scope itself: a `WeakMap` of all of them makes V8 keep closed streams
 * until it next collects its whole heap
 */
const STREAM_SCOPE = Symbol('libp2p-resource-manager.scope')

interface ScopedStream extends Stream {
  [STREAM_SCOPE]?: StreamNode
}

export function attachConnectionScope (connection: { timeline: MultiaddrConnectionTimeline }, scope: ConnectionNode): void {
  connections.set(connection.timeline, scope)
}

export function attachStreamScope (stream: Stream, scope: StreamNode): void {
  const scoped: ScopedStream = stream

  scoped[STREAM_SCOPE] = scope
}

export function attachedConnectionScope (connection: { timeline: MultiaddrConnectionTimeline }): ConnectionNode | undefined {
  return connections.get(connection.timeline)
}

export function attachedStreamScope (stream: Stream): StreamNode | undefined {
  return (stream as ScopedStream | undefined)?.[STREAM_SCOPE]
}

/**
 * The scope of a connection. Where no resource manager watches the connection it
 * is one that accepts everything, so that it can be used unconditionally.
 */
export function getConnectionScope (connection: Connection): ConnectionScope {
  return connections.get(connection.timeline) ?? nullScope()
}

/**
 * The scope of a stream. Where no resource manager watches the stream it is one
 * that accepts everything, so that a protocol can use it unconditionally:
 *
 * ```ts
 * import { getStreamScope } from 'libp2p-resource-manager'
 *
 * await node.handle('/my/1.0.0', (stream) => {
 *   getStreamScope(stream).setService('my-service')
 * })
 * ```
 */
export function getStreamScope (stream: Stream): StreamScope {
  return attachedStreamScope(stream) ?? nullScope()
}
