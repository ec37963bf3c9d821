import { InvalidParametersError } from '@libp2p/interface'
import { invalid, describe } from '../util/validation.ts'
import { autoScaleTarget } from './auto-scale.ts'
import { availableResources } from './available-resources.ts'
import { makeConcrete } from './concrete-limits.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { parseMemorySize } from './memory-size.ts'
import { PROFILES } from './profiles.ts'
import { scaledDefaults } from './scaled-defaults.ts'
import type { AvailableResources } from './available-resources.ts'
import type { ConcreteLimitConfig, NamedKey, ScopeKey } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { MemorySize } from './memory-size.ts'
import type { Profile, ProfileName } from './profiles.ts'

const MiB = 2 ** 20

/**
 * A connection needs about this much beside what is reserved for it, in bytes.
 * kubo allows as many inbound connections as MiB of memory for this reason.
 */
const MEMORY_PER_CONNECTION = MiB

/**
 * However little memory there is, this many connections are allowed: the total
 * of go-libp2p's smallest node
 */
const MIN_CONNECTIONS = 128

/**
 * The part of the connections that may be inbound when no profile says more, so
 * that peers cannot keep the node from dialling
 */
const INBOUND_SHARE = 3 / 4

/**
 * The part of the system that connections may take before their peer is known
 * and streams before their protocol is, as in kubo
 */
const TRANSIENT_SHARE = 1 / 4

/**
 * A quarter of very few connections would refuse an honest burst of dials, so
 * this many may be transient if the system allows them: go-libp2p's smallest
 * number
 */
const MIN_TRANSIENT_CONNECTIONS = 32

/**
 * The few numbers that a consistent set of limits can be derived from
 */
export interface LimitKnobs {
  /**
   * What the node is for. `maxMemory` and `maxConnections` override its numbers.
   *
   * @default undefined
   */
  profile?: ProfileName

  /**
   * The most memory that may be reserved: a number of bytes, a size such as
   * `'512MiB'` or `'1.5GB'`, or a percentage of the memory that the process may
   * use, such as `'25%'`, at least 1 MiB. Addresses on the allowlist may take as much again.
   *
   * Without `maxConnections` one connection is allowed for every MiB, and at
   * least 128.
   *
   * @default undefined
   */
  maxMemory?: MemorySize

  /**
   * The most connections, inbound and outbound together. At most three quarters
   * may be inbound, unless a profile says otherwise, so that peers cannot keep
   * the node from dialling. Addresses on the allowlist may open as many again.
   *
   * Streams grow with them where go-libp2p's proportions would leave less than
   * 16 for each.
   *
   * @default undefined
   */
  maxConnections?: number
}

const KNOBS = ['profile', 'maxMemory', 'maxConnections'] as const

/**
 * Refuses the options that limits are derived from where these are given as a whole
 *
 * @throws {InvalidParametersError} naming those that are set
 */
export function refuseKnobs (knobs: LimitKnobs, what: string): void {
  const set = KNOBS.filter(knob => knobs[knob] !== undefined)

  if (set.length > 0) {
    throw new InvalidParametersError(`${set.join(', ')}: expected to be left out with limits that are ${what}, which leaves nothing to derive`)
  }
}

function getProfile (name?: ProfileName): Partial<Profile> {
  if (name === undefined) {
    return {}
  }

  if (typeof name !== 'string' || !Object.hasOwn(PROFILES, name)) {
    throw invalid('profile', `one of ${Object.keys(PROFILES).join(', ')}`, name)
  }

  return PROFILES[name]
}

function checkMaxConnections (value?: number): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) {
    throw invalid('maxConnections', 'a whole number, at least 1', value)
  }
}

function growStreams (limit: Limit, factor: number): Limit {
  return {
    ...limit,
    streams: Math.ceil(limit.streams * factor),
    streamsInbound: Math.ceil(limit.streamsInbound * factor),
    streamsOutbound: Math.ceil(limit.streamsOutbound * factor)
  }
}

/**
 * No more than the system has: a limit above it is never reached and only
 * misleads who reads it
 */
function within (system: Limit, limit: Limit): Limit {
  const lowered = { ...limit }

  for (const field of LIMIT_FIELDS) {
    lowered[field] = Math.min(limit[field], system[field])
  }

  return lowered
}

/**
 * Those whose streams are shared by all peers, and so grow with the number of
 * connections
 */
const SHARED: ReadonlySet<ScopeKey | NamedKey> = new Set(['serviceDefault', 'protocolDefault', 'service', 'protocol'])

interface Budget {
  memory: number
  connections: number
  inboundShare: number
}

/**
 * Fits scaled limits to what was asked for
 */
function fit (scaled: ConcreteLimitConfig, { memory, connections, inboundShare }: Budget): ConcreteLimitConfig {
  const factor = Math.max(1, connections / scaled.system.conns)
  const connsInbound = Math.max(1, Math.floor(connections * inboundShare))

  const system: Limit = {
    ...growStreams(scaled.system, factor),
    conns: connections,
    connsInbound,
    connsOutbound: connections,
    memory
  }

  const transientShare = (count: number): number => Math.max(MIN_TRANSIENT_CONNECTIONS, Math.ceil(count * TRANSIENT_SHARE))
  const transient = within(system, {
    ...growStreams(scaled.transient, factor),
    conns: transientShare(connections),
    connsInbound: transientShare(connsInbound),
    connsOutbound: transientShare(connections),
    memory: Math.ceil(memory * TRANSIENT_SHARE)
  })

  const pairs: Partial<Record<ScopeKey, Limit>> = {
    system,
    transient,
    allowlistedSystem: system,
    allowlistedTransient: transient
  }

  const lower = (key: ScopeKey | NamedKey, limit: Limit): Limit => {
    return within(system, SHARED.has(key) ? growStreams(limit, factor) : limit)
  }

  return makeConcrete(
    key => pairs[key] ?? lower(key, scaled[key]),
    key => Object.fromEntries(Object.entries(scaled[key]).map(([name, limit]) => [name, lower(key, limit)]))
  )
}

/**
 * The limits that a partial configuration is built on.
 *
 * With nothing set these are go-libp2p's defaults for one eighth of the memory
 * and half of the file descriptors that the process may use, with the limits of
 * the well-known services, which may have as many connections as the system.
 *
 * With a profile, `maxMemory` or `maxConnections` they are those defaults scaled
 * to that memory, and then made to fit: the system gets exactly what was asked
 * for, connections and streams that are not established yet get a quarter of it,
 * everything shared by all peers grows with the connections, and nothing is
 * above the system. File descriptors are always half of those there are.
 *
 * @param knobs - what was asked for
 * @param resources - what the process may use
 * @throws {InvalidParametersError} naming the option that is wrong
 */
export function deriveLimits (knobs: LimitKnobs = {}, resources: AvailableResources = availableResources()): ConcreteLimitConfig {
  const profile = getProfile(knobs.profile)
  const size = knobs.maxMemory === undefined ? profile.maxMemory : knobs.maxMemory
  const maxMemory = size === undefined ? undefined : parseMemorySize(size, 'maxMemory', () => resources.memory)

  if (maxMemory !== undefined && knobs.maxMemory !== undefined) {
    checkEnoughMemory(maxMemory, knobs.maxMemory)
  }

  checkMaxConnections(knobs.maxConnections)

  const target = autoScaleTarget(resources)
  const scaled = scaledDefaults({ ...target, memory: maxMemory ?? target.memory })

  if (maxMemory === undefined && knobs.maxConnections === undefined) {
    return scaled
  }

  const memory = maxMemory ?? scaled.system.memory
  const affordable = Math.max(MIN_CONNECTIONS, Math.floor(memory / MEMORY_PER_CONNECTION))

  return fit(scaled, {
    memory,
    connections: knobs.maxConnections ?? Math.min(profile.maxConnections ?? Infinity, affordable),
    inboundShare: profile.inboundShare ?? INBOUND_SHARE
  })
}

/**
 * Ten connections with a stream each fit into this, in bytes, with what they cost by
 * default (`baseCosts`), as those that the remote opens may fill about 80% of a limit
 */
const LEAST_MEMORY = 2 ** 20

/**
 * Refuses an amount of memory in which next to nothing fits: a node with it would refuse
 * everything, and its author has most likely forgotten a unit
 *
 * @param bytes - what it comes to
 * @param given - what was written
 * @throws {InvalidParametersError} saying what it means
 */
export function checkEnoughMemory (bytes: number, given: MemorySize): void {
  if (bytes < LEAST_MEMORY) {
    const hint = typeof given === 'number' ? `did you mean "${given}MB"?` : `which is ${bytes} bytes`

    throw new InvalidParametersError(`maxMemory: expected at least "1MiB", as not even ten connections fit into ${describe(given)}${typeof given === 'number' ? ' bytes' : ''} (${hint})`)
  }
}
