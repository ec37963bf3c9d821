import { isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { formatSetting } from '../limits/setting.ts'
import { ANY, checkDescribed } from '../util/description.ts'
import { ipFromAddress, ipFromMultiaddr } from '../util/ip-from-address.ts'
import { Latest } from '../util/latest.ts'
import { invalid } from '../util/validation.ts'
import { nameRequester, requesterOf } from './requester.ts'
import type { NamedRequester, Requester } from './requester.ts'
import type { RefusedRequest, Resource } from '../errors.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { SharedLimit } from '../scopes/shared-limit.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How many refusals are kept
 */
export const CAPACITY = 256

/**
 * Which refusals are asked for
 */
export interface RecentRefusalsOptions {
  /**
   * Only those of one peer
   *
   * @default all peers
   */
  peer?: PeerId | string

  /**
   * Only those of one address. If it has an IP address, everything else in it makes no
   * difference: `'192.0.2.1'` stands for all of a host.
   *
   * @default all addresses
   */
  address?: Multiaddr | string

  /**
   * Only those since then, in ms since 1970
   *
   * @default 0
   */
  since?: number
}

const OPTIONS = { peer: ANY, address: ANY, since: ANY } as const satisfies Record<keyof RecentRefusalsOptions, typeof ANY>

/**
 * A refusal, or what would have been one if limits were enforced. Fields that were not known
 * then are not set.
 */
export interface RecentRefusal extends NamedRequester, Pick<RefusedRequest, 'direction' | 'current' | 'attempted' | 'limit' | 'priority'> {
  /** In ms since 1970 */
  time: number

  /** What refused: a kind of scope, or of limit by address or rate, as in `refusals()` */
  kind: string

  /** The name of what refused */
  scope: string

  /** What there was not enough of */
  resource: Resource

  /** The setting to change, as in `ResourceLimitExceededError` */
  setting?: string

  /** Only where `limit` was what this node could have of a limit of its fleet */
  fleet?: SharedLimit
}

interface Entry {
  time: number
  refusal: Refusal
  requester: Requester
}

/**
 * Remembers the latest refusals, in a bounded list. They are put into words when somebody asks.
 */
export class RecentRefusals {
  readonly #entries = new Latest<Entry>(CAPACITY)

  add (refusal: Refusal): void {
    // the scopes of the requester change, so they are read now
    this.#entries.add({ time: Date.now(), refusal, requester: requesterOf(refusal) })
  }

  /**
   * Latest first
   *
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  list (options: RecentRefusalsOptions = {}): RecentRefusal[] {
    checkDescribed('options', options, OPTIONS)

    const { address, peer, since = 0 } = options

    if (typeof since !== 'number' || Number.isNaN(since)) {
      throw invalid('since', 'a time in ms since 1970', since)
    }

    const isOfPeer = peerMatcher(peer)
    const isOfAddress = addressMatcher(address)

    return this.#entries.list()
      .filter(({ requester, time }) => time >= since && isOfPeer(requester) && isOfAddress(requester))
      .map(describe)
  }
}

function describe ({ refusal, requester, time }: Entry): RecentRefusal {
  const { attempted, current, direction, kind, limit, priority, resource, scope, settingPath, shared } = refusal

  return {
    time,
    kind,
    scope,
    resource,
    direction,
    current,
    attempted,
    limit,
    priority,
    setting: settingPath == null ? undefined : formatSetting(settingPath),
    ...shared === undefined ? {} : { fleet: shared },
    ...nameRequester(requester)
  }
}

type Matcher = (requester: Requester) => boolean

function peerMatcher (wanted?: PeerId | string): Matcher {
  if (wanted === undefined) {
    return () => true
  }

  const id = String(wanted)

  if (wanted === null || id === '') {
    throw invalid('peer', 'a peer id', wanted)
  }

  return ({ peer }) => peer === id
}

function addressMatcher (wanted?: Multiaddr | string): Matcher {
  if (wanted === undefined) {
    return () => true
  }

  const parsed = parseAddress(wanted)
  const ip = parsed == null ? undefined : ipFromAddress(parsed)

  if (parsed == null || (ip == null && typeof parsed === 'string')) {
    throw invalid('address', 'an IP address or a multiaddr', wanted)
  }

  return ({ address }) => address != null && (ip == null ? address.toString() === parsed.toString() : String(ipFromMultiaddr(address)) === String(ip))
}

function parseAddress (address: Multiaddr | string): Multiaddr | string | undefined {
  if (typeof address !== 'string') {
    return isMultiaddr(address) ? address : undefined
  }

  try {
    return address.startsWith('/') ? multiaddr(address) : address
  } catch {
    // it is said what is expected
  }
}
