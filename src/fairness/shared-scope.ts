import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { FairPool, PROTECTED } from './fair-pool.ts'
import { chooseProtected } from './protection.ts'
import type { FairMember, GroupPath } from './fair-pool.ts'
import type { Candidate } from './protection.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { HeldElsewhere } from '../scopes/fair-groups.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'

/**
 * How long a choice of protected connections is kept, in ms: long enough to cost nothing, and
 * no longer than the interval at which round-trip times are measured
 */
const CHOICE_HOLDS = 10_000

/**
 * Serial numbers are below this, and the worth of a peer times this is still exact
 */
const SERIALS = 2 ** 32
const MAX_WORTH = 2 ** 20

/**
 * How many members are ranked anew in search of one that has been idle since its last ranking.
 * If there is none, the one that was active first gives way: a peer that keeps everything
 * active must not make every newcomer rank all of it.
 */
const MAX_RERANKED = 16

/**
 * The levels of groups that are the same on all nodes
 */
const NETWORK = 0
const PEER = 3

export interface SharedScopeInit {
  /** How many connections of a kind are protected */
  protect: number

  /**
   * The worth of the peer of a connection or stream: `PROTECTED` never gives way, and of the
   * others the lowest worth gives way first
   */
  worth (member: MovableScope): number

  /** A secret */
  hash (text: string): number

  /** In ms */
  now (): number
}

/**
 * The holders of the connections, or of the streams, of a full scope
 */
export class SharedScope extends FairPool<MovableScope> {
  readonly scope: AggregateScope
  readonly #init: SharedScopeInit
  #protected = new Set<MovableScope>()
  #chosenAt = -Infinity
  #elsewhere?: HeldElsewhere

  constructor (scope: AggregateScope, init: SharedScopeInit) {
    super()
    this.scope = scope
    this.#init = init
  }

  /**
   * Among members of one peer, and of peers that hold the same, the lowest rank gives way first
   */
  rankOf (member: MovableScope): number {
    const worth = this.#init.worth(member)

    if (worth === PROTECTED) {
      return PROTECTED
    }

    // the handshake or negotiation that has lasted longest is worth least
    if (this.scope.kind === 'transient') {
      return member.serial
    }

    if (!(member instanceof DefaultConnectionScope)) {
      return member.holder?.active ?? 0
    }

    return this.#protected.has(member) ? PROTECTED : Math.min(worth, MAX_WORTH) * SERIALS - member.serial
  }

  /**
   * Who gives way to somebody. The time of the last bytes is not observed; it is read when it
   * matters.
   */
  findIdle (path: GroupPath): FairMember<MovableScope> | undefined {
    let idlest: FairMember<MovableScope> | undefined

    for (let reranked = 0; reranked < MAX_RERANKED; reranked++) {
      const member = this.find(path)

      if (member === undefined) {
        return
      }

      const rank = this.rankOf(member.value)

      if (rank === member.rank) {
        return member
      }

      this.rerank(member, rank)

      if (rank < (idlest?.rank ?? PROTECTED)) {
        idlest = member
      }
    }

    return idlest
  }

  /**
   * Groups count with what they hold on other nodes too, if that is known
   */
  see (known: HeldElsewhere | undefined, what: 'connections' | 'streams'): void {
    const elsewhere = known?.valid === true ? known : undefined

    if (elsewhere !== this.#elsewhere) {
      this.#elsewhere = elsewhere
      this.setElsewhere(elsewhere && ((level, key) => level === NETWORK || (level === PEER && key !== '') ? elsewhere.held(what, key) : 0))
    }
  }

  /**
   * Chooses anew who is protected, if that is due
   */
  protect (): void {
    const now = this.#init.now()

    if (this.scope.kind === 'transient' || this.#init.protect === 0 || now < this.#chosenAt + CHOICE_HOLDS) {
      return
    }

    const { conns, connsInbound } = this.scope.limit

    this.#chosenAt = now
    this.#protected = chooseProtected(this.#candidates(), this.#init.protect, Math.min(conns, connsInbound), this.#init.hash)

    for (const member of this.members) {
      this.rerank(member, this.rankOf(member.value))
    }
  }

  /**
   * Those whose peer is known, and that would give way
   */
  * #candidates (): Generator<Candidate> {
    for (const { value, path: [network] } of this.members) {
      if (value instanceof DefaultConnectionScope && value.peerScope !== undefined && this.#init.worth(value) !== PROTECTED) {
        yield { connection: value, network }
      }
    }
  }
}
