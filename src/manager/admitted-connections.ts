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
 * The part of the allowlisted system that inbound connections may fill before they have proved that
 * they are trusted. The rest stays free for those that are.
 */
const PROVERS = 1 / 4

/**
 * Decides which connections may use the allowlisted scopes, and which are counted in their subnets
 */
export class AdmittedConnections implements ConnectionAdmission {
  readonly #graph: ScopeGraph
  readonly #admission: Admission
  readonly #findFull: () => Refusal | undefined

  /**
   * Refuses more than `PROVERS`. Its scope is transient, where one of them may give way to another.
   */
  readonly #proving: Rule

  /**
   * @param graph
   * @param admission
   * @param findFull - why the node may not have one more inbound connection although the scopes
   * have room, if so
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

    // anybody may come in, but the address of a dial names the peer
    if (!(inbound || (endpoint != null && this.#admission.allowlist.allowedDial(endpoint)))) {
      return
    }

    const prover = graph.newConnection(directionOf(refused), usefd, graph.proving, endpoint)
    const find = (): Refusal | undefined => (inbound ? this.findProvers() : undefined) ?? prover.findRefusal(cost)

    return graph.makeRoom(find(), prover, find) == null ? prover : undefined
  }

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
      // before the release: `countedAddresses` must not find it
      connection.countedAddress = undefined
      this.#admission.release(ip)
    } else if (this.#admission.count(ip, directionOf(connection)) === undefined) {
      connection.countedAddress ??= ip
    }

    changePair(connection, leaves)
  }

  /**
   * The address to count when a connection leaves the allowlisted pair. One from the `proving` pair
   * is counted already.
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
