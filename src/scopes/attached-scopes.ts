import { nullScope } from './null-scopes.ts'
import { ConnectionScopeView, StreamScopeView } from './scope-views.ts'
import type { DefaultConnectionScope } from './connection-scope.ts'
import type { ConnectionScope, StreamScope } from './resource-scope.ts'
import type { DefaultStreamScope } from './stream-scope.ts'
import type { Connection, MultiaddrConnection, Stream } from '@libp2p/interface'

/**
 * Where connections and streams have who follows them: in their `timeline`. A raw
 * connection and the one that is made of it have the same.
 *
 * A `WeakMap` of all of them would have V8 keep those that are closed until it next
 * collects its whole heap. A property of the stream itself would make it another kind of
 * object for the compiler, in all that libp2p does with it.
 *
 * Two copies of this package in one program change the same classes, and each must only
 * follow what is its own: these symbols are those of one copy.
 */
const CONNECTION = Symbol('libp2p-resource-manager.connection')
const STREAM = Symbol('libp2p-resource-manager.stream')

/**
 * What other copies find as well, so that a protocol may have been built with another copy than
 * the node. The number is the version of what is promised: a `scope` with the methods
 * of `ConnectionScope` or `StreamScope`.
 */
const SHARED_CONNECTION = Symbol.for('libp2p-resource-manager/connection/1')
const SHARED_STREAM = Symbol.for('libp2p-resource-manager/stream/1')

export const NULL_CONNECTION = new ConnectionScopeView(nullScope())
export const NULL_STREAM = new StreamScopeView(nullScope())

/**
 * Who follows a connection or stream
 */
export interface Live<T> {
  readonly scope: T
}

interface Timeline {
  open: number
  [CONNECTION]?: Live<DefaultConnectionScope>
  [STREAM]?: Live<DefaultStreamScope>
  [SHARED_CONNECTION]?: Live<ConnectionScope>
  [SHARED_STREAM]?: Live<StreamScope>
}

interface Timed {
  // some that pose as streams have none
  timeline?: Timeline
}

export function attachToConnection (connection: Timed, live: Live<DefaultConnectionScope>): void {
  const timeline = connection.timeline as Timeline

  timeline[CONNECTION] = live
  timeline[SHARED_CONNECTION] = live
}

export function attachToStream (stream: Timed, live: Live<DefaultStreamScope>): void {
  const timeline = stream.timeline as Timeline

  timeline[STREAM] = live
  timeline[SHARED_STREAM] = live
}

export function attachedToConnection (connection: Timed): Live<DefaultConnectionScope> | undefined {
  return connection.timeline?.[CONNECTION]
}

export function attachedToStream (stream: Timed): Live<DefaultStreamScope> | undefined {
  return stream.timeline?.[STREAM]
}

/**
 * The scope of a connection, for those who use it: it cannot be closed or moved. Where no
 * resource manager observes the connection it
 * is one that accepts everything, so that it can be used unconditionally.
 *
 * A raw connection has the scope of the connection that is made of it, from the first call of
 * a connection gater on.
 */
export function getConnectionScope (connection: Connection | MultiaddrConnection): ConnectionScope {
  const scope = (connection as Timed).timeline?.[SHARED_CONNECTION]?.scope

  return scope == null ? NULL_CONNECTION : new ConnectionScopeView(scope)
}

/**
 * The scope of a stream, for those who use it: it cannot be closed or moved. Where no
 * resource manager observes the stream it is one
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
  const scope = (stream as Timed).timeline?.[SHARED_STREAM]?.scope

  return scope == null ? NULL_STREAM : new StreamScopeView(scope)
}
