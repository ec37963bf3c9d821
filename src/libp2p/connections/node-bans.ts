import { Key } from 'interface-datastore/key'
import { BanKeeper } from '../../bans/ban-keeper.ts'
import { banLine } from '../../bans/ban-line.ts'
import { BanStore } from '../../bans/ban-store.ts'
import { resolveFairness } from '../../fairness/fairness-init.ts'
import { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import { Rule } from '../../scopes/refusal.ts'
import { oneConnection } from '../../scopes/usage.ts'
import { startClock } from '../../util/clock.ts'
import { ipFromMultiaddr } from '../../util/ip-from-address.ts'
import { IPNetwork, parseNetwork } from '../../util/ip-network.ts'
import { parseIP } from '../../util/parse-ip.ts'
import { peerInAddress } from '../../util/peers-in-address.ts'
import { setBackgroundTimer } from '../../util/timers.ts'
import { Offences } from './offences.ts'
import type { Ban, KnownBan, Place } from '../../bans/ban.ts'
import type { BansInit } from '../../bans/bans-init.ts'
import type { FairnessInit, Groups } from '../../fairness/fairness-init.ts'
import type { Core } from '../../manager/core.ts'
import type { BansStat } from '../../manager/resource-manager-stat.ts'
import type { BanGate } from '../../scopes/ban-gate.ts'
import type { Eviction } from '../../scopes/evictions.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { ScopeGraph } from '../../scopes/scope-graph.ts'
import type { IPAddress } from '../../util/ip-address.ts'
import type { WarningCode } from '../../util/process-warnings.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'

/**
 * Where bans are in the datastore
 */
const KEY = '/libp2p-resource-manager/bans'

/**
 * How often ended bans are removed that nobody asks for any more, in ms
 */
const SWEEP_INTERVAL = 60_000

const BANNED = new Rule<Readonly<Ban>>('ban', {
  setting: ['bans'],
  nameOf: ({ level, target }) => `ban:${level}:${target}`
})

function refuseBanned (ban: Readonly<Ban>, direction: MessageStreamDirection): Refusal {
  return BANNED.refuse('connection', oneConnection(direction === 'inbound', false), 0, 0, ban)
}

export interface NodeBansInit {
  manager: Core

  /** Warns whoever runs the process */
  warnProcess(code: WarningCode, message: string): void

  /** All that are accounted for */
  connections: Iterable<{ readonly scope: DefaultConnectionScope }>

  /** What makes a host and a subnet, as for fairness */
  groups?: Pick<FairnessInit, keyof Groups> | false
  datastore: Pick<Datastore, 'has' | 'get' | 'put'>

  /** Of the node */
  peerId: PeerId

  /** In ms since 1970 */
  time?(): number

  /** In ms, and never goes back */
  now?(): number

  /** From 0 to 1 */
  random?(): number
}

/**
 * Bans on a node: counts strikes of remotes, refuses banned ones, ends their connections, and
 * tells people and tools
 */
export class NodeBans implements BanGate {
  readonly keeper: BanKeeper
  readonly #init: NodeBansInit
  readonly #graph: ScopeGraph
  readonly #groups: Groups
  readonly #offences: Offences
  readonly #store: BanStore
  #timer?: ReturnType<typeof setTimeout>

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (init: NodeBansInit, options: BansInit) {
    const { datastore, groups, manager, peerId } = init
    const { hosts, networks, subnets } = { ...groups === false ? undefined : groups }

    this.#init = init
    this.#graph = manager.graph
    this.#groups = resolveFairness({ hosts, networks, subnets })
    this.keeper = new BanKeeper(options, {
      exempts: peer => manager.trust.isTrustedPeer(peer),
      isShared: ({ ip }) => this.#graph.admission?.isShared(ip) === true,
      countGood: network => this.#countGood(network),
      began: known => { this.#began(known) },
      ended: ban => { this.#ended(ban) },
      now: startClock(init.now),
      time: init.time ?? Date.now,
      random: init.random ?? Math.random
    })
    this.#offences = new Offences({
      graph: this.#graph,
      keeper: this.keeper,
      connections: init.connections,
      isAllowlisted: address => manager.trust.isAllowlisted(address),
      isExempt: (peer, address) => this.#isExempt(peer, address),
      placeOf: address => this.#placeOf(address)
    })
    this.#store = new BanStore({
      datastore,
      // nodes may share a datastore
      key: new Key(`${KEY}/${peerId}`),
      list: () => this.keeper.list(),
      restore: ban => { this.#restore(ban) },
      warn: message => { manager.warn(message) }
    })
  }

  async start (): Promise<void> {
    await this.#store.start()
    this.#sweepLater()
  }

  async stop (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#store.stop()
  }

  // who is refused

  /**
   * Why a connection must not be opened, if so. Bans of addresses apply to those who come from
   * there. This node chooses whom it dials, and others may be behind the address.
   */
  find (direction: MessageStreamDirection, address: Multiaddr | undefined): Refusal | undefined {
    if (this.keeper.size === 0 || address == null) {
      return
    }

    if (direction === 'outbound') {
      const peer = peerInAddress(address)

      return peer === undefined ? undefined : this.findPeer(direction, peer)
    }

    const ip = this.keeper.bansNetworks ? ipFromMultiaddr(address) : undefined
    const ban = ip == null ? undefined : this.keeper.findAddress(ip)

    return ban === undefined || this.#init.manager.trust.isAllowlisted(address) ? undefined : refuseBanned(ban, direction)
  }

  /**
   * Why there must be no connection with a peer, if so
   */
  findPeer (direction: MessageStreamDirection, peer: PeerId, address?: Multiaddr): Refusal | undefined {
    const ban = this.keeper.size === 0 ? undefined : this.keeper.findPeer(peer.toString())

    return ban === undefined || this.#isExempt(peer, address) ? undefined : refuseBanned(ban, direction)
  }

  // strikes

  refused (refusal: Refusal): void {
    this.#offences.refused(refusal)
  }

  evicted (eviction: Eviction): void {
    this.#offences.evicted(eviction)
  }

  /**
   * A handler knows better
   *
   * @throws {InvalidParametersError} naming the argument that cannot be used
   */
  report (peer: PeerId, reason: string, strikes?: number): void {
    this.#offences.report(peer, reason, strikes)
  }

  stat (): BansStat {
    const { begun, strikes } = this.keeper

    return { active: this.keeper.count(), begun: { ...begun }, strikes: { ...strikes } }
  }

  /**
   * For people
   */
  notes (): string[] {
    const counts = Object.entries(this.keeper.count()).filter(([, count]) => count > 0)

    return counts.length === 0 ? [] : [`banned: ${counts.map(([level, count]) => `${count} ${level}${count === 1 ? '' : 's'}`).join(', ')}`]
  }

  #isExempt (peer: PeerId, address: Multiaddr | undefined): boolean {
    return this.#graph.admission?.staysAllowlisted(peer, { endpoint: address }) === true
  }

  // bans

  #began (known: KnownBan): void {
    const { manager, warnProcess } = this.#init
    const { ban } = known
    const line = banLine(ban, manager.enforces)

    manager.log?.error('%s', line)
    warnProcess('RESOURCE_MANAGER_BAN', `${line}. There may be more: manager.bans?.list() has them, and DEBUG=libp2p:resource-manager:error logs each.`)
    this.#graph.tracer?.ban('ban', ban.level, ban.target)
    this.#store.changed()

    if (manager.enforces) {
      // it may have begun in the middle of a change of the graph
      queueMicrotask(() => { this.#close(known) })
    }
  }

  #ended (ban: Ban): void {
    this.#graph.tracer?.ban('lift', ban.level, ban.target)
    this.#store.changed()
  }

  /**
   * Ends what there is with somebody who is banned
   */
  #close (known: KnownBan): void {
    const err = this.#init.manager.errorOf(refuseBanned(known.ban, 'inbound'))

    for (const { scope } of [...this.#init.connections]) {
      if (!scope.closed && this.#concerns(known, scope) && scope.holder?.evict(err, '') === false) {
        // a stream was being opened on it in this very step
        setBackgroundTimer(() => { scope.holder?.evict(err, '') }, 0)
      }
    }
  }

  #concerns ({ ban, network }: KnownBan, { endpoint, inbound, peerScope }: DefaultConnectionScope): boolean {
    if (peerScope?.peer !== undefined && this.#isExempt(peerScope.peer, endpoint)) {
      return false
    }

    if (network === undefined) {
      return peerScope?.key === ban.target
    }

    const ip = inbound && endpoint != null ? ipFromMultiaddr(endpoint) : undefined

    return ip != null && network.contains(ip) && !this.#init.manager.trust.isAllowlisted(endpoint)
  }

  #countGood (network: IPNetwork): number {
    const good = new Set<string>()

    for (const { scope: { endpoint, inbound, peerScope } } of this.#init.connections) {
      const ip = inbound && peerScope !== undefined && endpoint != null ? ipFromMultiaddr(endpoint) : undefined

      if (peerScope !== undefined && ip != null && network.contains(ip) && this.keeper.isGood(peerScope.key)) {
        // as many connections of one peer do not make it more
        good.add(peerScope.key)
      }
    }

    return good.size
  }

  #placeOf (address: Multiaddr | undefined): Place | undefined {
    const ip = address == null ? undefined : ipFromMultiaddr(address)

    return ip == null ? undefined : this.#placeAt(ip)
  }

  #placeAt (ip: IPAddress): Place {
    const { hosts, subnets } = this.#groups
    const version = ip.version === 4 ? 'ipv4' : 'ipv6'

    return { ip, host: new IPNetwork(ip, hosts[version]), subnet: new IPNetwork(ip, subnets[version]) }
  }

  #restore (ban: Ban): void {
    const network = ban.level === 'peer' ? undefined : parseNetwork(ban.target, 'target')
    const ip = network?.address ?? (ban.address === undefined ? undefined : parseIP(ban.address))

    this.keeper.restore({ ban, network, place: ip == null ? undefined : this.#placeAt(ip) })
  }

  #sweepLater (): void {
    this.#timer = setBackgroundTimer(() => {
      this.keeper.sweep()
      this.#sweepLater()
    }, SWEEP_INTERVAL)
  }
}
