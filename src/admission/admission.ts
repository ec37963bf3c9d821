/**
 * What is decided by address, before a connection has a scope: allowlist, rates and subnets.
 *
 * In: the direction and the address of a connection, and the peer of a stream.
 * Out: nothing if it may be opened: it is counted in its subnets and has taken its token. A
 * refusal otherwise.
 * Fails: an option that cannot be used is an `InvalidParametersError`, and nothing has changed.
 * Decisions never throw.
 * Costs: about 0.2 µs for a connection (`node --expose-gc bench/in-turn.ts`). Tables hold
 * `maxSubnets` subnets at most, whatever remotes do.
 */

import { startClock } from '../util/clock.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { SweepTimer } from '../util/timers.ts'
import { checkList } from '../util/validation.ts'
import { AdmissionRates } from './admission-rates.ts'
import { resolveRules } from './admission-rules.ts'
import { AdmissionSettings } from './admission-settings.ts'
import { Allowlist } from './allowlist.ts'
import { SubnetLimiter } from './subnet-limiter.ts'
import { IPV6_HOST_PREFIX_LENGTH } from './subnet-limits.ts'
import { SubnetTables } from './subnet-tables.ts'
import { TrustedProxies } from './trusted-proxies.ts'
import type { AdmissionInit } from './admission-options.ts'
import type { SharedRates, SharedSubnets } from './shared-limits.ts'
import type { StreamRateLimiter } from './stream-rates.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { MessageStreamDirection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Decides by address which connections are opened, before they get a scope
 */
export class Admission {
  readonly allowlist: Allowlist
  readonly settings: AdmissionSettings

  /** Set where subnets have limits that this node shares with others */
  shared?: SharedSubnets = undefined

  /** Set where there are rates that this node shares with others */
  sharedRates?: SharedRates = undefined

  readonly #subnets: SubnetLimiter
  readonly #rates: AdmissionRates
  readonly #sweepTimer = new SweepTimer(this)
  readonly #proxies: TrustedProxies
  #allowlistedConns: number

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (init: AdmissionInit) {
    const rules = resolveRules(init)

    this.#proxies = new TrustedProxies(init.trustedProxies)

    checkList('allowlist', init.allowlist)

    const tables = new SubnetTables()

    this.#subnets = new SubnetLimiter(rules.subnets, tables)
    this.#rates = new AdmissionRates(rules, this.#subnets, tables, startClock(init.now))
    this.settings = new AdmissionSettings(init, this.#subnets, this.#rates)
    this.#allowlistedConns = init.allowlistedConns
    this.allowlist = new Allowlist({
      entries: init.allowlist,
      warn: init.warn,
      onNetworksChange: () => { this.#updateAllowlisted() }
    })
    this.#updateAllowlisted()
  }

  /**
   * Sets where to find the addresses of all counted connections
   */
  countAgainFrom (addresses: () => Iterable<IPAddress>): void {
    this.#subnets.countedAddresses = addresses
  }

  /**
   * Left out unless rates of streams are configured
   */
  get streamRates (): StreamRateLimiter | undefined {
    return this.#rates.streams
  }

  /**
   * The IP address that decides about a connection, if it has one
   */
  ipOf (endpoint: Multiaddr): IPAddress | undefined {
    return ipFromMultiaddr(endpoint)
  }

  /**
   * Whether a reverse proxy has an address
   */
  isProxy (endpoint: Multiaddr): boolean {
    const ip = ipFromMultiaddr(endpoint)

    return ip != null && this.#proxies.has(ip)
  }

  /**
   * Whom a reverse proxy forwards
   *
   * @param header - `X-Forwarded-For`
   */
  forwardedFor (header: string): IPAddress | undefined {
    return this.#proxies.forwardedFor(header)
  }

  /**
   * The part of an address that a remote cannot choose: all of an IPv4 address, and the prefix
   * of an IPv6 address
   */
  hostOf (endpoint: Multiaddr): string | undefined {
    const ip = ipFromMultiaddr(endpoint)

    return ip?.version === 6 ? new IPNetwork(ip, IPV6_HOST_PREFIX_LENGTH).toString() : ip?.toString()
  }

  /**
   * Decides about a connection that is about to be dialled or was accepted. Unless it
   * is refused, it counts until `release` is called with its address.
   *
   * @param ip - the address of the remote host. A connection without one is never refused.
   * @param direction - who opens the connection: rates are for inbound ones
   * @returns why it is refused, in which case it does not count
   */
  admit (ip: IPAddress | undefined, direction: MessageStreamDirection): Refusal | undefined {
    if (ip == null) {
      return
    }

    this.#sweepTimer.start()

    const { connections } = this.#rates

    if (direction === 'inbound' && (connections ?? this.sharedRates) !== undefined && !this.allowlist.allowedIP(ip)) {
      const refusal = connections?.take(ip) ?? this.#takeShared(ip)

      if (refusal != null) {
        return refusal
      }
    }

    return this.#add(ip, direction)
  }

  /**
   * Why an inbound stream of a peer comes too soon, if so
   */
  admitStream (peer: string): Refusal | undefined {
    const { streamRates } = this

    if (streamRates !== undefined) {
      this.#sweepTimer.start()

      return streamRates.admit(peer)
    }
  }

  /**
   * Why an inbound stream whose protocol was negotiated comes too soon, if so
   */
  admitProtocol (protocol: string, peer: string): Refusal | undefined {
    const { streamRates } = this

    if (streamRates !== undefined) {
      this.#sweepTimer.start()

      return streamRates.admitProtocol(protocol, peer)
    }
  }

  /**
   * What `admit` would answer, with nothing counted and no token taken
   */
  peek (ip: IPAddress | undefined, direction: MessageStreamDirection): Refusal | undefined {
    if (ip == null) {
      return
    }

    const refusal = direction === 'inbound' && !this.allowlist.allowedIP(ip) ? this.#rates.connections?.peek(ip) ?? this.sharedRates?.peek(ip) : undefined

    return refusal ?? this.peekCount(ip, direction)
  }

  /**
   * Counts a connection that leaves the limits of the allowlist: until then, limits of subnets
   * did not apply to it
   *
   * @returns why it does not fit, in which case it does not count
   */
  count (ip: IPAddress | undefined, direction: MessageStreamDirection): Refusal | undefined {
    return ip == null ? undefined : this.#add(ip, direction)
  }

  /**
   * What `count` would answer, with nothing counted
   *
   * @param ip
   * @param direction
   * @param find - how to ask the limits that are shared: whether there is a connection that wants to be
   * counted
   */
  peekCount (ip: IPAddress | undefined, direction: MessageStreamDirection, find: 'find' | 'peek' = 'peek'): Refusal | undefined {
    return ip == null ? undefined : this.#subnets.peek(ip, direction) ?? this.shared?.[find](ip, direction)
  }

  /**
   * Takes back what `admit` or `count` has counted: the connection has closed, was
   * refused by a scope, or is opened under the limits of the allowlist
   */
  release (ip: IPAddress | undefined): void {
    if (ip != null) {
      this.#subnets.remove(ip)
      this.shared?.remove(ip)
    }
  }

  /**
   * Undoes an inbound connection that has been released: not even the rate of its address
   * remembers it
   */
  forget (ip: IPAddress | undefined): void {
    if (ip != null && !this.allowlist.allowedIP(ip)) {
      this.#rates.connections?.giveBack(ip)
      this.sharedRates?.giveBack(ip)
    }
  }

  /**
   * Whether a transport should make the sender of a datagram prove its address before
   * it begins a handshake
   *
   * @param address - where the datagram came from: a multiaddr, an IP address, or
   * `host:port`
   */
  verifySourceAddress (address: string | Multiaddr): boolean {
    return this.#rates.verification.verify(address)
  }

  /**
   * How many connections there may be under the limits of the allowlist
   */
  get allowlistedConns (): number {
    return this.#allowlistedConns
  }

  set allowlistedConns (count: number) {
    if (count !== this.#allowlistedConns) {
      this.#allowlistedConns = count
      this.#updateAllowlisted()
    }
  }

  /**
   * Whether there are rates of connections
   */
  get limitsRates (): boolean {
    return this.#rates.connections !== undefined && !this.#rates.lifted
  }

  /**
   * Forgets subnets and peers whose buckets are full again. New ones do this in passing; this
   * is for the time when none comes.
   *
   * @returns false if there is more to check. A call takes a fraction of a millisecond, and can
   * be repeated at once, or after other work.
   */
  sweep (): boolean {
    return this.#rates.sweep()
  }

  /**
   * How many buckets of subnets and peers are kept
   */
  get tracked (): number {
    return this.#rates.tracked
  }

  /**
   * Stops the work in the background, until the next decision
   */
  stop (): void {
    this.#sweepTimer.stop()
  }

  #takeShared (ip: IPAddress): Refusal | undefined {
    const refusal = this.sharedRates?.take(ip)

    if (refusal !== undefined) {
      this.#rates.connections?.giveBack(ip)
    }

    return refusal
  }

  #add (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    const refusal = this.#subnets.add(ip, direction)

    if (refusal !== undefined || this.shared === undefined) {
      return refusal
    }

    const full = this.shared.add(ip, direction)

    if (full !== undefined) {
      this.#subnets.remove(ip)
    }

    return full
  }

  #updateAllowlisted (): void {
    this.#subnets.setAllowlisted(() => this.allowlist.networks(), this.#allowlistedConns)
    this.shared?.allowlistChanged()
  }
}
