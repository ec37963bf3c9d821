import { checkDirection } from '../scopes/arguments.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { findMemoryRefusal } from '../scopes/find-refusal.ts'
import { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_HIGH, memoryThreshold } from '../scopes/memory-priority.ts'
import type { Admission } from '../admission/admission.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
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
 * Opens connections and streams: what is decided by address, the graph, and the
 * second pair of scopes for trusted addresses, in this order. Everything happens
 * in one synchronous step.
 */
export class ScopeOpener {
  readonly #graph: ScopeGraph
  readonly #admission?: Admission
  baseCosts: BaseCosts = { connection: 0, stream: 0 }

  /**
   * Why a node may not have one more inbound connection, whatever the scopes say, if so
   */
  findFull?: () => Refusal | undefined

  /**
   * @param graph
   * @param admission - where anything is decided by address
   */
  constructor (graph: ScopeGraph, admission?: Admission) {
    this.#graph = graph
    this.#admission = admission
  }

  /**
   * Opens a connection, or answers why not
   */
  openConnection (direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr): DefaultConnectionScope | Refusal {
    checkDirection(direction)

    const banned = this.#graph.refuse(this.#graph.bans?.find(direction, endpoint), endpoint)

    if (banned != null) {
      return banned
    }

    const admission = this.#admission
    const ip = endpoint == null ? undefined : admission?.ipOf(endpoint)
    const denied: Refusal | undefined = admission?.admit(ip, direction)

    if (denied != null && this.#graph.tracer !== undefined) {
      denied.usefd = usefd
    }

    const refused = this.#graph.refuse(denied, endpoint)

    if (refused != null) {
      return refused
    }

    // one that was let in although it does not fit is not counted by address
    const countedIP = denied == null ? ip : undefined

    try {
      return this.#openCounted(direction, usefd, endpoint, countedIP)
    } catch (err) {
      // a limiter of the user's may throw
      admission?.release(countedIP)
      throw err
    }
  }

  #openCounted (direction: MessageStreamDirection, usefd: boolean, endpoint: Multiaddr | undefined, countedIP: IPAddress | undefined): DefaultConnectionScope | Refusal {
    const graph = this.#graph
    const weight = this.baseCosts.connection
    let connection = graph.newConnection(direction, usefd, graph.normal, endpoint)
    let reason = this.#findRefusal(connection, weight)

    if (reason != null && endpoint != null && this.isAllowlisted(endpoint)) {
      connection = graph.newConnection(direction, usefd, graph.allowlisted, endpoint)
      reason = findRefusal(connection, weight)
    }

    reason = reason == null ? undefined : this.#makeRoom(reason, connection, weight)

    if (reason?.kind === 'system') {
      const prover = graph.admission?.prove(connection, weight)

      if (prover != null) {
        connection = prover
        reason = undefined
      }
    }

    const refusal = graph.refuse(reason)

    if (refusal != null) {
      this.#admission?.release(countedIP)

      return refusal
    }

    if (connection.allowlisted) {
      this.#admission?.release(countedIP)
    } else {
      connection.countedAddress = countedIP
    }

    connection.memory = weight
    connection.enter()

    return connection
  }

  #makeRoom (reason: Refusal, newcomer: DefaultConnectionScope | DefaultStreamScope, weight: number): Refusal | undefined {
    // a refusal must be cheap where nobody can make room
    return this.#graph.roomMakers.length === 0 ? reason : this.#graph.makeRoom(reason, newcomer, () => this.#findRefusal(newcomer, weight))
  }

  #findRefusal (newcomer: DefaultConnectionScope | DefaultStreamScope, weight: number): Refusal | undefined {
    const reason = findRefusal(newcomer, weight)

    if (reason != null || this.findFull === undefined) {
      return reason
    }

    // those that are trusted have limits of their own
    return newcomer.kind === 'conn' && newcomer.inbound && !newcomer.allowlisted ? this.findFull() : undefined
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
    const graph = this.#graph
    const weight = this.baseCosts.stream
    const stream = graph.newStream(peer, direction, connection)
    const refused = stream.inbound ? graph.refuse(this.#admission?.admitStream(stream.peerScope.key), stream) : undefined

    if (refused != null) {
      return refused
    }

    let reason = findRefusal(stream, weight)

    if (reason != null && connection != null && this.isTrusted(peer, connection)) {
      stream.pair = graph.allowlisted
      reason = findRefusal(stream, weight)
    }

    const refusal = reason === undefined ? undefined : graph.refuse(this.#makeRoom(reason, stream, weight))

    if (refusal != null) {
      return refusal
    }

    stream.memory = weight
    stream.enter()

    return stream
  }

  /**
   * Whether streams with a peer may use the allowlisted pair.
   *
   * A trusted connection is under the normal pair where there was room for it when it
   * was opened. Its streams are not worth less.
   */
  isTrusted (peer: PeerId, connection: Pick<ConnectionScope, 'allowlisted'>): boolean {
    return connection.allowlisted || (connection instanceof DefaultConnectionScope && this.#graph.admission?.staysAllowlisted(peer, connection) === true)
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
      this.#admission?.forget(this.#admission.ipOf(connection.endpoint))
    }
  }

  /**
   * Why an inbound stream whose protocol was negotiated comes too soon, if so
   */
  refuseProtocolByRate (protocol: string, stream: DefaultStreamScope): Refusal | undefined {
    return this.#graph.refuse(this.#admission?.admitProtocol(protocol, stream.peerScope.key), stream, protocol)
  }

  /**
   * How many connections that remotes open there is memory for
   */
  get affordableConnections (): number {
    return affordableConnections(this.#graph.normal.system.limit.memory, this.baseCosts)
  }

  /**
   * Whether an address is trusted, whoever is there
   */
  isAllowlisted (endpoint: Multiaddr): boolean {
    return this.#admission?.allowlist.allowed(endpoint) === true
  }
}

/**
 * What the remote opens may not fill the last 20% of the memory: that is for what this
 * node itself wants to do
 */
const INBOUND_PRIORITY = MEMORY_PRIORITY_HIGH

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

  const priority = scope.inbound ? INBOUND_PRIORITY : MEMORY_PRIORITY_ALWAYS
  const full = scope.firstWithoutMemory(weight, priority)

  return full == null ? undefined : findMemoryRefusal(scope, full, weight, priority)
}
