import { RATE_LIMITS } from '../admission/admission-options.ts'
import { resolveConnectionRates } from '../admission/rate-limits.ts'
import { collectorId } from '../sessions/arguments.ts'
import { readBitrate } from '../sessions/bitrate.ts'
import { ANY, checkDescribed } from '../util/description.ts'
import { join } from '../util/problems.ts'
import { checkObject, invalid } from '../util/validation.ts'
import { MAX_AMOUNT } from './protocol.ts'
import type { ConnectionRateLimits, ResolvedRateLimits } from '../admission/rate-limits.ts'
import type { Bitrates, ThrottleInit } from '../sessions/stream-budgets.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * Bit rates of a whole fleet
 */
export interface FleetSessionLimits {
  /**
   * By the name of the service whose streams a collector observes, as in `sessions.collectors` of
   * the nodes. They count on nodes that have a collector of this name: where it has `throttle`,
   * its streams are slowed to the part of the node; where it has not, new streams are refused
   * while it transfers more.
   *
   * @default {}
   */
  collectors?: Record<string, Bitrates>

  /**
   * Slows all streams of the fleet together, and all streams that a peer has with any of the nodes
   *
   * @default {}
   */
  throttle?: ThrottleInit
}

/**
 * A bit rate of a fleet in whole bit/s, where Infinity means no limit
 */
export interface FleetBitrate {
  rx: number
  tx: number
}

export interface ResolvedFleetSessions {
  system?: FleetBitrate
  peer?: FleetBitrate

  /** By the id of the collector */
  collectors: ReadonlyMap<string, FleetBitrate>
}

const BITRATES = { maxRxBitrate: ANY, maxTxBitrate: ANY } as const

const SESSIONS = {
  collectors: { '*': BITRATES },
  throttle: { system: BITRATES, peer: BITRATES }
} as const satisfies DescriptionOf<FleetSessionLimits>

/**
 * How many networks, sizes of subnets and collectors may have limits: each network and collector
 * is asked for all the time
 */
const MAX_NETWORKS = 128
const MAX_SIZES = 8
const MAX_COLLECTORS = 64

/**
 * Of a bucket: the engine counts exactly what is less
 */
const MAX_BURST = 1e9

/**
 * How many subnets of a size a node asks for tokens of, each of which is a key in the engine
 */
const MAX_SUBNETS = 4_096

/**
 * @throws {InvalidParametersError} naming what cannot be used
 */
export function resolveFleetRates (field: string, limits: ConnectionRateLimits): ResolvedRateLimits {
  checkObject(field, limits)
  checkDescribed(field, limits, RATE_LIMITS)

  const resolved = resolveConnectionRates(field, { ipv4: [], ipv6: [], maxSubnets: MAX_SUBNETS, ...limits })
  const { global, ipv4, ipv6, prefixes } = resolved

  checkCount(`${field}.prefixes`, limits.prefixes ?? [], MAX_NETWORKS)
  checkCount(`${field}.ipv4`, ipv4, MAX_SIZES)
  checkCount(`${field}.ipv6`, ipv6, MAX_SIZES)

  for (const [path, burst] of [
    [`${field}.global`, global?.burst],
    ...Object.entries({ ipv4, ipv6, prefixes }).flatMap(([name, list]) => list.map(({ rate }, i): [string, number | undefined] => [`${field}.${name}[${i}]`, rate?.burst]))
  ] as Array<[string, number | undefined]>) {
    if (burst !== undefined && burst > MAX_BURST) {
      throw invalid(`${path}.burst`, `at most ${MAX_BURST}`, burst)
    }
  }

  return resolved
}

/**
 * @throws {InvalidParametersError} naming what cannot be used
 */
export function resolveFleetSessions (field: string, limits: FleetSessionLimits): ResolvedFleetSessions {
  checkObject(field, limits)
  checkDescribed(field, limits, SESSIONS)

  const { collectors = {}, throttle = {} } = limits

  checkObject(`${field}.collectors`, collectors)
  checkObject(`${field}.throttle`, throttle)
  checkCount(`${field}.collectors`, Object.keys(collectors), MAX_COLLECTORS)

  const system = readBitrates(`${field}.throttle.system`, throttle.system)
  const peer = readBitrates(`${field}.throttle.peer`, throttle.peer)
  const named = new Map<string, FleetBitrate>()

  for (const [service, bitrates] of Object.entries(collectors)) {
    const id = collectorId(service)

    if (id === '' || named.has(id)) {
      throw invalid(`${field}.collectors`, 'names of services with letters or digits, each once', service)
    }

    const resolved = readBitrates(join(`${field}.collectors`, service), bitrates)

    resolved !== undefined && named.set(id, resolved)
  }

  for (const [direction, option] of [['rx', 'maxRxBitrate'], ['tx', 'maxTxBitrate']] as const) {
    const most = system?.[direction] ?? Infinity

    if (peer !== undefined && peer[direction] !== Infinity && peer[direction] > most) {
      throw invalid(`${field}.throttle.peer.${option}`, `at most ${field}.throttle.system.${option} (${most})`, peer[direction])
    }
  }

  return { system, peer, collectors: named }
}

function readBitrates (field: string, bitrates: Bitrates | undefined): FleetBitrate | undefined {
  if (bitrates === undefined) {
    return
  }

  checkObject(field, bitrates)

  const { maxRxBitrate = 0, maxTxBitrate = 0 } = bitrates
  const rx = toAmount(readBitrate(`${field}.maxRxBitrate`, maxRxBitrate))
  const tx = toAmount(readBitrate(`${field}.maxTxBitrate`, maxTxBitrate))

  return rx === Infinity && tx === Infinity ? undefined : { rx, tx }
}

/**
 * In whole bit/s, and unlimited where it is more than the engine can count
 */
function toAmount (bitrate: number): number {
  return bitrate === 0 || bitrate > MAX_AMOUNT ? Infinity : Math.ceil(bitrate)
}

function checkCount (field: string, list: readonly unknown[], max: number): void {
  if (list.length > max) {
    throw invalid(field, `at most ${max} entries`, list.length)
  }
}
