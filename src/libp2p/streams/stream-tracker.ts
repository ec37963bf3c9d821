/**
 * Streams and their handlers, from before the protocol is known until both have ended.
 *
 * In: streams from the factories of the muxers, and their protocols from the registrar.
 * Out: a stream scope for each, which moves from transient to its protocol and service.
 * Fails: a refusal, or an error of the middleware: the stream is aborted and no handler sees it.
 * Costs: one scope and one `LiveStream` for each stream, and a `HandlerGrace` where a handler runs
 * longer than its stream. Streams of libp2p's own classes get no closure and no listener.
 */

import { MuxerClosedError, StreamResetError } from '@libp2p/interface'
import { StreamLimitExceededError } from '../../errors.ts'
import { attachToStream } from '../../scopes/attached-scopes.ts'
import { DefaultStreamScope } from '../../scopes/stream-scope.ts'
import { PositionedList } from '../../util/positioned-list.ts'
import { liveStream, LiveStream } from '../buffers/live-stream.ts'
import { StreamMemory } from '../buffers/stream-memory.ts'
import { refuseTextOfOutbound } from '../connections/data-channels.ts'
import { tryCall } from '../try-call.ts'
import { observeStreamClass } from './observed-classes.ts'
import { RunningHandlers } from './running-handlers.ts'
import type { Core } from '../../manager/core.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { NameTable } from '../../util/name-table.ts'
import type { LiveConnection } from '../buffers/live-connection.ts'
import type { LiveStreamOwner } from '../buffers/live-stream.ts'
import type { NodeFairness } from '../fairness/node-fairness.ts'
import type { TransientHolders } from '../fairness/transient-holders.ts'
import type { Pressures } from '../pressure/pressure.ts'
import type { Sessions } from '../sessions/node-sessions.ts'
import type { CreateStreamOptions, MessageStreamDirection, Stream, StreamMiddleware, StreamMuxer } from '@libp2p/interface'

/**
 * The connection that a muxer works for, once it is known
 */
export interface MuxedConnection {
  readonly scope?: DefaultConnectionScope
  readonly muxer: StreamMuxer
}

/**
 * The error of all refused inbound streams. Only the log sees it: the remote sees a reset, and
 * nobody else at this end ever hears of the stream. So a refusal needs no error of its own.
 */
const INBOUND_STREAM_REFUSED = new StreamLimitExceededError('refused by the resource manager', {
  scope: '',
  direction: 'inbound',
  current: 0,
  attempted: 1,
  limit: 0
})

/**
 * Observes the streams of a node, from before their protocol is negotiated until they are
 * closed, for whatever reason
 */
export class StreamTracker implements LiveStreamOwner {
  readonly #manager: Core
  readonly #services: NameTable<string>
  readonly #transient: TransientHolders

  /**
   * All streams that are accounted for
   */
  readonly live = new PositionedList<LiveStream>()
  readonly memory: StreamMemory
  readonly handlers: RunningHandlers

  /**
   * Set where full scopes are shared fairly
   */
  fairness?: Pick<NodeFairness, 'served'>

  /**
   * Set where the process itself is observed
   */
  pressure?: Pick<Pressures, 'findProcessRefusal'>

  /**
   * Set where some services have a collector
   */
  sessions?: Pick<Sessions, 'negotiated'>

  /**
   * @param manager
   * @param services - the services by their protocols
   * @param transient - where streams are until their protocol is known
   * @param handlerGrace - in ms
   */
  constructor (manager: Core, services: NameTable<string>, transient: TransientHolders, handlerGrace?: number) {
    this.#manager = manager
    this.#transient = transient
    this.#services = services
    this.memory = new StreamMemory(manager, this.live, { pressures: { findProcessRefusal: () => this.pressure?.findProcessRefusal() } })
    this.handlers = new RunningHandlers(manager, (live) => { this.end(live) }, handlerGrace)
  }

  /**
   * Accounts for a stream that the remote has opened, or aborts it
   *
   * @returns Whether it may go on
   */
  admitInbound (stream: Stream, muxed: MuxedConnection): boolean {
    if (liveStream(stream) != null) {
      return true
    }

    // this may be a second listener, for a stream that was refused before, or the
    // remote has reset an early stream
    if (stream.status !== 'open') {
      return false
    }

    try {
      const scope = this.#tryOpen('inbound', muxed)

      if (scope instanceof DefaultStreamScope) {
        this.#attachOrEnd(stream, scope, muxed)

        return true
      }
    } catch (err: any) {
      this.#manager.warn(`refused an inbound stream because of an error - ${err}`)
    }

    tryCall(stream, 'abort', INBOUND_STREAM_REFUSED)

    return false
  }

  /**
   * Accounts for a stream, and then opens it. Meanwhile its connection must not be closed: see
   * `LiveConnection`.
   *
   * @param muxed
   * @param create - the method of the muxer that opens it
   * @param options - what that is to be called with
   * @throws {ResourceLimitExceededError} If it does not fit
   * @throws {MuxerClosedError} If the muxer or its connection is closed, as libp2p's muxers do
   */
  async openOutbound (muxed: MuxedConnection, create: StreamMuxer['createStream'], options?: CreateStreamOptions): Promise<Stream> {
    const { muxer, scope: connection } = muxed

    if (connection?.closed === true || muxer.status === 'closing' || muxer.status === 'closed') {
      throw new MuxerClosedError()
    }

    const scope = this.#tryOpen('outbound', muxed)

    if (!(scope instanceof DefaultStreamScope)) {
      throw this.#manager.errorOf(scope)
    }

    // only libp2p's own muxers begin in a later microtask. Others may wait for the remote, which
    // must not keep its connection from being closed.
    const holder = 'onTransportClosed' in muxer ? connection?.holder as LiveConnection | undefined : undefined
    let stream: Stream | undefined

    if (holder != null) {
      holder.opening++
    }

    try {
      stream = await create.call(muxer, options)
      refuseTextOfOutbound(stream)

      if (liveStream(stream) == null) {
        this.#attach(stream, scope, muxed)
      } else {
        // a muxer has asked for it by a method that is observed as well
        scope.done()
      }

      return stream
    } catch (err: any) {
      scope.done()
      // one that nobody gets, and nobody accounts for
      tryCall(stream, 'abort', err)
      throw err
    } finally {
      if (holder != null) {
        holder.opening--
      }
    }
  }

  /**
   * Runs before any other middleware, when the protocol of a stream has been
   * negotiated. Where it throws, the stream is aborted.
   */
  readonly middleware: StreamMiddleware = (stream, connection, next) => {
    const live = liveStream(stream)

    if (live == null) {
      throw new Error('the stream is not accounted for')
    }

    const { scope } = live

    if (scope.closed) {
      // or a remote could make a node run any number of handlers, also of streams that
      // have given way to others
      if (scope.inbound && (stream.status === 'reset' || stream.status === 'aborted')) {
        throw new StreamResetError('the stream was reset before it was handled')
      }

      // it has ended already and holds nothing: libp2p decides what happens now
      next(stream, connection)
      return
    }

    this.sessions?.negotiated(scope, stream, connection)

    const refusal = (scope.inbound ? this.#manager.refuseProtocol(stream.protocol, scope) : undefined) ??
      scope.trySetProtocol(stream.protocol) ??
      this.#trySetService(scope, stream.protocol)

    if (refusal != null) {
      throw this.#manager.errorOf(refusal)
    }

    this.#transient.delete(live)
    next(stream, connection)
  }

  #trySetService (scope: DefaultStreamScope, protocol: string): Refusal | undefined {
    const service = this.#services.get(protocol)

    if (service == null) {
      return
    }

    const refusal = scope.tryAssignService(service)

    if (refusal == null && scope.connection != null) {
      this.fairness?.served(scope.connection, service)
    }

    return refusal
  }

  #tryOpen (direction: MessageStreamDirection, { scope }: MuxedConnection): DefaultStreamScope | Refusal {
    const peer = scope?.peerScope?.peer

    if (scope == null || peer == null || scope.closed) {
      throw new Error('the connection of the muxer is not known or not open')
    }

    return direction === 'inbound' ? this.#manager.acceptStream(peer, scope) : this.#manager.openStream(peer, direction, scope)
  }

  #attachOrEnd (stream: Stream, scope: DefaultStreamScope, muxed: MuxedConnection): void {
    try {
      this.#attach(stream, scope, muxed)
    } catch (err) {
      scope.done()
      throw err
    }
  }

  /**
   * Objects of others may be frozen, or not made by libp2p. So the steps that can fail come
   * first.
   */
  #attach (stream: Stream, scope: DefaultStreamScope, muxed: MuxedConnection): void {
    // without its connection the stream would not have been opened
    const live = new LiveStream(stream, scope, muxed.scope as DefaultConnectionScope, this)

    observeStreamClass(stream)
    attachToStream(stream, live)

    // it may have been closed before there was a listener
    if (stream.status !== 'open' && stream.status !== 'closing') {
      this.end(live)
      return
    }

    this.live.add(live)
    live.transient = this.#transient.addStream(scope)
    this.memory.start()
  }

  get short (): boolean {
    return this.memory.eviction.short
  }

  closed (live: LiveStream): void {
    this.handlers.closed(live)
  }

  evict (live: LiveStream, err: Error, network: string): boolean {
    if (!this.handlers.mayGiveWay(live, network)) {
      return false
    }

    live.abort(err)
    this.handlers.giveWay(live, network)

    // one that ends later than it says has ended for us
    if (!live.scope.closed) {
      this.end(live)
    }

    return true
  }

  left (bytes: number): void {
    this.memory.countBytes(bytes)
  }

  withheld (live: LiveStream): void {
    this.memory.askAgain(live)
  }

  end (live: LiveStream): void {
    this.live.delete(live)
    this.#transient.delete(live)
    live.scope.done()
  }
}
