import { Rule } from '../scopes/refusal.ts'
import { changePair, scopesOfNormal } from '../scopes/scope-pair.ts'
import { oneConnection } from '../scopes/usage.ts'
import type { Admission } from '../admission/admission.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ConnectionAdmission } from '../scopes/connection-admission.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'

/**
 * Which part of the allowlisted system inbound connections may have whose peer may be one
 * that is trusted, and may be anybody: the others are there for those who are, whoever comes
 */
const PROVERS = 1 / 4

/**
 * What becomes of connections whose address or peer the admission knows: which of them may
 * use the allowlisted scopes, and which count at their address
 */
export class AdmittedConnections implements ConnectionAdmission {
  readonly #graph: ScopeGraph
  readonly #admission: Admission
  readonly #findFull: () => Refusal | undefined

  /**
   * As many connections as may are in their handshake although the system is full, because
   * their peer may turn out to be trusted. They are in transient, where one may give way to another.
   */
  readonly #proving: Rule

  /**
   * @param graph
   * @param admission
   * @param findFull - why the node may not have one more inbound connection, whatever the
   * scopes say, if so
   */
  constructor (graph: ScopeGraph, admission: Admission, findFull: () => Refusal | undefined) {
    this.#graph = graph
    this.#admission = admission
    this.#findFull = findFull
    admission.countAgainFrom(() => countedAddresses(graph))
    this.#proving = new Rule('transient', { scope: graph.normal.transient, setting: ['limits', 'allowlistedSystem', 'connsInbound'] })
  }

  prove (refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined {
    const graph = this.#graph
    const { endpoint, inbound, usefd } = refused

    // what this node dials names its peer
    if (!(inbound || (endpoint != null && this.#admission.allowlist.allowedDial(endpoint)))) {
      return
    }

    const prover = graph.newConnection(directionOf(refused), usefd, graph.proving, endpoint)
    const find = (): Refusal | undefined => (inbound ? this.findProvers() : undefined) ?? prover.findRefusal(cost)

    return graph.makeRoom(find(), prover, find) == null ? prover : undefined
  }

  /**
   * Why there may not be one more inbound connection that has to prove who it is, if so
   */
  findProvers (): Refusal | undefined {
    const { allowlisted, provers } = this.#graph
    const { conns, connsInbound } = allowlisted.system.limit
    const limit = Math.ceil(PROVERS * Math.min(conns, connsInbound))

    return provers < limit ? undefined : this.#proving.refuse('connection', oneConnection(true, false), provers, limit)
  }

  trusts (peer: PeerId): boolean {
    return this.#admission.allowlist.allowedPeer(peer)
  }

  isShared (address: IPAddress): boolean {
    return this.#admission.settings.isShared(address)
  }

  staysAllowlisted (peer: PeerId, { endpoint }: Pick<DefaultConnectionScope, 'endpoint'>): boolean {
    const { allowlist } = this.#admission

    if (allowlist.empty) {
      return false
    }

    return endpoint == null ? allowlist.allowedPeer(peer) : allowlist.allowedPeerAndMultiaddr(peer, endpoint)
  }

  scopesToReturnTo (connection: DefaultConnectionScope, peer: PeerId): AggregateScope[] {
    const scopes = scopesOfNormal(connection)

    return scopes.length > 0 && this.staysAllowlisted(peer, connection) ? [] : scopes
  }

  findLeaving (connection: DefaultConnectionScope, peer: PeerId, moves: boolean): Refusal | undefined {
    if (this.scopesToReturnTo(connection, peer).length > 0) {
      return (connection.inbound ? this.#findFull() : undefined) ?? this.#admission.peekCount(this.#uncountedIP(connection), directionOf(connection), moves ? 'find' : 'peek')
    }
  }

  changePair (connection: DefaultConnectionScope, leaves: boolean): void {
    const ip = leaves ? this.#uncountedIP(connection) : connection.countedAddress as IPAddress | undefined

    if (!leaves) {
      // first: who counts again must not find it
      connection.countedAddress = undefined
      this.#admission.release(ip)
    } else if (this.#admission.count(ip, directionOf(connection)) === undefined) {
      connection.countedAddress ??= ip
    }

    changePair(connection, leaves)
  }

  /**
   * The address of a connection. One that had to prove who it is counts there already.
   */
  #uncountedIP ({ allowlisted, endpoint }: DefaultConnectionScope): IPAddress | undefined {
    return allowlisted && endpoint != null ? this.#admission.ipOf(endpoint) : undefined
  }

  leave (connection: DefaultConnectionScope): void {
    this.#admission.release(connection.countedAddress as IPAddress | undefined)
  }
}

function directionOf ({ inbound }: DefaultConnectionScope): MessageStreamDirection {
  return inbound ? 'inbound' : 'outbound'
}

function * countedAddresses ({ connections }: ScopeGraph): Generator<IPAddress> {
  for (const { countedAddress } of connections) {
    if (countedAddress !== undefined) {
      yield countedAddress as IPAddress
    }
  }
}
