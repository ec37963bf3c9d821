/**
 * How much of a token rounding may cost: adding up a burst in floating point must
 * not lose its last token
 */
const TOLERANCE = 1e-6

/**
 * The arithmetic of a token bucket that is described by one number: the time at
 * which it will be full. An empty bucket of `burst` tokens is full after
 * `burst` / `rate` seconds, and each token that is taken makes it full one
 * interval later. A bucket that is full does not have to be kept.
 *
 * Times are in milliseconds, since any point in time.
 */
export class TokenRate {
  /**
   * How many tokens there are in a full bucket
   */
  readonly burst: number

  /**
   * How many milliseconds it takes to refill one token
   */
  readonly interval: number

  /**
   * How far ahead the time may be at which a bucket is full, in milliseconds
   */
  readonly reach: number

  /**
   * @param rate - tokens per second
   * @param burst - tokens in a full bucket
   */
  constructor (rate: number, burst: number) {
    this.burst = burst
    this.interval = 1_000 / rate
    this.reach = (burst + TOLERANCE) * this.interval
  }

  equals (other: TokenRate): boolean {
    return this.burst === other.burst && this.interval === other.interval
  }

  /**
   * Takes a token
   *
   * @param fullAt - when the bucket is full
   * @param now - the time
   * @returns when the bucket is full without the token, or 0 if there is none left
   */
  take (fullAt: number, now: number): number {
    const next = (fullAt > now ? fullAt : now) + this.interval

    return next - now > this.reach ? 0 : next
  }

  /**
   * Puts back a token that was taken
   *
   * @param fullAt - when the bucket is full
   * @returns when the bucket is full with the token, more than 0
   */
  giveBack (fullAt: number): number {
    return Math.max(fullAt - this.interval, Number.MIN_VALUE)
  }

  /**
   * How many tokens are missing from a bucket, where one of which a part is missing counts
   */
  missing (fullAt: number, now: number): number {
    return fullAt > now ? Math.ceil((fullAt - now) / this.interval) : 0
  }
}
