import { InvalidParametersError } from '@libp2p/interface'
import { parseEntry } from '../admission/allowlist-entry.ts'
import { parseTarget } from '../bans/ban-target.ts'
import { invalid, isRecord } from '../util/validation.ts'
import { ResolvedFleetLimits } from './fleet-limits.ts'
import type { FleetLimits } from './fleet-limits.ts'
import type { BanTarget } from '../bans/ban-target.ts'
import type { BanLevel, KnownBan } from '../bans/ban.ts'
import type { IPNetwork } from '../util/ip-network.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How many entries each list may have: all of them are sent whenever one changes
 */
export const MAX_ENTRIES = 10_000

const MAX_REASON_LENGTH = 256

/**
 * How long somebody may be blocked, in ms: a year
 */
export const MAX_DECISION_TIME = 365 * 24 * 60 * 60 * 1_000

/**
 * Somebody whom the fleet blocks
 */
export interface FleetBlock {
  /** A peer id, or a network such as `192.0.2.1/32` */
  target: string

  /** Why, in a few words, for people */
  reason: string

  /** When it began, in ms since 1970, by the clock of the engine */
  begin: number

  /** When it ends, in ms since 1970, by the clock of the engine */
  end: number
}

/**
 * What is decided for a whole fleet
 */
export interface FleetDecisions {
  /** Who is trusted, as in the option `allowlist` */
  allow: string[]

  /** Who is blocked */
  block: FleetBlock[]

  /** The limits of the whole fleet */
  limits: FleetLimits
}

export const NO_DECISIONS: Readonly<FleetDecisions> = Object.freeze({ allow: [], block: [], limits: {} })

/**
 * The normal form of a peer or network
 *
 * @throws {InvalidParametersError} if it is neither
 */
export function targetText (target: BanTarget): string {
  const parsed = parseTarget(target)

  return 'peer' in parsed ? parsed.peer.toString() : String(parsed.network)
}

/**
 * The normal form of an entry of the allowlist
 *
 * @throws {InvalidParametersError} if it is neither an address nor a peer
 */
export function entryText (entry: Multiaddr | string): string {
  const parsed = parseEntry(entry)

  if (!('address' in parsed)) {
    throw new InvalidParametersError('allow: expected an address or a peer id, as a tag or predicate is of one node only')
  }

  return parsed.address.toString()
}

/**
 * A block as a ban, which the rest of the package knows, by the clock of the engine
 */
export function banOf (decided: FleetBlock): KnownBan {
  const { begin, end, reason, target } = decided
  const parsed = parseTarget(target)
  const network = 'network' in parsed ? parsed.network : undefined

  return { ban: { level: levelOf(network), target, by: 'operator', reason: `${reason} (fleet)`, begin, end }, network }
}

function levelOf (network: IPNetwork | undefined): BanLevel {
  if (network === undefined) {
    return 'peer'
  }

  return network.prefixLength >= (network.address.version === 4 ? 32 : 56) ? 'host' : 'subnet'
}

/**
 * Reads what is kept in the engine, which somebody else may have written
 *
 * @throws {InvalidParametersError} naming what cannot be used
 */
export function readDecisions (text: string): FleetDecisions {
  const value: unknown = JSON.parse(text)

  if (!isRecord(value) || !Array.isArray(value.allow) || !Array.isArray(value.block) || !isRecord(value.limits)) {
    throw invalid('decisions', 'an object with allow, block and limits', value)
  }

  const { allow, block, limits } = value

  checkDecisions({ allow, block, limits })

  return { allow, block, limits }
}

/**
 * @throws {InvalidParametersError} naming what cannot be used
 */
export function checkDecisions ({ allow, block, limits }: FleetDecisions): ResolvedFleetLimits {
  for (const [name, list] of Object.entries({ allow, block })) {
    if (list.length > MAX_ENTRIES) {
      throw invalid(name, `at most ${MAX_ENTRIES} entries`, list.length)
    }
  }

  for (const entry of allow) {
    if (typeof entry !== 'string') {
      throw invalid('allow', 'the text of an address', entry)
    }

    parseEntry(entry)
  }

  for (const entry of block) {
    if (!isRecord(entry) || typeof entry.reason !== 'string' || entry.reason.length > MAX_REASON_LENGTH) {
      throw invalid('block', `a target with a reason of up to ${MAX_REASON_LENGTH} characters`, entry)
    }

    if (!Number.isSafeInteger(entry.begin) || !Number.isSafeInteger(entry.end)) {
      throw invalid('block', 'times in ms', entry.end)
    }

    targetText(entry.target)
  }

  return new ResolvedFleetLimits(limits)
}
