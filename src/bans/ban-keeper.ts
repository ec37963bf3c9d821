/**
 * Who is banned: peers, hosts and subnets that go on doing what they must not.
 *
 * In: strikes (refusals, evictions, reports), and bans that somebody has decided.
 * Out: whether a peer or an address is banned, why and until when; a line for the log of each ban.
 * Fails: a target or an option that cannot be used is an `InvalidParametersError`. Bans that cannot
 * be read or written are a warning, and those in memory stay in force.
 * Costs: a look-up in a `Map` for each connection, or nothing while nobody is banned. The number of
 * bans and strikes is bounded.
 */

import { ANY, checkDescribed } from '../util/description.ts'
import { checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import { BanList } from './ban-list.ts'
import { parseTarget } from './ban-target.ts'
import { BANS_OPTIONS, MAX_DURATION, resolveBans } from './bans-init.ts'
import { Offenders } from './offenders.ts'
import { Strikes } from './strikes.ts'
import type { BanTarget } from './ban-target.ts'
import type { Ban, BanLevel, BanOptions, Bans, KnownBan, Place, StrikeKind } from './ban.ts'
import type { BansConfig, BansInit } from './bans-init.ts'
import type { Neighbours } from './offenders.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'
import type { PeerId } from '@libp2p/interface'

const BAN_OPTIONS = { duration: ANY, reason: ANY } as const satisfies DescriptionOf<BanOptions>

/**
 * What the bans have to know of those that they are about
 */
export interface BansEnvironment extends Neighbours {
  /**
   * Whether a peer may not be banned
   */
  exempts(peer: PeerId): boolean

  /**
   * Somebody is banned from now on
   */
  began(known: KnownBan): void

  /**
   * A ban has ended or was lifted
   */
  ended(ban: Ban): void

  /** In ms, and never goes back */
  now(): number

  /** In ms since 1970 */
  time(): number

  /** From 0 to 1 */
  random(): number
}

/**
 * Bans those who go on doing what they must not:
 *
 * ```
 * strikes ── a peer ── several peers of a host, hardly any others ── several hosts of a subnet, hardly any others
 * ```
 *
 * One peer bans nobody but itself, whatever it does. Strikes of connections whose peer is not
 * known yet count for their host, as one more of its peers, however many there are.
 */
export class BanKeeper implements Bans {
  readonly #environment: BansEnvironment
  readonly #list: BanList
  readonly #offenders: Offenders
  readonly #peers: Strikes

  /** Of hosts, by those who have not proved who they are */
  readonly #unproved: Strikes
  #config: BansConfig

  /** Since the start */
  readonly begun: Record<BanLevel, number> = { peer: 0, host: 0, subnet: 0 }
  readonly strikes: Record<StrikeKind, number> = { refusal: 0, eviction: 0, report: 0 }

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (init: BansInit, environment: BansEnvironment) {
    const { ended, now, time } = environment

    this.#config = resolveBans(init)
    this.#environment = environment
    this.#list = new BanList(time, ended)
    this.#offenders = new Offenders(this.#list, environment)
    this.#peers = new Strikes(this.#config.halfLife, now)
    this.#unproved = new Strikes(this.#config.halfLife, now)
  }

  // who is banned

  findPeer (peer: string): Ban | undefined {
    return this.#list.findPeer(peer)
  }

  findAddress (ip: IPAddress): Ban | undefined {
    return this.#list.findAddress(ip)
  }

  get bansNetworks (): boolean {
    return this.#list.hasNetworks
  }

  get size (): number {
    return this.#list.size
  }

  count (): Record<BanLevel, number> {
    return this.#list.count()
  }

  /**
   * Whether a peer has done nothing, or not much
   */
  isGood (peer: string): boolean {
    return this.findPeer(peer) === undefined && this.#peers.countOf(peer) < this.#config.strikes / 2
  }

  sweep (): void {
    this.#list.sweep()
  }

  // strikes

  /**
   * Whether a strike that comes by itself would count now
   */
  isDue (peer: string): boolean {
    return this.#peers.isDue(peer)
  }

  /**
   * @param peer
   * @param kind
   * @param reason - what it has done last
   * @param place - where it is, as far as that is known
   * @param count - how many strikes it is
   */
  strike (peer: PeerId, kind: StrikeKind, reason: string, place?: Place, count: number = 1): void {
    const key = peer.toString()

    if (this.#environment.exempts(peer) || this.findPeer(key) !== undefined) {
      return
    }

    this.strikes[kind] += count

    const strikes = this.#peers.add(key, count, kind === 'refusal')

    if (this.#isEnough(strikes)) {
      this.#peers.forget(key)
      this.#begin('peer', key, 'strikes', `${Math.round(strikes)} strikes, last for ${reason}`, { place })
      this.#banPlace(place)
    }
  }

  /**
   * Somebody who has not proved who it is was refused
   */
  strikeUnproved (place: Place): void {
    const key = String(place.host)

    if (!this.#unproved.isDue(key) || this.findAddress(place.ip) !== undefined) {
      return
    }

    this.strikes.refusal++

    if (this.#isEnough(this.#unproved.add(key, 1, true))) {
      this.#banPlace(place)
    }
  }

  /**
   * Bans the host, and then the subnet, where that is due
   */
  #banPlace (place: Place | undefined): void {
    if (place === undefined) {
      return
    }

    const unproved = this.#isEnough(this.#unproved.countOf(String(place.host)))

    for (const { level, network, reason } of this.#offenders.networksOf(place, this.#config, unproved)) {
      this.#begin(level, String(network), 'strikes', reason, { network, place })
    }
  }

  /**
   * They count a little less as soon as they are there
   */
  #isEnough (strikes: number): boolean {
    return Math.round(strikes) >= this.#config.strikes
  }

  // Bans

  list (): Ban[] {
    return this.#list.all().map(({ ban }) => ({ ...ban }))
  }

  add (target: BanTarget, options: BanOptions = {}): Ban {
    const parsed = parseTarget(target)

    checkDescribed('options', options, BAN_OPTIONS)

    const { duration, reason = 'by the operator' } = options

    checkReason(reason)
    duration !== undefined && checkWholeNumber('duration', duration, 1, MAX_DURATION)

    if ('peer' in parsed) {
      if (this.#environment.exempts(parsed.peer)) {
        throw invalid('target', 'somebody who is not allowlisted', parsed.peer.toString())
      }

      this.#peers.forget(parsed.peer.toString())

      return { ...this.#begin('peer', parsed.peer.toString(), 'operator', reason, {}, duration) }
    }

    const { network } = parsed

    return { ...this.#begin(levelOf(network), String(network), 'operator', reason, { network }, duration) }
  }

  lift (target: BanTarget): boolean {
    const parsed = parseTarget(target)

    if ('peer' in parsed) {
      this.#peers.forget(parsed.peer.toString())

      return this.#list.remove('peer', parsed.peer.toString()) !== undefined
    }

    this.#unproved.forget(String(parsed.network))

    return this.#list.remove(levelOf(parsed.network), String(parsed.network)) !== undefined
  }

  set (options: BansInit): void {
    checkObject('bans', options)
    checkDescribed('bans', options, BANS_OPTIONS.bans)
    this.#config = resolveBans(options, this.#config)
    this.#peers.halfLife = this.#config.halfLife
    this.#unproved.halfLife = this.#config.halfLife
  }

  // what is kept over a restart

  known (): KnownBan[] {
    return this.#list.all()
  }

  /**
   * Adds a ban that was kept, if it has not ended and there is none of the same. Those of strikes are never longer than they
   * could be now.
   */
  restore (known: KnownBan): void {
    const { ban } = known
    const now = this.#environment.time()
    const end = ban.by === 'operator' ? ban.end : Math.min(ban.end, now + 2 * this.#config.duration)

    if (end > now && this.#list.get(ban.level, ban.target) === undefined) {
      this.#list.add({ ...known, ban: { ...ban, end } })
    }
  }

  #begin (level: BanLevel, target: string, by: Ban['by'], reason: string, { network, place }: Pick<KnownBan, 'network' | 'place'>, duration?: number): Ban {
    const { random, time } = this.#environment
    const begin = time()
    const address = level === 'peer' && place !== undefined ? String(place.ip) : undefined
    const end = begin + (duration ?? Math.round(this.#config.duration * (1 + random())))
    const ban: Ban = { level, target, by, reason: reason.slice(0, MAX_REASON_LENGTH), ...address === undefined ? {} : { address }, begin, end }
    const known: KnownBan = { ban, network, place }

    this.#list.add(known)
    this.begun[level]++
    this.#environment.began(known)

    return ban
  }
}

/**
 * A remote may have a say in it
 */
const MAX_REASON_LENGTH = 256

/**
 * @throws {InvalidParametersError} if it is no text
 */
export function checkReason (reason: string): void {
  if (typeof reason !== 'string' || reason === '') {
    throw invalid('reason', 'a non-empty string', reason)
  }
}

/**
 * What is more than one address of IPv4, or than what one host has of IPv6, are several hosts
 */
function levelOf ({ address, prefixLength }: IPNetwork): BanLevel {
  return prefixLength >= (address.version === 4 ? 32 : 56) ? 'host' : 'subnet'
}
