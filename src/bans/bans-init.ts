import { ANY } from '../util/description.ts'
import { checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * The option `bans`: when peers, hosts and subnets are banned, and for how long
 */
export interface BansInit {
  /**
   * How many strikes ban a peer. A second in which one of its own limits refuses something is
   * one strike, a connection or stream of it that gives way to others is one, and `report` says
   * how many it adds. With `Infinity`, only `bans.add` bans.
   *
   * @default 30
   */
  strikes?: number

  /**
   * In what time strikes count half, in ms
   *
   * @default 60000
   */
  halfLife?: number

  /**
   * The shortest ban, in ms. A ban lasts up to twice as long, at random, so that peers who are
   * banned together do not come back together.
   *
   * @default 3600000
   */
  duration?: number

  /**
   * How many banned peers get their host banned, at least 2: one peer cannot get others banned
   * who share its address. For each connected peer of the host that has done nothing, at least
   * nine must be banned. `Infinity` bans no host.
   *
   * @default 4
   */
  peers?: number

  /**
   * How many banned hosts get their subnet banned, at least 2. The rest is as with `peers`.
   *
   * @default 4
   */
  hosts?: number
}

export type BansConfig = Readonly<Required<BansInit>>

const DEFAULTS: BansConfig = { strikes: 30, halfLife: 60_000, duration: 3_600_000, peers: 4, hosts: 4 }

/**
 * One alone must not ban those beside it
 */
const LEAST_OFFENDERS = 2

/**
 * A year, in ms
 */
export const MAX_DURATION = 31_536_000_000

/**
 * @param init
 * @param before - what stays as it is where it is left out
 * @throws {InvalidParametersError} naming the value that cannot be used
 */
export function resolveBans (init: BansInit, before: BansConfig = DEFAULTS): BansConfig {
  checkObject('bans', init)

  const given = Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined))
  const config: BansConfig = { ...before, ...given }

  checkCount('strikes', config.strikes, 1)
  checkCount('peers', config.peers, LEAST_OFFENDERS)
  checkCount('hosts', config.hosts, LEAST_OFFENDERS)
  checkWholeNumber('bans.halfLife', config.halfLife, 1, MAX_DURATION)
  checkWholeNumber('bans.duration', config.duration, 1, MAX_DURATION)

  return config
}

function checkCount (field: keyof BansInit, value: number, min: number): void {
  if (value !== Infinity && !(Number.isSafeInteger(value) && value >= min)) {
    throw invalid(`bans.${field}`, `a whole number from ${min}, or Infinity`, value)
  }
}

/**
 * Who is banned for what
 */
export const BANS_OPTIONS = {
  bans: { strikes: ANY, halfLife: ANY, duration: ANY, peers: ANY, hosts: ANY }
} as const satisfies DescriptionOf<{ bans?: BansInit }>
