import { StreamLimitExceededError } from '../errors.ts'
import { attachedStreamScope, attachStreamScope } from '../scopes/attached-scopes.ts'
import { StreamNode } from '../scopes/stream-node.ts'
import type { MuxedConnection } from './muxer-guard.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { AnyRefusal } from '../scopes/refusal.ts'
import type { MessageStreamDirection, Stream, StreamMiddleware } from '@libp2p/interface'

/**
 * What a refused inbound stream is aborted with. Only the log sees it: the remote
 * sees a reset, and at this end nobody else ever hears of the stream. So there is
 * one for all of them, and a refusal needs no error of its own.
 */
const INBOUND_STREAM_REFUSED = new StreamLimitExceededError('refused by the resource manager', {
  scope: '',
  direction: 'inbound',
  current: 0,
  attempted: 1,
  limit: 0
})

/**
 * Follows the streams of a node, from before their protocol is negotiated until
 * they are closed, whatever the reason
 */
export class StreamTracker {
  readonly #manager: DefaultResourceManager
  readonly #services: Map<string, string>

  constructor (manager: DefaultResourceManager, services: Map<string, string>) {
    this.#manager = manager
    this.#services = services
  }

  /**
   * Accounts for a stream that the remote has opened, or aborts it
   *
   * @returns Whether it may go on
   */
  admitInbound (stream: Stream, muxed: MuxedConnection): boolean {
    if (attachedStreamScope(stream) != null) {
      return true
    }

    // this may be a second listener, for a stream that was refused before, or the
    // remote has reset an early stream
    if (stream.status !== 'open') {
      return false
    }

    try {
      const scope = this.#tryOpen('inbound', muxed)

      if (scope instanceof StreamNode) {
        this.#attach(stream, scope)

        return true
      }
    } catch (err: any) {
      this.#manager.warn(`refused an inbound stream because of an error - ${err}`)
    }

    stream.abort(INBOUND_STREAM_REFUSED)

    return false
  }

  /**
   * Accounts for a stream, and then opens it
   *
   * @throws {ResourceLimitExceededError} If it does not fit
   */
  async openOutbound (open: () => Promise<Stream>, muxed: MuxedConnection): Promise<Stream> {
    const scope = this.#tryOpen('outbound', muxed)

    if (!(scope instanceof StreamNode)) {
      throw this.#manager.errorOf(scope)
    }

    try {
      const stream = await open()

      this.#attach(stream, scope)

      return stream
    } catch (err) {
      scope.done()
      throw err
    }
  }

  /**
   * Runs before any other middleware, when the protocol of a stream has been
   * negotiated. Where it throws, the stream is aborted.
   */
  readonly middleware: StreamMiddleware = (stream, connection, next) => {
    const scope = attachedStreamScope(stream)

    if (scope == null) {
      throw new Error('the stream is not accounted for')
    }

    // it has ended already and holds nothing: what happens now is for libp2p to say
    if (scope.closed) {
      next(stream, connection)
      return
    }

    const refusal = this.#refuseByRate(scope, stream.protocol) ??
      scope.trySetProtocol(stream.protocol) ??
      this.#trySetService(scope, stream.protocol)

    if (refusal != null) {
      throw this.#manager.errorOf(refusal)
    }

    next(stream, connection)
  }

  #refuseByRate (scope: StreamNode, protocol: string): AnyRefusal | undefined {
    return scope.inbound ? this.#manager.refuseProtocolByRate(protocol, scope.peerScope.peer) : undefined
  }

  #trySetService (scope: StreamNode, protocol: string): AnyRefusal | undefined {
    const service = this.#services.get(protocol)

    return service == null ? undefined : scope.tryAssignService(service)
  }

  #tryOpen (direction: MessageStreamDirection, { scope }: MuxedConnection): StreamNode | AnyRefusal {
    const peer = scope?.peerScope?.peer

    if (scope == null || peer == null || scope.closed) {
      throw new Error('the connection of the muxer is not known or not open')
    }

    return this.#manager.tryOpenStream(peer, direction, scope)
  }

  #attach (stream: Stream, scope: StreamNode): void {
    attachStreamScope(stream, scope)
    stream.addEventListener('close', () => { scope.done() })

    // it may have been closed before there was a listener
    if (stream.status !== 'open' && stream.status !== 'closing') {
      scope.done()
    }
  }
}
