/**
 * How many buckets, bit rates or groups one call is about
 */
export const MAX_RATES = 256

/**
 * What a node wants of a token bucket of the fleet
 */
export type TokenRequest = [
  /** Its name in the fleet with its rate, such as `global 10/100` or `subnet:192.0.2.0/24 16/5000` */
  bucket: string,
  /** How long it takes to refill one token, in ms */
  interval: number,
  burst: number,
  /** How many tokens were missing when the engine answered last, less what was refilled since */
  missing: number,
  /** How many of its tokens the node has not used */
  kept: number,
  /** How many it gives back, and does not use any more */
  back: number,
  /** How many it would like to have, those it has included */
  want: number,
  /** How many it has used that it did not have */
  debt: number,
  /** The number of the call that told of the debt first, so that it counts once */
  since: number
]

/**
 * What a node wants of a bit rate of the fleet, in whole bit/s
 */
export type ShareRequest = [
  /** Its name in the fleet, such as `system rx` */
  name: string,
  limit: number,
  /** What the node may use until it is answered */
  claim: number,
  /** What it could use */
  demand: number
]

export interface RatesRequest {
  /** Of the node, and of this run of it */
  id: string

  /** One more than the last time. It is not the number of `sync`. */
  seq: number

  /**
   * The last one that was answered. What the engine has of bit rates of an earlier one is of a
   * call that came late, or of data that has gone back.
   *
   * @default 0
   */
  acked?: number
  ttl: number

  /** The version of the decisions that the limits are from */
  policy: number
  tokens: TokenRequest[]
  shares: ShareRequest[]

  /** Bit rates that it needs no more */
  gone: string[]

  /** What groups hold on this node, as name and number in turn, if it has changed */
  held?: Array<string | number>

  /** Groups whose holdings on other nodes it wants to know */
  groups: string[]
}

export interface RatesAnswer {
  /**
   * - `'ok'`
   * - `'policy'`: the limits are not those of the fleet any more. Nothing was taken
   * - `'old'`: a later call came first
   * - `'absent'`: the engine does not know the node, which has to `sync` first
   * - `'version'`: what is kept is of another version
   */
  status: 'ok' | 'policy' | 'old' | 'absent' | 'version'

  /** What is there instead, where the version is another one */
  found?: string

  /** How many nodes there are */
  nodes?: number

  /** For each bucket in the order of the request: how many tokens the node has now, and how many are missing */
  tokens?: Array<[granted: number, missing: number]>

  /** By bit rate as in the request: what the node may use now */
  shares?: number[]

  /** For each group in the order of the request: what the other nodes have told of it within half a `ttl` */
  groups?: number[]
}
