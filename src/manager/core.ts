import { checkDirection } from '../scopes/arguments.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { findMemoryRefusal } from '../scopes/find-refusal.ts'
import { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_HIGH, memoryThreshold } from '../scopes/memory-priority.ts'
import type { Admission } from '../admission/admission.ts'
import type { AggregateScope, ScopePair } from '../scopes/aggregate-scope.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { WarningLog } from '../util/warning-log.ts'
import type { Logger, MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What connections and streams weigh in themselves, in bytes. It is reserved when
 * they open.
 */
export interface BaseCosts {
  readonly connection: number
  readonly stream: number
}

/**
 * One of the things that are asked, in their order, before something happens
 */
export interface Check<A extends unknown[]> {
  /**
   * Why it must not happen, if so. Nothing is counted.
   */
  find(...request: A): Refusal | undefined

  /**
   * Answers the same, and takes what is used up by what passes
   */
  take?(...request: A): Refusal | undefined
}

/**
 * How connections and streams are opened: by the graph, or in thought only, to explain what
 * would become of them
 */
export interface Opening {
  newConnection(direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope
  newStream(peer: PeerId, direction: MessageStreamDirection, connection?: object): DefaultStreamScope

  /**
   * Lets others give way to something that does not fit
   */
  makeRoom(reason: Refusal, newcomer: DefaultConnectionScope | DefaultStreamScope, check: () => Refusal | undefined): Refusal | undefined

  /**
   * What is opened in the place of a connection for which the system has no room, if its peer may
   * turn out to be trusted
   */
  prove(refused: DefaultConnectionScope, weight: number): DefaultConnectionScope | undefined

  /**
   * What has to be turned down of what does not fit
   */
  refuse(reason: Refusal): Refusal | undefined
}

/**
 * What a resource manager does: the graph, and the ordered lists of what is asked before something
 * is opened in it. Nothing here throws what is refused: an attacker makes refusals the hot path,
 * and so they are answers. `DefaultResourceManager` throws them.
 *
 * Everything happens in one synchronous step.
 */
export class Core implements Opening {
  readonly graph: ScopeGraph
  readonly admission?: Admission
  readonly log?: Logger
  readonly #warnings?: WarningLog
  baseCosts: BaseCosts = { connection: 0, stream: 0 }

  // what is asked, in this order

  /** What a node asks before strangers may have a connection, by the address that it counts as */
  readonly strangersConnections: Array<Check<[address?: Multiaddr]>> = []

  /** What a node asks before strangers may have a stream, by the scope of their peer */
  readonly strangersStreams: Array<Check<[peer?: AggregateScope]>> = []

  /** Before a connection has a scope */
  readonly connectionChecks: Array<Check<[direction: MessageStreamDirection, endpoint?: Multiaddr, ip?: IPAddress]>> = []

  /** Before an inbound stream is counted, by the id of its peer */
  readonly streamChecks: Array<Check<[peer: string]>> = []

  /** Before an inbound stream that was negotiated gets its protocol */
  readonly protocolChecks: Array<Check<[protocol: string, peer: string]>> = []

  /**
   * Why a node may not have one more inbound connection, whatever the scopes say, if so
   */
  findFull?: () => Refusal | undefined

  /**
   * @param graph
   * @param admission - where anything is decided by address
   * @param log
   * @param warnings - where a flood of warnings is thinned out
   */
  constructor (graph: ScopeGraph, admission?: Admission, log?: Logger, warnings?: WarningLog) {
    this.graph = graph
    this.admission = admission
    this.log = log
    this.#warnings = warnings

    this.connectionChecks.push({ find: (direction, endpoint) => graph.bans?.find(direction, endpoint) })

    if (admission !== undefined) {
      this.connectionChecks.push({
        find: (direction, _endpoint, ip) => admission.peek(ip, direction),
        take: (direction, _endpoint, ip) => admission.admit(ip, direction)
      })
      this.streamChecks.push({
        find: peer => admission.streamRates?.peek(peer),
        take: peer => admission.admitStream(peer)
      })
      this.protocolChecks.push({
        find: (protocol, peer) => admission.streamRates?.peekProtocol(protocol, peer),
        take: (protocol, peer) => admission.admitProtocol(protocol, peer)
      })
    }
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
    if (this.strangersConnections.length === 0 || this.isAllowlisted(address)) {
      return
    }

    for (const check of this.strangersConnections) {
      const reason = check.find(address)

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

    for (const check of this.connectionChecks) {
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
    const connection = this.placeConnection(this, direction, usefd, endpoint)

    if (!(connection instanceof DefaultConnectionScope)) {
      this.admission?.release(countedIP)

      return connection
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
   * The scopes that a connection fits into, or why there are none: the normal pair, the
   * allowlisted one, the normal one after others have given way, the one of those who have to prove
   * that they are trusted
   */
  placeConnection (how: Opening, direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr): DefaultConnectionScope | Refusal {
    let connection = how.newConnection(direction, usefd, this.graph.normal, endpoint)
    let reason = this.find(connection)

    if (reason === undefined) {
      return connection
    }

    if (this.isAllowlisted(endpoint)) {
      connection = how.newConnection(direction, usefd, this.graph.allowlisted, endpoint)
      reason = this.find(connection)
    }

    if (reason !== undefined) {
      reason = this.#makeRoom(how, reason, connection)
    }

    if (reason?.kind === 'system') {
      const prover = how.prove(connection, this.baseCosts.connection)

      if (prover !== undefined) {
        return prover
      }
    }

    return reason === undefined ? connection : how.refuse(reason) ?? connection
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
    if (this.strangersStreams.length === 0 || this.isKnown(peer, connection.endpoint)) {
      return
    }

    for (const check of this.strangersStreams) {
      const reason = check.find(connection.peerScope)

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
    const stream = this.newStream(peer, direction, connection)

    if (stream.inbound) {
      for (const check of this.streamChecks) {
        const reason = check.take?.(stream.peerScope.key)

        if (reason !== undefined && this.graph.refuse(reason, stream) !== undefined) {
          return reason
        }
      }
    }

    const refusal = this.placeStream(this, stream, peer, connection)

    if (refusal !== undefined) {
      return refusal
    }

    stream.memory = this.baseCosts.stream
    stream.enter()

    return stream
  }

  /**
   * Why a stream fits into no scopes, if so: neither the normal pair nor the allowlisted one nor the normal
   * one after others have given way
   */
  placeStream (how: Opening, stream: DefaultStreamScope, peer: PeerId, connection?: Pick<ConnectionScope, 'allowlisted'>): Refusal | undefined {
    let reason = this.find(stream)

    if (reason !== undefined && connection !== undefined && this.isTrusted(peer, connection)) {
      stream.pair = this.graph.allowlisted
      reason = this.find(stream)
    }

    if (reason !== undefined) {
      reason = this.#makeRoom(how, reason, stream)
    }

    return reason === undefined ? undefined : how.refuse(reason)
  }

  /**
   * Why an inbound stream whose protocol was negotiated must not have it, if so
   */
  refuseProtocol (protocol: string, stream: DefaultStreamScope): Refusal | undefined {
    for (const check of this.protocolChecks) {
      const reason = check.take?.(protocol, stream.peerScope.key)

      if (reason !== undefined && this.graph.refuse(reason, stream, protocol) !== undefined) {
        return reason
      }
    }
  }

  // how they are opened by the graph

  newConnection (direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope {
    return this.graph.newConnection(direction, usefd, pair, endpoint)
  }

  newStream (peer: PeerId, direction: MessageStreamDirection, connection?: object): DefaultStreamScope {
    return this.graph.newStream(peer, direction, connection)
  }

  makeRoom (reason: Refusal, newcomer: DefaultConnectionScope | DefaultStreamScope, check: () => Refusal | undefined): Refusal | undefined {
    return this.graph.makeRoom(reason, newcomer, check)
  }

  prove (refused: DefaultConnectionScope, weight: number): DefaultConnectionScope | undefined {
    return this.graph.admission?.prove(refused, weight)
  }

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

  #makeRoom (how: Opening, reason: Refusal, newcomer: DefaultConnectionScope | DefaultStreamScope): Refusal | undefined {
    // a refusal must be cheap where nobody can make room
    return how === this && this.graph.roomMakers.length === 0 ? reason : how.makeRoom(reason, newcomer, () => this.find(newcomer))
  }

  /**
   * Why a connection or stream does not fit into the scopes that it would be in, if so
   */
  find (newcomer: DefaultConnectionScope | DefaultStreamScope): Refusal | undefined {
    const isConnection = newcomer instanceof DefaultConnectionScope
    const reason = findRefusal(newcomer, isConnection ? this.baseCosts.connection : this.baseCosts.stream)

    if (reason !== undefined || this.findFull === undefined) {
      return reason
    }

    // those that are trusted have limits of their own
    return isConnection && newcomer.inbound && !newcomer.allowlisted ? this.findFull() : undefined
  }

  // who is trusted, and who is who

  /**
   * Whether an address is trusted, whoever is there
   */
  isAllowlisted (endpoint?: Multiaddr): boolean {
    return endpoint != null && this.admission?.allowlist.allowed(endpoint) === true
  }

  /**
   * Whether a peer is trusted wherever it is
   */
  isTrustedPeer (peer: PeerId): boolean {
    return this.graph.admission?.trusts(peer) === true
  }

  /**
   * Whether an address or a peer is trusted, and need not pass what strangers must
   */
  isKnown (peer: PeerId | undefined, address: Multiaddr | undefined): boolean {
    return this.isAllowlisted(address) || (peer !== undefined && this.isTrustedPeer(peer))
  }

  /**
   * Whether streams with a peer may use the allowlisted pair.
   *
   * A trusted connection is under the normal pair where there was room for it when it
   * was opened. Its streams are not worth less.
   */
  isTrusted (peer: PeerId, connection: Pick<ConnectionScope, 'allowlisted'>): boolean {
    return connection.allowlisted || (connection instanceof DefaultConnectionScope && this.graph.admission?.staysAllowlisted(peer, connection) === true)
  }

  /**
   * Whether a reverse proxy has an address, and who comes from there is somebody else
   */
  isProxy (address: Multiaddr): boolean {
    return this.admission?.isProxy(address) === true
  }

  /**
   * Who a reverse proxy forwards, if it says so
   *
   * @param header - `X-Forwarded-For`
   */
  forwardedFor (header: string): string | undefined {
    return this.admission?.forwardedFor(header)?.toString()
  }

  /**
   * The part of an address that a remote cannot choose, where anything is decided by that
   */
  hostOf (address: Multiaddr): string | undefined {
    return this.admission?.hostOf(address)
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
   * How many connections that remotes open there is memory for
   */
  get affordableConnections (): number {
    return affordableConnections(this.graph.normal.system.limit.memory, this.baseCosts)
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

/**
 * What the remote opens may not fill the last 20% of the memory: that is for what this
 * node itself wants to do
 */
const INBOUND_PRIORITY = MEMORY_PRIORITY_HIGH

export function openingPriority ({ inbound }: Pick<MovableScope, 'inbound'>): number {
  return inbound ? INBOUND_PRIORITY : MEMORY_PRIORITY_ALWAYS
}

/**
 * How many connections that remotes open a memory limit is enough for
 */
export function affordableConnections (memory: number, { connection }: BaseCosts): number {
  return Math.floor(memoryThreshold(memory, INBOUND_PRIORITY) / connection)
}

/**
 * Why a connection or stream that weighs this much cannot be opened, if so
 */
export function findRefusal (scope: DefaultConnectionScope | DefaultStreamScope, weight: number): Refusal | undefined {
  const reason = scope.findRefusal()

  if (reason != null || weight === 0) {
    return reason
  }

  const priority = openingPriority(scope)
  const full = scope.firstWithoutMemory(weight, priority)

  return full == null ? undefined : findMemoryRefusal(scope, full, weight, priority)
}
