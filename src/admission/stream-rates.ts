import { Rule } from '../scopes/refusal.ts'
import { oneStream } from '../scopes/usage.ts'
import { NameTable } from '../util/name-table.ts'
import { checkObject, checkWholeNumber } from '../util/validation.ts'
import { DEFAULT_MAX_TRACKED, MAX_TRACKED, resolveRate } from './rate-limits.ts'
import { NamedBuckets, TokenBucket } from './token-buckets.ts'
import type { Rate } from './rate-limits.ts'
import type { TokenRate } from './token-rate.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { Sweepable } from '../util/sweeper.ts'

/**
 * How often remote peers may open streams. Streams that are opened and reset at once never
 * reach a limit of how many there may be at a time.
 */
export interface StreamRateLimits {
  /**
   * The rate of the inbound streams of each peer, counted when they are opened
   *
   * @default unlimited
   */
  peer?: Rate

  /**
   * Rates of the inbound streams of protocols, counted when the protocol was negotiated. A name
   * such as `/orbitdb/*` is for all protocols with this beginning, which share the rate.
   *
   * @default {}
   */
  protocol?: Record<string, Rate>

  /**
   * Rates of the inbound streams of protocols for each peer, counted when the
   * protocol was negotiated
   *
   * @default {}
   */
  protocolPeer?: Record<string, Rate>

  /**
   * How many peers are tracked for each rate that is one for each peer, at about 150 bytes
   * each. A peer whose bucket is full again is forgotten. With more peers than this, new ones
   * share one bucket until others are forgotten.
   *
   * @default 32768
   */
  maxPeers?: number
}

/**
 * Limits how often streams are opened
 */
export class StreamRateLimiter {
  readonly #clock: () => number
  readonly #peer?: NamedBuckets
  readonly #protocol: NameTable<ProtocolRate<TokenBucket>>
  readonly #protocolPeer: NameTable<ProtocolRate<NamedBuckets>>
  readonly #protocolPeerTables: NamedBuckets[] = []

  /**
   * @param field
   * @param limits
   * @param clock
   * @param previous - the limiter that this one replaces. A bucket whose rate stays the same
   * keeps its tokens.
   * @throws {InvalidParametersError} naming the field that cannot be used
   */
  constructor (field: string, limits: StreamRateLimits, clock: () => number, previous?: StreamRateLimiter) {
    checkObject(field, limits)

    const { protocol = {}, protocolPeer = {}, maxPeers = DEFAULT_MAX_TRACKED } = limits

    checkObject(`${field}.protocol`, protocol)
    checkObject(`${field}.protocolPeer`, protocolPeer)
    checkWholeNumber(`${field}.maxPeers`, maxPeers, 1, MAX_TRACKED)

    const peer = limits.peer == null ? undefined : resolveRate(`${field}.peer`, limits.peer)

    this.#clock = clock
    this.#peer = peer == null ? undefined : bucketsFor(peer, maxPeers, previous?.peerBuckets)

    this.#protocol = protocolRates(`${field}.protocol`, 'protocol', protocol, (rate, name) => {
      const same = previous?.bucketOf(name)

      return same?.rate.equals(rate) === true ? same : new TokenBucket(rate)
    })
    this.#protocolPeer = protocolRates(`${field}.protocolPeer`, 'protocolPeer', protocolPeer, (rate, name) => {
      const buckets = bucketsFor(rate, maxPeers, previous?.bucketsOf(name))

      this.#protocolPeerTables.push(buckets)

      return buckets
    })
  }

  private get peerBuckets (): NamedBuckets | undefined {
    return this.#peer
  }

  /**
   * The bucket of exactly this entry
   */
  private bucketOf (name: string): TokenBucket | undefined {
    const found = this.#protocol.get(name)

    return found?.name === name ? found.buckets : undefined
  }

  private bucketsOf (name: string): NamedBuckets | undefined {
    const found = this.#protocolPeer.get(name)

    return found?.name === name ? found.buckets : undefined
  }

  /**
   * Counts an inbound stream that a peer has opened
   *
   * @param peer - the peer id as text
   * @returns why it is refused, in which case nothing has changed
   */
  admit (peer: string): Refusal | undefined {
    const buckets = this.#peer

    if (buckets == null) {
      return
    }

    const now = this.#clock()

    if (!buckets.check(peer, now)) {
      return refusePeer(peer, buckets, now)
    }

    buckets.commit(peer, now)
  }

  /**
   * What `admit` would answer, with nothing counted
   */
  peek (peer: string): Refusal | undefined {
    const buckets = this.#peer
    const now = this.#clock()

    if (buckets?.check(peer, now) === false) {
      return refusePeer(peer, buckets, now)
    }
  }

  /**
   * Counts an inbound stream whose protocol was negotiated
   *
   * @param protocol - the protocol
   * @param peer - the peer id as text
   * @returns why it is refused, in which case nothing has changed
   */
  admitProtocol (protocol: string, peer: string): Refusal | undefined {
    const ofPeer = this.#protocolPeer.get(protocol)
    const ofAll = this.#protocol.get(protocol)

    if (ofPeer == null && ofAll == null) {
      return
    }

    const now = this.#clock()
    const refusal = this.#checkProtocol(protocol, peer, now)

    if (refusal == null) {
      ofPeer?.buckets?.commit(peer, now)
      ofAll?.buckets?.commit()
    }

    return refusal
  }

  /**
   * What `admitProtocol` would answer, with nothing counted
   */
  peekProtocol (protocol: string, peer: string): Refusal | undefined {
    return this.#checkProtocol(protocol, peer, this.#clock())
  }

  /**
   * The buckets of peers
   */
  get tables (): Sweepable[] {
    return this.#peer == null ? this.#protocolPeerTables : [this.#peer, ...this.#protocolPeerTables]
  }

  #checkProtocol (protocol: string, peer: string, now: number): Refusal | undefined {
    const ofPeer = this.#protocolPeer.get(protocol)
    const ofAll = this.#protocol.get(protocol)

    if (ofPeer?.buckets?.check(peer, now) === false) {
      return refuse(ofPeer.rule, `${protocol}.peer:${peer}`, ofPeer.buckets, now)
    }

    if (ofAll?.buckets?.check(now) === false) {
      return refuse(ofAll.rule, protocol, ofAll.buckets, now)
    }
  }
}

/**
 * The rate of one entry, which all of its protocols share
 */
interface ProtocolRate<T> {
  readonly name: string
  readonly rule: Rule

  /**
   * Left out where it is unlimited, though a pattern may not be
   */
  readonly buckets?: T
}

function protocolRates <T> (field: string, option: string, rates: Record<string, Rate>, create: (rate: TokenRate, name: string) => T): NameTable<ProtocolRate<T>> {
  return new NameTable(field, Object.entries(rates).map(([name, limit]) => {
    const rate = resolveRate(`${field}[${JSON.stringify(name)}]`, limit)

    return [name, { name, rule: createRule('protocol', option, name), buckets: rate == null ? undefined : create(rate, name) }]
  }))
}

function bucketsFor (rate: TokenRate, max: number, previous?: NamedBuckets): NamedBuckets {
  return previous?.rate.equals(rate) === true && previous.max === max ? previous : new NamedBuckets(rate, max)
}

function createRule (kind: 'peer' | 'protocol', ...option: string[]): Rule {
  return new Rule(kind, { exceeded: 'rate', setting: ['rateLimits', 'streams', ...option] })
}

const PEER = createRule('peer', 'peer')

/**
 * The refusal of a stream of a peer that has opened too many
 */
export function refusePeer (peer: string, buckets: NamedBuckets, now: number): Refusal {
  return refuse(PEER, peer, buckets, now)
}

function refuse (rule: Rule, subject: string, buckets: TokenBucket | NamedBuckets, now: number): Refusal {
  return rule.refuse('rate', oneStream(true), buckets.missing(now), buckets.rate.burst, subject)
}
