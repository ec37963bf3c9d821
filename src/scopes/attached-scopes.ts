import { nullScope } from './null-scopes.ts'
import { ConnectionScopeView, StreamScopeView } from './scope-views.ts'
import type { DefaultConnectionScope } from './connection-scope.ts'
import type { ConnectionScope, StreamScope } from './resource-scope.ts'
import type { DefaultStreamScope } from './stream-scope.ts'
import type { Connection, MultiaddrConnection, Stream } from '@libp2p/interface'

/**
 * The keys of what is attached to connections and streams. It is in their `timeline`, which a raw
 * connection shares with the connection that is made of it.
 *
 * With a `WeakMap`, V8 would keep closed ones until it next collects its whole heap. A property of
 * the stream itself would give the stream another shape, which slows all of libp2p's code for it.
 *
 * Two copies of this package in one program change the same classes, and each must observe only its
 * own connections and streams. So each copy has symbols of its own.
 */
const CONNECTION = Symbol('libp2p-resource-manager.connection')
const STREAM = Symbol('libp2p-resource-manager.stream')

/**
 * Other copies of the package find these too, so a protocol may use another copy than the node. The
 * number is the version of the contract: an object whose `scope` has the methods of
 * `ConnectionScope` or `StreamScope`.
 */
const SHARED_CONNECTION = Symbol.for('libp2p-resource-manager/connection/1')
const SHARED_STREAM = Symbol.for('libp2p-resource-manager/stream/1')

export const NULL_CONNECTION = new ConnectionScopeView(nullScope())
export const NULL_STREAM = new StreamScopeView(nullScope())

/**
 * A connection or stream together with its scope
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
  // objects of others that pass for streams may have none
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
 * The scope of a connection, for users of the connection: they cannot close or move it. If no
 * resource manager observes the connection, the scope accepts everything. So it can be used
 * unconditionally.
 *
 * A raw connection has the scope of the connection that is made of it. It is there from the first
 * call of a connection gater on.
 */
export function getConnectionScope (connection: Connection | MultiaddrConnection): ConnectionScope {
  const scope = (connection as Timed).timeline?.[SHARED_CONNECTION]?.scope

  return scope == null ? NULL_CONNECTION : new ConnectionScopeView(scope)
}

/**
 * The scope of a stream, for users of the stream: they cannot close or move it. If no resource
 * manager observes the stream, the scope accepts everything. So a protocol can use it
 * unconditionally:
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
