import { ANY } from '../util/description.ts'
import { checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import type { DescriptionOf } from '../util/description.ts'

export interface BansInit {
  /**
   * How many strikes ban a peer. Each second in which a limit of its own has refused what it
   * opens is one, each of its connections and streams that has given way to others is one,
   * and `report` adds as many as it says. `Infinity` bans nobody but those that `bans.add` does.
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
   * How long a ban lasts at the least, in ms. It lasts up to twice as long: a random part
   * keeps those who are banned together from coming back together.
   *
   * @default 3600000
   */
  duration?: number

  /**
   * How many peers of a host must be banned for the host to be banned, at least 2: the others
   * who share its address are not banned for one of them. For each peer that is connected
   * from there and has done nothing, at least nine must be banned. `Infinity` bans no host.
   *
   * @default 4
   */
  peers?: number

  /**
   * The same for the hosts of a subnet
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
