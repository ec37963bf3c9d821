import { BanList } from '../bans/ban-list.ts'
import { Rule } from '../scopes/refusal.ts'
import { oneConnection } from '../scopes/usage.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { peerInAddress } from '../util/peers-in-address.ts'
import type { Ban, KnownBan } from '../bans/ban.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { BanGate } from '../scopes/ban-gate.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Eviction } from '../scopes/evictions.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const BLOCKED = new Rule<Readonly<Ban>>('ban', {
  setting: ['fleet'],
  nameOf: ({ level, target }) => `ban:${level}:${target}`
})

function refuse (ban: Readonly<Ban>, direction: MessageStreamDirection): Refusal {
  return BLOCKED.refuse('connection', oneConnection(direction === 'inbound', false), 0, 0, ban)
}

/**
 * Refuses whom the fleet blocks, and leaves everything else to the bans of the node. While the fleet
 * blocks nobody, no admission asks it.
 */
export class FleetGate implements BanGate {
  readonly #member: FleetMember
  readonly #now: () => number
  readonly #node?: BanGate
  #list: BanList

  /**
   * @param member
   * @param now - by the clock of the engine, in ms since 1970
   * @param node - the bans of the node, if it has any
   */
  constructor (member: FleetMember, now: () => number, node?: BanGate) {
    this.#member = member
    this.#now = now
    this.#node = node
    this.#list = makeList(now)
  }

  get node (): BanGate | undefined {
    return this.#node
  }

  /**
   * From now on these are blocked, and nobody else. Connections of newly blocked ones end.
   */
  set (blocked: KnownBan[]): void {
    const before = this.#list

    this.#list = makeList(this.#now)
    blocked.forEach(known => { this.#list.add(known) })

    this.#standIn()

    const added = this.#list.all().filter(({ ban: { level, target } }) => before.get(level, target) === undefined)

    if (added.length > 0 && this.#member.enforces) {
      this.#closeBlocked()
    }
  }

  /**
   * Is asked before the bans of the node, if anybody is blocked
   */
  #standIn (): void {
    const { graph } = this.#member.metricsSource

    if (graph.bans === this.#node || graph.bans === this) {
      graph.bans = this.#list.size > 0 ? this : this.#node
    }
  }

  find (direction: MessageStreamDirection, address?: Multiaddr): Refusal | undefined {
    return this.#find(direction, address) ?? this.#node?.find(direction, address)
  }

  findPeer (direction: MessageStreamDirection, peer: PeerId, address?: Multiaddr): Refusal | undefined {
    return this.#findPeer(direction, peer, address) ?? this.#node?.findPeer(direction, peer, address)
  }

  refused (refusal: Refusal): void {
    this.#node?.refused(refusal)
  }

  evicted (eviction: Eviction): void {
    this.#node?.evicted(eviction)
  }

  /**
   * Blocks of addresses apply to those who come from there: a node chooses whom it dials
   */
  #find (direction: MessageStreamDirection, address: Multiaddr | undefined): Refusal | undefined {
    if (this.#list.size === 0 || address == null) {
      return
    }

    if (direction === 'outbound') {
      const peer = peerInAddress(address)
      const ban = peer === undefined ? undefined : this.#list.findPeer(peer.toString())

      return ban === undefined || this.#isExempt(peer as PeerId, address) ? undefined : refuse(ban, direction)
    }

    const ip = this.#list.hasNetworks ? ipFromMultiaddr(address) : undefined
    const ban = ip == null ? undefined : this.#list.findAddress(ip)

    return ban === undefined || this.#member.isAllowlisted(address) ? undefined : refuse(ban, direction)
  }

  #findPeer (direction: MessageStreamDirection, peer: PeerId, address: Multiaddr | undefined): Refusal | undefined {
    const ban = this.#list.size === 0 ? undefined : this.#list.findPeer(peer.toString())

    return ban === undefined || this.#isExempt(peer, address) ? undefined : refuse(ban, direction)
  }

  #isExempt (peer: PeerId, endpoint: Multiaddr | undefined): boolean {
    return this.#member.metricsSource.graph.admission?.staysAllowlisted(peer, { endpoint }) === true
  }

  #closeBlocked (): void {
    for (const connection of [...this.#member.metricsSource.graph.connections]) {
      const refusal = connection.closed ? undefined : this.#blocks(connection)

      if (refusal !== undefined) {
        connection.holder?.evict(this.#member.errorOf(refusal), '')
      }
    }
  }

  #blocks ({ endpoint, inbound, peerScope }: DefaultConnectionScope): Refusal | undefined {
    const ban = peerScope === undefined ? undefined : this.#list.findPeer(peerScope.key)

    if (ban !== undefined && peerScope !== undefined && !this.#isExempt(peerScope.peer, endpoint)) {
      return refuse(ban, inbound ? 'inbound' : 'outbound')
    }

    return inbound ? this.#find('inbound', endpoint) : undefined
  }
}

function makeList (now: () => number): BanList {
  return new BanList(now, () => {})
}
