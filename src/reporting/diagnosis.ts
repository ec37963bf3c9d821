import { formatSetting } from '../limits/setting.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { parseNetwork, PRIVATE_NETWORKS } from '../util/ip-network.ts'
import { MostFrequent } from './most-frequent.ts'
import { requesterOf } from './requester.ts'
import type { TransientHolder } from '../manager/resource-manager-stat.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { IPAddress } from '../util/ip-address.ts'

/**
 * How many refusals it takes to say what they mean
 */
const MIN_REFUSALS = 3

/**
 * How many hosts are counted at a time to find the one that is refused most
 */
const CANDIDATES = 16

const LOOPBACK_NETWORKS = ['127.0.0.0/8', '::1/128']

/**
 * What a diagnosis reads beside the refusals
 */
export interface DiagnosisSource {
  /**
   * What has been in transient longest, oldest first
   */
  transientHolders(): TransientHolder[]
}

/**
 * Finds out what the refusals of one kind usually mean, if they match a known problem
 */
export class Diagnosis {
  readonly #hosts = new MostFrequent<string, IPAddress>(CANDIDATES)
  readonly #peers = new MostFrequent<string, string>(CANDIDATES)
  #count = 0
  #inbound = 0

  /**
   * Looks at one of them, closely
   */
  add (refusal: Refusal): void {
    const { address, peer } = requesterOf(refusal)
    const ip = address == null ? undefined : ipFromMultiaddr(address)

    this.#count++
    this.#inbound += isInbound(refusal) ? 1 : 0

    if (ip != null) {
      this.#hosts.add(ip.toString(), ip)
    }

    if (peer != null) {
      this.#peers.add(peer, peer)
    }
  }

  /**
   * Their meaning in one sentence, if it is known
   *
   * @param refusal - one of them
   * @param source
   */
  conclude (refusal: Refusal, source: DiagnosisSource): string | undefined {
    if (this.#count < MIN_REFUSALS) {
      return
    }

    const { kind, resource } = refusal

    if (resource === 'subnet' || (resource === 'rate' && refusal.request === 'connection')) {
      return this.#hiddenAddresses()
    }

    if (kind === 'peer' && resource === 'connection') {
      return this.#redialling(refusal)
    }

    if (kind === 'transient') {
      const ofShare = refusal.settingPath?.[0] === 'transientShare' && resource === 'connection'

      return (ofShare ? this.#hiddenAddresses(true) : undefined) ?? fullOf(source.transientHolders())
    }
  }

  /**
   * @param ofShare - whether it is the share of transient that was too small
   */
  #hiddenAddresses (ofShare: boolean = false): string | undefined {
    const ip = this.#hosts.only()
    const range = ip == null || this.#inbound < this.#count ? undefined : rangeOf(ip)

    if (ip == null || range == null) {
      return
    }

    const cure = ofShare ? 'transientShare: 1 lets it have all handshakes' : `trustedNetworks: ['${ip}/${ip.version === 4 ? 32 : 128}'] lifts the limits of subnets and rates for it`

    return `All of them came from ${ip}, a ${range} address: a proxy, container gateway or NAT there usually hides where they are from. ` +
      `If so, ${cure}, and trustedProxies: ['${ip}'] counts WebSockets as those of the hosts in its X-Forwarded-For header`
  }

  #redialling ({ settingPath }: Refusal): string | undefined {
    const peer = this.#peers.only()

    if (peer == null || this.#inbound < this.#count) {
      return
    }

    return `All of them are of one peer (${peer}), which dials this node although it is connected with it: it should use the connections that it has` +
      `${settingPath == null ? '' : `, or ${formatSetting(settingPath)} be higher`}`
  }
}

function isInbound ({ added, direction }: Refusal): boolean {
  return added == null ? direction === 'inbound' : added.connsInbound + added.streamsInbound > 0
}

/**
 * The kind of an address that nobody on the internet has
 */
function rangeOf (ip: IPAddress): 'private' | 'loopback' | undefined {
  if (LOOPBACK_NETWORKS.some(network => parseNetwork(network, '').contains(ip))) {
    return 'loopback'
  }

  return PRIVATE_NETWORKS.some(network => parseNetwork(network, '').contains(ip)) ? 'private' : undefined
}

/**
 * What transient is full of
 */
function fullOf (holders: TransientHolder[]): string | undefined {
  const [oldest] = holders

  if (oldest == null) {
    return
  }

  const what = oldest.scope.startsWith('conn') ? 'connection whose handshake does not end' : 'stream whose protocol is not negotiated'
  const host = hostOf(oldest.remote)
  const ofHost = holders.filter(({ remote }) => hostOf(remote) === host).length

  return `Longest there, for ${Math.round(oldest.age / 1000)} s, is an ${oldest.direction} ${what}, of ${host}, ` +
    `which has ${ofHost} of the ${holders.length} oldest: stat().transientHolders lists them`
}

/**
 * An address without its port, or a peer id
 */
function hostOf (remote: string): string {
  return /^\/(?:ip4|ip6|dns\w*)\/([^/]+)/.exec(remote)?.[1] ?? remote
}
