import { checkKnobs } from '../limits/check-knobs.ts'
import { checkLimits } from '../limits/check-limits.ts'
import { affordableConnections } from '../manager/opening.ts'
import { nodeDemand } from './node-demand.ts'
import type { CheckedKnobs } from '../limits/check-knobs.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { Core } from '../manager/core.ts'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * What contradicts each other, or is more than there is, in the limits of a node
 *
 * @param given - what somebody has set
 * @param limits - those in force, unless a custom limiter computes them
 * @param core
 * @param connectionManager
 */
export function limitAdvice (given: CheckedKnobs & { limits?: PartialLimitConfig }, limits: ConcreteLimitConfig | undefined, core: Core, connectionManager: ConnectionManager): string[] {
  if (limits === undefined) {
    return checkKnobs(given)
  }

  const { maxConnections } = nodeDemand(connectionManager)
  const affordable = affordableConnections(core.graph.normal.system.limit.memory, core.baseCosts)

  return [...checkKnobs(given), ...checkLimits(limits, { maxConnections, affordableConnections: affordable, set: given.limits })]
}
