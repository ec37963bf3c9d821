import { ANY, checkDescribed } from '../util/description.ts'
import { checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import { ResolvedFleetLimits } from './fleet-limits.ts'
import type { FleetClient } from './client.ts'
import type { FleetLimits } from './fleet-limits.ts'
import type { OnLoss } from './without-lease.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * Options of a fleet. All nodes of it have the same `name`, `prefix`, `limits` and `ttl`.
 */
export interface FleetInit {
  /** How to reach the engine: `nodeRedis(client)`, `ioredis(client)` or `nodeCluster(cluster)` */
  client: FleetClient

  /** Of the fleet: letters, digits, `.`, `_` and `-`, up to 64 */
  name: string

  /**
   * Of this node, for people: letters, digits, `.`, `_` and `-`, up to 64
   *
   * @default a random one
   */
  node?: string

  /**
   * Limits of the whole fleet. They count until somebody calls `setLimits`. After that, its
   * limits count, also for nodes that start later.
   *
   * @default {}
   */
  limits?: FleetLimits

  /**
   * The prefix of all keys in the engine: letters, digits, `.`, `_`, `-` and `:`
   *
   * @default 'libp2p-rm'
   */
  prefix?: string

  /**
   * The share of a limit, from 0 to 1, that each node may use before it has asked. It applies
   * to peers, subnets, and protocols and services without an entry of their own. So for about a
   * second, a limit may be exceeded by this share times the number of nodes.
   *
   * @default 0.125
   */
  allowance?: number

  /**
   * What to do when the leases have ended and the engine does not answer
   *
   * @default 'share'
   */
  onLoss?: OnLoss

  /**
   * How many nodes the fleet has. With this, a node has its share at once, even if it has never
   * reached the engine or is among the first that do.
   *
   * @default nothing is leased until the engine answers
   */
  nodes?: number

  /**
   * How long leases last, in ms, from 1000 to 600000
   *
   * @default 5000
   */
  ttl?: number

  /**
   * How long a call of the engine may take, in ms, up to `ttl`
   *
   * @default two fifths of `ttl`: 2000
   */
  timeout?: number
}

export type FleetConfig = Required<Omit<FleetInit, 'limits'>> & { limits: FleetLimits }

const OPTIONS = {
  client: ANY,
  name: ANY,
  node: ANY,
  limits: ANY,
  prefix: ANY,
  allowance: ANY,
  onLoss: ANY,
  nodes: ANY,
  ttl: ANY,
  timeout: ANY
} as const satisfies Record<keyof FleetInit, typeof ANY>

const ON_LOSS: readonly OnLoss[] = ['share', 'refuse', 'local']

/**
 * The shortest and the longest that a lease may last, in ms
 */
const MIN_TTL = 1_000
const MAX_TTL = 600_000

const MAX_NODES = 100_000

/**
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function resolveFleet (init: FleetInit): FleetConfig {
  checkObject('fleet', init)
  checkDescribed('fleet', init, OPTIONS satisfies DescriptionOf<Record<keyof FleetInit, unknown>>)

  const { allowance = 1 / 8, client, limits = {}, name, node = randomName(), nodes = 0, onLoss = 'share', prefix = 'libp2p-rm', ttl = 5_000 } = init
  const { timeout = 0.4 * ttl } = init

  if (typeof client?.run !== 'function' || typeof client.subscribe !== 'function' || typeof client.unsubscribe !== 'function') {
    throw invalid('fleet.client', 'nodeRedis(client), ioredis(client) or nodeCluster(cluster)', client)
  }

  checkName('name', name, /^[\w.-]{1,64}$/, 'up to 64 letters, digits, ".", "_" and "-"')
  checkName('node', node, /^[\w.-]{1,64}$/, 'up to 64 letters, digits, ".", "_" and "-"')
  checkName('prefix', prefix, /^[\w.:-]{1,64}$/, 'up to 64 letters, digits, ".", "_", "-" and ":", without braces')

  if (typeof allowance !== 'number' || !(allowance >= 0 && allowance <= 1)) {
    throw invalid('fleet.allowance', 'a number from 0 to 1', allowance)
  }

  if (!ON_LOSS.includes(onLoss)) {
    throw invalid('fleet.onLoss', '"share", "refuse" or "local"', onLoss)
  }

  checkWholeNumber('fleet.nodes', nodes, 0, MAX_NODES)
  checkWholeNumber('fleet.ttl', ttl, MIN_TTL, MAX_TTL)
  checkWholeNumber('fleet.timeout', Math.round(timeout), 1, ttl)

  // what is wrong with them is said at once
  void new ResolvedFleetLimits(limits)

  return { allowance, client, limits, name, node, nodes, onLoss, prefix, timeout, ttl }
}

export function randomName (): string {
  return Array.from(globalThis.crypto.getRandomValues(new Uint8Array(4)), byte => byte.toString(16).padStart(2, '0')).join('')
}

function checkName (field: string, value: unknown, pattern: RegExp, expected: string): void {
  if (typeof value !== 'string' || !pattern.test(value)) {
    throw invalid(`fleet.${field}`, expected, value)
  }
}
