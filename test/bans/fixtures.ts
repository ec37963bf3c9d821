import { BanKeeper } from '../../src/bans/ban-keeper.ts'
import { IPNetwork } from '../../src/util/ip-network.ts'
import { parseIP } from '../../src/util/parse-ip.ts'
import { fakePeer } from '../scopes/fixtures.ts'
import type { Ban, Place } from '../../src/bans/ban.ts'
import type { BansInit } from '../../src/bans/bans-init.ts'
import type { IPAddress } from '../../src/util/ip-address.ts'
import type { PeerId } from '@libp2p/interface'

export const HOUR = 3_600_000

/**
 * Any point in time, in ms since 1970
 */
const START = 1_700_000_000_000

export function ip (text: string): IPAddress {
  return parseIP(text) as IPAddress
}

export function place (text: string): Place {
  const address = ip(text)
  const [host, subnet] = address.version === 4 ? [32, 24] : [56, 48]

  return { ip: address, host: new IPNetwork(address, host), subnet: new IPNetwork(address, subnet) }
}

/**
 * Who bans, with a clock that stands still, and a node that says what it is told to
 */
export class World {
  ms = 0
  random = 0
  readonly allowlisted = new Set<string>()
  readonly shared = new Set<string>()

  /** How many peers do nothing wrong, by network */
  readonly good = new Map<string, number>()
  readonly began: string[] = []
  readonly ended: string[] = []
  readonly keeper: BanKeeper

  constructor (init: BansInit = {}) {
    this.keeper = new BanKeeper(init, {
      exempts: peer => this.allowlisted.has(peer.toString()),
      isShared: ({ host }) => this.shared.has(String(host)),
      countGood: network => this.good.get(String(network)) ?? 0,
      began: ({ ban }) => { this.began.push(nameOf(ban)) },
      ended: ban => { this.ended.push(nameOf(ban)) },
      now: () => this.ms,
      time: () => START + this.ms,
      random: () => this.random
    })
  }

  get time (): number {
    return START + this.ms
  }

  /**
   * A peer does what bans it
   */
  banPeer (peer: PeerId, at?: string): void {
    this.keeper.strike(peer, 'report', 'a test', at === undefined ? undefined : place(at), 1_000)
  }

  /**
   * So many peers of a host do
   */
  banPeers (count: number, at: string, from: number = 0): void {
    for (let i = 0; i < count; i++) {
      this.banPeer(fakePeer(from + i), at)
    }
  }

  get banned (): string[] {
    return this.keeper.list().map(nameOf)
  }
}

export function nameOf ({ level, target }: Ban): string {
  return `${level} ${target}`
}
