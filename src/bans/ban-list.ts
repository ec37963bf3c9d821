import { NetworkMap } from '../util/network-map.ts'
import { BAN_LEVELS } from './ban.ts'
import type { Ban, BanLevel, KnownBan } from './ban.ts'
import type { IPAddress } from '../util/ip-address.ts'

/**
 * The most bans for strikes. One more ends the ban that would end first.
 */
const CAPACITY: Record<BanLevel, number> = { peer: 4096, host: 1024, subnet: 256 }

/**
 * Who is banned. A ban that has ended is not found, and is removed sooner or later.
 */
export class BanList {
  readonly #peers = new Map<string, KnownBan>()
  readonly #networks = new Map<string, KnownBan>()
  readonly #byAddress = new NetworkMap<KnownBan>()
  readonly #now: () => number
  readonly #ended: (ban: Ban) => void

  /** By level, of those that strikes have led to */
  readonly #counts: Record<BanLevel, number> = { peer: 0, host: 0, subnet: 0 }

  /**
   * @param now - in ms since 1970
   * @param ended - is told of bans that have ended or were lifted
   */
  constructor (now: () => number, ended: (ban: Ban) => void) {
    this.#now = now
    this.#ended = ended
  }

  get size (): number {
    return this.#peers.size + this.#networks.size
  }

  /**
   * How many there are that have not ended, by level
   */
  count (): Record<BanLevel, number> {
    const counts = { peer: 0, host: 0, subnet: 0 }

    for (const { ban: { level } } of this.all()) {
      counts[level]++
    }

    return counts
  }

  get hasNetworks (): boolean {
    return this.#networks.size > 0
  }

  findPeer (peer: string): Ban | undefined {
    return this.#ifGoesOn(this.#peers.get(peer))
  }

  findAddress (ip: IPAddress): Ban | undefined {
    for (;;) {
      const known = this.#byAddress.match(ip)
      const ban = this.#ifGoesOn(known)

      // there may be a larger network behind one whose ban has ended
      if (known === undefined || ban !== undefined) {
        return ban
      }
    }
  }

  /**
   * The ban of exactly this peer or network
   */
  get (level: BanLevel, target: string): Ban | undefined {
    return this.#ifGoesOn(this.#mapOf(level).get(target))
  }

  /**
   * Replaces the ban of the same target, if there is one
   */
  add (known: KnownBan): void {
    const { ban, network } = known
    const { level, target } = ban

    this.#delete(level, target)
    this.#mapOf(level).set(target, known)
    network !== undefined && this.#byAddress.set(network, known)

    if (ban.by === 'strikes' && ++this.#counts[level] > CAPACITY[level]) {
      this.#removeFirstToEnd(level)
    }
  }

  /**
   * @returns The ban that was removed
   */
  remove (level: BanLevel, target: string): Ban | undefined {
    const ban = this.#delete(level, target)

    if (ban !== undefined) {
      this.#ended(ban)
    }

    return ban
  }

  /**
   * Removes those that have ended
   */
  sweep (): void {
    for (const known of [...this.#peers.values(), ...this.#networks.values()]) {
      this.#ifGoesOn(known)
    }
  }

  /**
   * Those that have not ended
   */
  all (): KnownBan[] {
    this.sweep()

    return [...this.#peers.values(), ...this.#networks.values()]
      .sort((a, b) => BAN_LEVELS.indexOf(a.ban.level) - BAN_LEVELS.indexOf(b.ban.level))
  }

  #ifGoesOn (known: KnownBan | undefined): Ban | undefined {
    if (known !== undefined && known.ban.end <= this.#now()) {
      this.remove(known.ban.level, known.ban.target)
      return
    }

    return known?.ban
  }

  #mapOf (level: BanLevel): Map<string, KnownBan> {
    return level === 'peer' ? this.#peers : this.#networks
  }

  #delete (level: BanLevel, target: string): Ban | undefined {
    const map = this.#mapOf(level)
    const known = map.get(target)

    if (known === undefined) {
      return
    }

    map.delete(target)
    known.network !== undefined && this.#byAddress.delete(known.network)

    if (known.ban.by === 'strikes') {
      this.#counts[known.ban.level]--
    }

    return known.ban
  }

  #removeFirstToEnd (level: BanLevel): void {
    let first: Ban | undefined

    for (const { ban } of this.#mapOf(level).values()) {
      if (ban.level === level && ban.by === 'strikes' && ban.end < (first?.end ?? Infinity)) {
        first = ban
      }
    }

    first !== undefined && this.remove(level, first.target)
  }
}
