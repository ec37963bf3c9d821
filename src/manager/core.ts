/**
 * The core of a resource manager: the graph, and the ordered lists of checks before something opens
 * in it.
 *
 * In: the direction, address or peer of what is to be opened.
 * Out: its scope, or the refusal of the first check that fails.
 * Fails: refusals are returned, not thrown. A refusal gives back what earlier checks have taken,
 * except for tokens of rates.
 * Costs: one synchronous pass over the checks that options have added, and over the scopes.
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
 * For connections without an address: all checks need one
 */
const NO_CHECKS: ConnectionCheck[] = []

/**
 * Opens connections and streams, in one synchronous step each. It returns refusals, because during
 * an attack they are the hot path. `DefaultResourceManager` throws them.
 */
export class Core {
  readonly graph: ScopeGraph
  readonly log?: Logger
  readonly #warnings?: WarningLog

  readonly trust: Trust

  /** Set by the feature `sessions`. It slows streams, or refuses them for what they transfer. */
  collectors?: { shared?: SharedBitrates | undefined } = undefined
  baseCosts: BaseCosts = { connection: 0, stream: 0 }

  // the checks, in their order

  /** Of a node, before an inbound connection whose address is not trusted, by that address */
  readonly strangersConnections: Array<Check<[address?: Multiaddr]>> = []

  /** Of a node, before an inbound stream of a peer that is not trusted, by the scope of the peer */
  readonly strangersStreams: Array<Check<[peer?: AggregateScope]>> = []

  /** Before a connection with an address has a scope */
  readonly connectionChecks: ConnectionCheck[] = []

  /** Before an inbound stream is counted, by the id of its peer */
  readonly streamChecks: Array<Required<Check<[peer: string]>>> = []

  /** Before an inbound stream gets the protocol that was negotiated */
  readonly protocolChecks: Array<Required<Check<[protocol: string, peer: string]>>> = []

  /** Before a connection moves to its peer, beside bans */
  readonly peerChecks: Array<Check<[direction: MessageStreamDirection]>> = []

  // set by nodes only

  /**
   * Why the node may not have one more inbound connection although the scopes have room, if so
   */
  findFull?: () => Refusal | undefined

  /**
   * What would give way to a newcomer. Set if full scopes are shared fairly.
   */
  findVictim?: (refusal: Refusal, newcomer: Newcomer) => MovableScope | undefined

  /**
   * The service of a protocol, if it has one
   */
  serviceOf?: (protocol: string) => string | undefined

  /**
   * @param graph
   * @param log
   * @param warnings - limits how many warnings are logged
   */
  constructor (graph: ScopeGraph, log?: Logger, warnings?: WarningLog) {
    this.graph = graph
    this.trust = new Trust(graph)
    this.log = log
    this.#warnings = warnings

    this.connectionChecks.push({ find: (direction, endpoint) => graph.bans?.find(direction, endpoint), take: undefined })
  }

  /**
   * Set by the feature `admission`
   */
  get admission (): Admission | undefined {
    return this.trust.admission
  }

  // connections

  /**
   * Opens a connection that a node has accepted, or answers why not
   *
   * @param usefd
   * @param address - of the remote: none if the connection comes from a proxy
   */
  acceptConnection (usefd: boolean, address?: Multiaddr): DefaultConnectionScope | Refusal {
    return this.refuseStranger(address) ?? this.openConnection('inbound', usefd, address)
  }

  /**
   * Why a node refuses an inbound connection before it has a scope, if so
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

    // no `for…of` below: it takes as long as all of the checks
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
        // without enforcement, what does not fit is admitted, but not counted in its subnets
        countedIP = undefined
      }
    }

    try {
      return this.#openCounted(direction, usefd, endpoint, countedIP)
    } catch (err) {
      // from a limiter of the user's
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
   * Why a connection does not fit into its scopes, or the node may not have one more, if so
   */
  findConnection (connection: DefaultConnectionScope): Refusal | undefined {
    const reason = connection.findRefusal(this.baseCosts.connection)

    // the allowlisted pair has limits of its own instead
    return reason !== undefined || this.findFull === undefined || !connection.inbound || connection.allowlisted ? reason : this.findFull()
  }

  /**
   * Why a connection must not move to its peer, if so. The move itself asks bans and scopes.
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
   * Closes an inbound connection that was admitted here and refused by somebody else, and gives back
   * the token of its rate
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
   * Opens a stream that a remote has opened, or answers why not
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
   * @param connection - the connection that it is opened on. If it is allowlisted, or its address and
   * peer are, the stream may use the allowlisted pair.
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
   * Why an inbound stream must not have the protocol that was negotiated, if so
   */
  refuseProtocol (protocol: string, stream: DefaultStreamScope): Refusal | undefined {
    for (let i = 0; i < this.protocolChecks.length; i++) {
      const reason = this.protocolChecks[i].take(protocol, stream.peerScope.key)

      if (reason !== undefined && this.graph.refuse(reason, stream, protocol) !== undefined) {
        return reason
      }
    }
  }

  // refusals

  /**
   * Counts and reports a refusal
   *
   * @param refusal
   * @param requester - what the request was for: a scope, or the address of a connection that has no
   * scope
   * @param joining - the peer, protocol or service that the requester was to join
   * @returns What the caller has to refuse: nothing if limits are not enforced
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
   * The error to throw for a refusal
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
