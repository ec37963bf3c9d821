/**
 * The core of a resource manager: the graph, and the ordered lists of what is asked before something
 * is opened in it.
 *
 * In: the direction, address or peer of what somebody wants to open.
 * Out: its scope, or the refusal of the first check that it does not pass.
 * Fails: nothing throws what is refused. A later refusal gives back what earlier checks took, but
 * for the token of a rate.
 * Costs: one synchronous pass over the checks that options have added, and the scopes.
 */

import { checkDirection } from '../scopes/arguments.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { placeConnection, placeStream } from './placement.ts'
import { Trust } from './trust.ts'
import type { BaseCosts, Check, Newcomer } from './opening.ts'
import type { Admission } from '../admission/admission.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { SharedBitrates } from '../sessions/service-collectors.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { WarningLog } from '../util/warning-log.ts'
import type { Logger, MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

type ConnectionCheck = Check<[direction: MessageStreamDirection, endpoint?: Multiaddr, ip?: IPAddress]>

/**
 * All of them are about the address
 */
const NO_CHECKS: ConnectionCheck[] = []

/**
 * What a resource manager does: the graph, and the ordered lists of what is asked before something
 * is opened in it. Nothing here throws what is refused: an attacker makes refusals the hot path,
 * and so they are answers. `DefaultResourceManager` throws them.
 *
 * Everything happens in one synchronous step.
 */
export class Core {
  readonly graph: ScopeGraph
  readonly log?: Logger
  readonly #warnings?: WarningLog

  readonly trust: Trust

  /** Where streams are slowed, or refused for what they transfer */
  collectors?: { shared?: SharedBitrates | undefined } = undefined
  baseCosts: BaseCosts = { connection: 0, stream: 0 }

  // what is asked, in this order

  /** What a node asks before strangers may have a connection, by the address that it counts as */
  readonly strangersConnections: Array<Check<[address?: Multiaddr]>> = []

  /** What a node asks before strangers may have a stream, by the scope of their peer */
  readonly strangersStreams: Array<Check<[peer?: AggregateScope]>> = []

  /** Before a connection with an address has a scope */
  readonly connectionChecks: ConnectionCheck[] = []

  /** Before an inbound stream is counted, by the id of its peer */
  readonly streamChecks: Array<Required<Check<[peer: string]>>> = []

  /** Before an inbound stream that was negotiated gets its protocol */
  readonly protocolChecks: Array<Required<Check<[protocol: string, peer: string]>>> = []

  /** Before a connection whose peer is known becomes part of that, beside bans */
  readonly peerChecks: Array<Check<[direction: MessageStreamDirection]>> = []

  // what only a node has

  /**
   * Why it may not have one more inbound connection, whatever the scopes say, if so
   */
  findFull?: () => Refusal | undefined

  /**
   * What would give way to something that does not fit, where full scopes are shared fairly
   */
  findVictim?: (refusal: Refusal, newcomer: Newcomer) => MovableScope | undefined

  /**
   * The service that the streams of a protocol belong to, if they do
   */
  serviceOf?: (protocol: string) => string | undefined

  /**
   * @param graph
   * @param log
   * @param warnings - where a flood of warnings is thinned out
   */
  constructor (graph: ScopeGraph, log?: Logger, warnings?: WarningLog) {
    this.graph = graph
    this.trust = new Trust(graph)
    this.log = log
    this.#warnings = warnings

    this.connectionChecks.push({ find: (direction, endpoint) => graph.bans?.find(direction, endpoint), take: undefined })
  }

  /**
   * Where anything is decided by address
   */
  get admission (): Admission | undefined {
    return this.trust.admission
  }

  // connections

  /**
   * Opens a connection that a node has accepted, or answers why not
   *
   * @param usefd
   * @param address - the one that it counts as: none if it comes from a proxy
   */
  acceptConnection (usefd: boolean, address?: Multiaddr): DefaultConnectionScope | Refusal {
    return this.refuseStranger(address) ?? this.openConnection('inbound', usefd, address)
  }

  /**
   * Why a node turns down an inbound connection before it has a scope, if so
   */
  refuseStranger (address?: Multiaddr): Refusal | undefined {
    if (this.strangersConnections.length === 0 || this.trust.isAllowlisted(address)) {
      return
    }

    for (let i = 0; i < this.strangersConnections.length; i++) {
      const reason = this.strangersConnections[i].find(address)

      if (reason !== undefined && this.graph.refuse(reason, address) !== undefined) {
        return reason
      }
    }
  }

  /**
   * Opens a connection, or answers why not
   */
  openConnection (direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr): DefaultConnectionScope | Refusal {
    checkDirection(direction)

    const ip = endpoint == null ? undefined : this.admission?.ipOf(endpoint)
    let countedIP = ip

    // not `of`, which takes as long as all of the checks
    const checks = endpoint == null ? NO_CHECKS : this.connectionChecks

    for (let i = 0; i < checks.length; i++) {
      const check = checks[i]
      const reason = check.take === undefined ? check.find(direction, endpoint, ip) : check.take(direction, endpoint, ip)

      if (reason === undefined) {
        continue
      }

      if (this.graph.tracer !== undefined) {
        reason.usefd = usefd
      }

      if (this.graph.refuse(reason, endpoint) !== undefined) {
        return reason
      }

      if (check.take !== undefined) {
        // one that was let in although it does not fit is not counted by address
        countedIP = undefined
      }
    }

    try {
      return this.#openCounted(direction, usefd, endpoint, countedIP)
    } catch (err) {
      // a limiter of the user's may throw
      this.admission?.release(countedIP)
      throw err
    }
  }

  #openCounted (direction: MessageStreamDirection, usefd: boolean, endpoint: Multiaddr | undefined, countedIP: IPAddress | undefined): DefaultConnectionScope | Refusal {
    let connection = this.graph.newConnection(direction, usefd, this.graph.normal, endpoint)
    const reason = this.findConnection(connection)

    if (reason !== undefined) {
      const placed = placeConnection(this, this.graph, connection, reason)

      if (!(placed instanceof DefaultConnectionScope)) {
        this.admission?.release(countedIP)

        return placed
      }

      connection = placed
    }

    if (connection.allowlisted) {
      this.admission?.release(countedIP)
    } else {
      connection.countedAddress = countedIP
    }

    connection.memory = this.baseCosts.connection
    connection.enter()

    return connection
  }

  /**
   * Why a connection does not fit into the scopes that it would be in, if so
   */
  findConnection (connection: DefaultConnectionScope): Refusal | undefined {
    const reason = connection.findRefusal(this.baseCosts.connection)

    // those that are trusted have limits of their own
    return reason !== undefined || this.findFull === undefined || !connection.inbound || connection.allowlisted ? reason : this.findFull()
  }

  /**
   * Why a connection whose peer is known must not be part of that, if so. Bans, and the scopes that
   * it moves to, are asked by the move.
   */
  refusePeer (connection: DefaultConnectionScope, peer: PeerId): Refusal | undefined {
    for (let i = 0; i < this.peerChecks.length; i++) {
      const reason = this.peerChecks[i].find(connection.inbound ? 'inbound' : 'outbound')

      if (reason !== undefined && this.graph.refuse(reason, connection, peer.toString()) !== undefined) {
        return reason
      }
    }
  }

  /**
   * Closes an inbound connection that somebody else has turned down: it has cost nothing
   */
  forgetConnection (connection: DefaultConnectionScope): void {
    if (connection.closed) {
      return
    }

    connection.done()

    if (connection.endpoint != null) {
      this.admission?.forget(this.admission.ipOf(connection.endpoint))
    }
  }

  // streams

  /**
   * Opens a stream that a node was sent, or answers why not
   */
  acceptStream (peer: PeerId, connection: DefaultConnectionScope): DefaultStreamScope | Refusal {
    return this.#refuseStrangersStream(peer, connection) ?? this.openStream(peer, 'inbound', connection)
  }

  #refuseStrangersStream (peer: PeerId, connection: DefaultConnectionScope): Refusal | undefined {
    if (this.strangersStreams.length === 0 || this.trust.isKnown(peer, connection.endpoint)) {
      return
    }

    for (let i = 0; i < this.strangersStreams.length; i++) {
      const reason = this.strangersStreams[i].find(connection.peerScope)

      if (reason !== undefined && this.graph.refuse(reason, connection) !== undefined) {
        return reason
      }
    }
  }

  /**
   * Opens a stream, or answers why not
   *
   * @param peer
   * @param direction
   * @param connection - the connection with this peer that it is opened on: where that
   * is allowlisted, or its address and peer are, the stream may use the allowlisted pair too
   */
  openStream (peer: PeerId, direction: MessageStreamDirection, connection?: Pick<ConnectionScope, 'allowlisted'>): DefaultStreamScope | Refusal {
    const stream = this.graph.newStream(peer, direction, connection)

    if (stream.inbound) {
      for (let i = 0; i < this.streamChecks.length; i++) {
        const reason = this.streamChecks[i].take(stream.peerScope.key)

        if (reason !== undefined && this.graph.refuse(reason, stream) !== undefined) {
          return reason
        }
      }
    }

    const reason = stream.findRefusal(this.baseCosts.stream)
    const refusal = reason === undefined ? undefined : placeStream(this, this.graph, stream, reason, peer, connection)

    if (refusal !== undefined) {
      return refusal
    }

    stream.memory = this.baseCosts.stream
    stream.enter()

    return stream
  }

  /**
   * Why an inbound stream whose protocol was negotiated must not have it, if so
   */
  refuseProtocol (protocol: string, stream: DefaultStreamScope): Refusal | undefined {
    for (let i = 0; i < this.protocolChecks.length; i++) {
      const reason = this.protocolChecks[i].take(protocol, stream.peerScope.key)

      if (reason !== undefined && this.graph.refuse(reason, stream, protocol) !== undefined) {
        return reason
      }
    }
  }

  // what is refused

  /**
   * Counts and reports what is turned down
   *
   * @param refusal
   * @param requester - what it was asked for: a scope, or the address of a connection that
   * has none yet
   * @param joining - the peer, protocol or service that the scope was to become part of
   * @returns What the caller has to turn down: nothing where limits are not enforced
   */
  refuse (refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined {
    return this.graph.refuse(refusal, requester, joining)
  }

  /**
   * Whether the rates of connections are limited
   */
  get limitsRates (): boolean {
    return this.admission?.limitsRates === true
  }

  /**
   * Whether what does not fit is refused, or only counted and reported
   */
  get enforces (): boolean {
    return this.graph.enforce
  }

  /**
   * The error that a caller gets who was refused
   */
  errorOf (refusal: Refusal): Error {
    return this.graph.errorOf(refusal)
  }

  /**
   * Logs a warning, but never floods the log
   */
  warn (message: string): void {
    this.#warnings?.warn(message)
  }
}
