/**
 * @packageDocumentation
 *
 * Several nodes under one set of limits, with one list of who is blocked: they meet in Redis or
 * Valkey, or, as the processes of one machine, in the primary of their `cluster`.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { fleet, nodeRedis } from 'libp2p-resource-manager/fleet'
 * import type { NodeRedisLike } from 'libp2p-resource-manager/fleet'
 *
 * export async function start (redis: NodeRedisLike): Promise<void> {
 *   const relays = fleet({
 *     client: nodeRedis(redis),
 *     name: 'relays',
 *     limits: { peerDefault: { conns: 8 }, system: { connsInbound: 10_000 } }
 *   })
 *
 *   await createLibp2p({
 *     services: { resourceManager: resourceManager({ fleet: relays }) }
 *   })
 *
 *   await relays.block('192.0.2.0/24', { for: '1h', reason: 'scanner' })
 *   console.info(await relays.stat())
 * }
 * ```
 *
 * @module libp2p-resource-manager/fleet
 */

import { Fleet } from './fleet/fleet.ts'
import type { FleetInit } from './fleet/fleet-init.ts'

/**
 * Makes a node one of a fleet: the option `fleet` of its resource manager, and what decides
 * for all nodes. Each node needs one of its own.
 *
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function fleet (init: FleetInit): Fleet {
  return new Fleet(init)
}

export { ioredis } from './fleet/ioredis.ts'
export { nodeCluster } from './fleet/node-cluster.ts'
export { nodeRedis } from './fleet/node-redis.ts'
export type { BanTarget } from './bans/ban-target.ts'
export type { FleetClient, FleetScript } from './fleet/client.ts'
export type { FleetBlock, FleetDecisions } from './fleet/decisions.ts'
export type { Duration } from './fleet/duration.ts'
export type { FleetInit } from './fleet/fleet-init.ts'
export type { FleetLimits } from './fleet/fleet-limits.ts'
export type { FleetSessionLimits } from './fleet/fleet-traffic-limits.ts'
export type { FleetBitrateStat, FleetHolder, FleetNode, FleetNodeStat, FleetRateStat, FleetStat, FleetState, FleetSums, LeaseStat, NodeSummary, SessionSums } from './fleet/fleet-stat.ts'
export type { BlockOptions, Fleet } from './fleet/fleet.ts'
export type { IORedisLike, IORedisSubscriber } from './fleet/ioredis.ts'
export type { NodeClusterLike, NodeClusterWorker } from './fleet/node-cluster.ts'
export type { OnLoss } from './fleet/without-lease.ts'
export type { NodeRedisLike, NodeRedisSubscriber } from './fleet/node-redis.ts'
export type { ScriptName } from './fleet/protocol.ts'
