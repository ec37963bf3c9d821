/**
 * Streams and connections of services with a collector, as sessions.
 *
 * In: streams whose service is known, connections that are open, and their bytes.
 * Out: sessions of the collectors, and streams that wait because they would be too fast.
 * Fails: where a collector is full, the stream gets no service and is aborted. Streams whose class
 * cannot be observed are no sessions, and the log says so.
 * Costs: an object for each stream; two methods of a stream are replaced where its service has a
 * collector, four where it is slowed.
 */

import { CONNECTIONS } from '../../sessions/sessions-init.ts'
import { ipFromMultiaddr } from '../../util/ip-from-address.ts'
import { observeBytes, transportSide } from '../streams/observe-bytes.ts'
import { ByteSession } from './byte-session.ts'
import { sessionLocation } from './session-location.ts'
import { StreamThrottle } from './stream-throttle.ts'
import type { Core } from '../../manager/core.ts'
import type { AggregateScope } from '../../scopes/aggregate-scope.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { MovableScope } from '../../scopes/movable-scope.ts'
import type { DefaultStreamScope } from '../../scopes/stream-scope.ts'
import type { ObservedService, ServiceCollectors } from '../../sessions/service-collectors.ts'
import type { TransportSide } from '../streams/observe-bytes.ts'
import type { Connection, MessageStream, MultiaddrConnection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

interface NegotiatedStream {
  readonly stream: Stream
  readonly connection: Connection

  /** Where it is slowed for other reasons than its service */
  readonly throttle?: StreamThrottle
}

interface RemoteEnd {
  id: string
  reference: string
  address: Multiaddr
  inbound: boolean
  peer: PeerId
}

/**
 * Makes streams and connections of a node sessions of the collectors of their services
 */
export class Sessions {
  readonly #manager: Core
  readonly #collectors: ServiceCollectors
  readonly #negotiated = new WeakMap<MovableScope, NegotiatedStream>()

  constructor (manager: Core, collectors: ServiceCollectors) {
    this.#manager = manager
    this.#collectors = collectors
  }

  /**
   * The protocol of a stream is known, its service may be some time later
   */
  negotiated (scope: DefaultStreamScope, stream: Stream, connection: Connection): void {
    this.#negotiated.set(scope, { stream, connection, throttle: this.#throttle(stream, scope.peerScope) })
  }

  /**
   * The service of a stream is known
   */
  joined (scope: MovableScope, service: string): void {
    const observed = this.#collectors.get(service)
    const negotiated = this.#negotiated.get(scope)

    // a scope becomes part of a service once
    this.#negotiated.delete(scope)

    if (observed == null || negotiated == null) {
      return
    }

    const { stream, connection, throttle } = negotiated

    this.#begin(observed, stream, throttle, {
      id: scope.name,
      reference: stream.protocol,
      address: connection.remoteAddr,
      inbound: connection.direction === 'inbound',
      peer: connection.remotePeer
    })
  }

  /**
   * A connection has passed the last check that there is
   */
  connected (scope: DefaultConnectionScope, maConn: MultiaddrConnection, peer: PeerId): void {
    const observed = this.#collectors.get(CONNECTIONS)

    if (observed != null) {
      this.#begin(observed, maConn, undefined, {
        id: scope.name,
        reference: scope.inbound ? 'inbound' : 'outbound',
        address: maConn.remoteAddr,
        inbound: scope.inbound,
        peer
      })
    }
  }

  /**
   * Slows a stream by the rates of the node and of its peer, if there are any
   */
  #throttle (stream: Stream, peerScope: AggregateScope): StreamThrottle | undefined {
    const budgets = this.#collectors.budgetsOf(peerScope)
    const side = budgets.length === 0 ? undefined : this.#transportSide(stream)

    if (side == null) {
      return
    }

    const throttle = new StreamThrottle(side)

    budgets.forEach(budget => { throttle.add(budget) })

    return throttle
  }

  #transportSide (stream: MessageStream): TransportSide | undefined {
    const side = transportSide(stream)

    if (side == null) {
      this.#manager.warn('sessions: streams that are not based on those of @libp2p/utils are not observed')
    }

    return side
  }

  #begin (observed: ObservedService, messages: MessageStream, throttle: StreamThrottle | undefined, { id, reference, address, inbound, peer }: RemoteEnd): void {
    const { collector } = observed
    const stream = this.#transportSide(messages)
    const ip = ipFromMultiaddr(address)

    // what has no IP address is not for an IP limiter to judge
    if (stream == null || (ip != null && !collector.isCollectableIP(String(ip)))) {
      return
    }

    const session = new ByteSession(collector, { id, reference, location: sessionLocation(address, inbound), peer: peer.toString() })

    // what arrived before the service was known and nobody has read
    session.received(stream.readBufferLength)
    observeBytes(stream, session)

    const budgets = this.#collectors.budgetsIn(observed)

    if (budgets.length > 0) {
      const throttled = throttle ?? new StreamThrottle(stream)

      budgets.forEach(budget => { throttled.add(budget) })
    }

    stream.addEventListener('close', () => { session.end() })
  }
}
