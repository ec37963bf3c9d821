import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { wordMask } from '../util/ip-network.ts'
import { originOf } from './origin.ts'
import type { Groups, PrefixLengths } from './fairness-init.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How long a handshake counts, in ms: its weight falls to a third in this time. An honest
 * burst, such as a few hundred peers that come back at once, is over before it is too much; a
 * flood is not.
 */
const MEMORY = 10_000

/**
 * Below this part of the budget nobody is told apart
 */
const CONTENDED = 1 / 4

/**
 * A group may begin as many handshakes as its parent has left, times this. One network alone
 * gets half of the budget; several leave as much as each of them has to those who come later.
 * Subnets and hosts leave less of their network's share, because there is often only one of
 * them. Subnets have a higher factor than hosts, so a host reaches its bound first and others
 * in its subnet still get something.
 */
const GREED = [1, 16, 1]

/**
 * How many groups of a level are remembered. With more, the oldest are forgotten.
 */
const CAPACITY = 1024

const NAMES = ['network', 'subnet', 'host'] as const

interface Group {
  level: number
  time: number
}

/**
 * The groups that somebody is in, level by level. Numbers where possible, because no text has
 * to be made for them.
 */
type Keys = ReadonlyArray<number | string>

export interface OverBudget {
  /** Who has had enough: everybody, or a group of this level */
  readonly group: typeof NAMES[number] | 'all'
  readonly current: number
  readonly limit: number
}

/**
 * How many handshakes remotes may begin. Asking for one costs nothing, and answering costs
 * much, so a flood from many addresses could keep a node busy without reaching any limit.
 *
 * Nothing waits: one that is over the budget is refused. Those that are let through are chosen
 * by groups. A group may have what is left of the budget, times a constant (the dynamic
 * thresholds of Choudhury and Hahne, which share the buffers of switches). So many that
 * want everything never take the last of it, and whoever comes anew gets what they have
 * left over, and then as much as they have.
 */
export class HandshakeBudget {
  readonly #perSecond: number
  readonly #groups: Groups
  readonly #now: () => number
  readonly #levels: ReadonlyArray<Map<number | string, Group>> = NAMES.map(() => new Map())
  readonly #all: Group

  /**
   * The share of the budget that is available now, above 0, up to 1. With half of it, a
   * handshake counts as two. Earlier handshakes keep their count: otherwise nobody could come
   * until they are forgotten.
   */
  share = 1

  /**
   * @param perSecond - how many may be begun per second
   * @param groups
   * @param now - in ms
   */
  constructor (perSecond: number, groups: Groups, now: () => number) {
    this.#perSecond = perSecond
    this.#groups = groups
    this.#now = now
    this.#all = { level: 0, time: now() }
  }

  /**
   * How many count now
   */
  get level (): number {
    return this.#levelOf(this.#all)
  }

  get limit (): number {
    return this.#perSecond * MEMORY / 1_000
  }

  /**
   * Whether so many are begun that groups are told apart
   */
  get contended (): boolean {
    return this.level >= CONTENDED * this.limit
  }

  /**
   * Why somebody must not begin a handshake now, if so
   */
  find (address: Multiaddr | undefined): OverBudget | undefined {
    const { level, limit } = this
    const cost = 1 / this.share

    if (level < CONTENDED * limit) {
      return
    }

    if (level + cost > limit) {
      return { group: 'all', current: Math.round(level), limit: Math.floor(limit) }
    }

    const keys = this.#keysOf(address)
    // when this one has begun
    let free = limit - level - cost

    for (let i = 0; i < NAMES.length; i++) {
      const held = this.#held(i, keys[i])
      const most = GREED[i] * free

      if (held + cost > most) {
        return { group: NAMES[i], current: Math.round(held), limit: Math.floor(most) }
      }

      free = most - held - cost
    }
  }

  /**
   * Somebody begins a handshake, whether there is enough or not
   */
  begin (address: Multiaddr | undefined): void {
    const contended = this.contended

    this.#add(this.#all)

    if (contended) {
      this.#keysOf(address).forEach((key, i) => { this.#add(this.#group(i, key)) })
    } else if (this.#levels[0].size > 0) {
      this.#levels.forEach(groups => { groups.clear() })
    }
  }

  #keysOf (address: Multiaddr | undefined): Keys {
    const { hosts, networks, subnets } = this.#groups
    const ip = address == null ? undefined : ipFromMultiaddr(address)

    if (ip != null) {
      return [keyOf(ip, networks), keyOf(ip, subnets), keyOf(ip, hosts)]
    }

    const { host, network, subnet } = originOf(address, this.#groups)

    return [network, subnet, host]
  }

  #held (i: number, key: number | string): number {
    const group = this.#levels[i].get(key)

    return group === undefined ? 0 : this.#levelOf(group)
  }

  #group (i: number, key: number | string): Group {
    const groups = this.#levels[i]
    let group = groups.get(key)

    if (group === undefined) {
      group = { level: 0, time: this.#now() }
      groups.set(key, group)

      if (groups.size > CAPACITY) {
        groups.delete(groups.keys().next().value as number | string)
      }
    }

    return group
  }

  #levelOf ({ level, time }: Group): number {
    return level === 0 ? 0 : level * Math.exp((time - this.#now()) / MEMORY)
  }

  /**
   * Handshakes that nobody asked about count against others only for a short time
   */
  #add (group: Group): void {
    group.level = Math.min(this.#levelOf(group) + 1 / this.share, this.limit)
    group.time = this.#now()
  }
}

function keyOf (ip: IPAddress, { ipv4, ipv6 }: PrefixLengths): number | string {
  if (ip.version === 4) {
    return ip.word0 & wordMask(ipv4, 0)
  }

  return `${ip.word0 & wordMask(ipv6, 0)} ${ip.word1 & wordMask(ipv6, 1)} ${ip.word2 & wordMask(ipv6, 2)} ${ip.word3 & wordMask(ipv6, 3)}`
}
