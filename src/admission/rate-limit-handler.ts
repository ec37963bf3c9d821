import { startClock } from '../util/clock.ts'
import { ANY, checkDescribed } from '../util/description.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { Sweeper } from '../util/sweeper.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { checkWholeNumber, invalid } from '../util/validation.ts'
import { withoutStackTrace } from '../util/without-stack-trace.ts'
import { RATE, RATE_LIMITS } from './admission-options.ts'
import { RateLimiter } from './rate-limiter.ts'
import { DEFAULT_MAX_TRACKED, MAX_TRACKED, resolveRate, resolveRateLimits } from './rate-limits.ts'
import { refusePeer } from './stream-rates.ts'
import { NamedBuckets } from './token-buckets.ts'
import type { Rate, RateLimits } from './rate-limits.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { Sweepable } from '../util/sweeper.ts'
import type { Connection, StreamHandler } from '@libp2p/interface'

/**
 * How often full buckets are removed when no more streams come, in ms
 */
const SWEEP_INTERVAL = 60_000

/**
 * How often remotes may open streams of a handler: options of `rateLimit`
 */
export interface RateLimitOptions extends RateLimits {
  /**
   * The rate of each peer, whatever its address. Relayed connections, and others
   * that do not have an IP address, are subject to this one and to `global` only.
   *
   * @default unlimited
   */
  peer?: Rate

  /**
   * How many peers are tracked; see `maxSubnets`
   *
   * @default 32768
   */
  maxPeers?: number

  /**
   * The time in milliseconds since any point in time, which must not go back
   *
   * @default performance.now
   */
  now?(): number
}

const RATE_LIMIT_OPTIONS = {
  ...RATE_LIMITS,
  peer: RATE,
  maxPeers: ANY,
  now: ANY
} as const satisfies DescriptionOf<RateLimitOptions>

/**
 * Wraps a stream handler: streams that are opened more often than they may be are
 * reset and do not reach the handler.
 *
 * Nothing is limited but what the options say. Most specific is the rate of the
 * peer, then those of its address. What is refused takes nothing from any of them.
 *
 * @example
 *
 * ```ts
 * await node.handle('/my/1.0.0', rateLimit(handler, {
 *   ipv4: [{ prefixLength: 32, rate: 1, burst: 10 }],
 *   ipv6: [{ prefixLength: 56, rate: 1, burst: 10 }],
 *   global: { rate: 100, burst: 200 }
 * }))
 * ```
 *
 * @throws {InvalidParametersError} if an option cannot be used, or if there is no rate
 * in the options
 */
export function rateLimit (handler: StreamHandler, options: RateLimitOptions): StreamHandler {
  if (typeof handler !== 'function') {
    throw invalid('handler', 'a function', handler)
  }

  const limiter = new PeerAndAddressLimiter(options)

  return (stream, connection) => {
    const refusal = limiter.take(connection)

    if (refusal != null) {
      stream.abort(withoutStackTrace(() => refusal.toError()))
      return
    }

    return handler(stream, connection)
  }
}

class PeerAndAddressLimiter {
  readonly #clock: () => number
  readonly #addresses: RateLimiter
  readonly #peers?: NamedBuckets
  readonly #tables: readonly Sweepable[]
  readonly #sweeper = new Sweeper()
  #timer?: ReturnType<typeof setTimeout>

  constructor (options: RateLimitOptions) {
    checkDescribed('options', options, RATE_LIMIT_OPTIONS)

    const limits = resolveRateLimits('options', options)
    const maxPeers = options.maxPeers ?? DEFAULT_MAX_TRACKED

    checkWholeNumber('options.maxPeers', maxPeers, 1, MAX_TRACKED)

    if (options.peer == null && limits.global == null && limits.prefixes.length + limits.ipv4.length + limits.ipv6.length === 0) {
      throw invalid('options', 'at least one of "peer", "global", "prefixes", "ipv4" and "ipv6"', Object.keys(options).join(', '))
    }

    const peer = options.peer == null ? undefined : resolveRate('options.peer', options.peer)

    this.#clock = startClock(options.now)
    this.#addresses = new RateLimiter({ limits, request: 'stream', clock: this.#clock })
    this.#peers = peer == null ? undefined : new NamedBuckets(peer, maxPeers)
    this.#tables = this.#peers == null ? this.#addresses.tables : [this.#peers, ...this.#addresses.tables]
  }

  take (connection: Connection): Refusal | undefined {
    const ip = ipFromMultiaddr(connection.remoteAddr)
    const peer = connection.remotePeer.toString()
    const now = this.#clock()

    if (this.#peers?.check(peer, now) === false) {
      return refusePeer(peer, this.#peers, now)
    }

    const refusal = this.#addresses.check(ip, now)

    if (refusal == null) {
      this.#peers?.commit(peer, now)
      this.#addresses.commit(ip, now)
      this.#sweepLater()
    }

    return refusal
  }

  /**
   * While streams come, their buckets make room for others. This is for when they
   * have stopped: there is a timer only while something is kept.
   */
  #sweepLater (): void {
    if (this.#timer != null || this.#tables.length === 0) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#sweeper.sweep(this.#tables, this.#clock())

      if (this.#tables.some(({ size }) => size > 0)) {
        this.#sweepLater()
      }
    }, SWEEP_INTERVAL)
  }
}
