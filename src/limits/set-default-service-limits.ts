import { eachServiceLimit, goServiceLimits, jsServiceLimits } from './default-service-limits.ts'
import type { ServiceLimits } from './default-service-limits.ts'
import type { ScalingLimitConfig } from './scaling-limit-config.ts'

const ADD = {
  service: 'addServiceLimit',
  servicePeer: 'addServicePeerLimit',
  protocol: 'addProtocolLimit',
  protocolPeer: 'addProtocolPeerLimit'
} as const

/**
 * Adds a table of limits to a configuration
 */
export function addServiceLimits (config: ScalingLimitConfig, table: readonly ServiceLimits[]): void {
  eachServiceLimit(table, (kind, name, { base, increase }) => { config[ADD[kind]](name, base, increase) })
}

/**
 * Adds limits for the well-known services of libp2p and their protocols: those
 * that go-libp2p sets (identify, ping, autonat, hole punching, circuit relay),
 * and others for kad-dht, gossipsub, fetch and bitswap.
 *
 * @throws {InvalidParametersError} if the configuration cannot be changed
 */
export function setDefaultServiceLimits (config: ScalingLimitConfig): void {
  addServiceLimits(config, goServiceLimits)
  addServiceLimits(config, jsServiceLimits)
}
