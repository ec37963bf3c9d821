/**
 * @packageDocumentation
 *
 * What looks at all peers or changes all of them, on a node that has very many: each method
 * lets others have the event loop after each millisecond. The methods of the resource manager
 * with the same names do it in one piece, which takes about a millisecond for each 1,000 to
 * 3,000 peers.
 *
 * What they answer is not of one moment: what comes or goes meanwhile may be in it or not.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { inSlices } from 'libp2p-resource-manager/in-slices'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager()
 *   }
 * })
 *
 * const { peers } = await inSlices(node.services.resourceManager).stat()
 * ```
 *
 * @module libp2p-resource-manager/in-slices
 */

import { readGraph } from './manager/graph-stat.ts'
import { DefaultResourceManager } from './manager/resource-manager.ts'
import { readHolders } from './reporting/holders.ts'
import { readTable } from './reporting/scope-table.ts'
import { readUsage } from './reporting/scope-usage.ts'
import { inSlices as runInSlices, startInSlices } from './util/slices.ts'
import type { ResourceManager, SetLimitsOptions } from './interface.ts'
import type { LimitChange } from './limits/limit-changes.ts'
import type { LimitsInit } from './limits/resolve-limits.ts'
import type { Holder, HoldersOptions, ResourceManagerStat } from './manager/resource-manager-stat.ts'
import type { ScopeUsage, UsageOptions } from './reporting/scope-usage.ts'
import type { IdleScopes } from './scopes/idle-scopes.ts'
import type { Slice } from './util/slices.ts'

/**
 * A resource manager in slices
 */
export interface SlicedResourceManager {
  /** See `ResourceManager.stat` */
  stat(): Promise<ResourceManagerStat>

  /**
   * See `ResourceManager.usage`
   *
   * @throws {InvalidParametersError} If the percentage is not a number from 0 on
   */
  usage(options?: UsageOptions): Promise<ScopeUsage[]>

  /**
   * See `ResourceManager.holders`
   *
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  holders(options?: HoldersOptions): Promise<Holder[]>

  /** The table for people that `String(manager)` is */
  text(): Promise<string>

  /**
   * See `ResourceManager.setLimits`. What many peers share has its new limits when this
   * returns, and so has every peer that comes. Peers that there are already have theirs when
   * the promise resolves, unless others have been set meanwhile. A limiter that computes limits
   * is asked for all of them in one piece.
   *
   * @throws {InvalidParametersError} If the limits or options cannot be used. Nothing has changed
   * then.
   */
  setLimits(limits: NonNullable<LimitsInit['limits']>, options?: SetLimitsOptions): Promise<LimitChange[]>

  /** See `ResourceManager.gc` */
  gc(): Promise<void>
}

/**
 * Does in slices what a resource manager does in one piece. Those of others, and those that
 * are off, are asked as they are.
 */
export function inSlices (manager: ResourceManager): SlicedResourceManager {
  return manager instanceof DefaultResourceManager ? sliced(manager) : whole(manager)
}

function sliced (manager: DefaultResourceManager): SlicedResourceManager {
  const { graph, nodeStat } = manager.metricsSource

  return {
    stat: async () => ({ ...await runInSlices(slice => readGraph(graph, slice)), ...nodeStat() }),
    usage: async (options) => runInSlices(slice => readUsage(graph, options, slice)),
    holders: async (options) => runInSlices(slice => readHolders(manager.holdersSource, options, slice)),
    text: async () => [await runInSlices(slice => readTable(graph, slice)), ...manager.notes()].join('\n'),
    gc: async () => runInSlices(slice => collect(graph.idle, slice)),
    setLimits: async (limits, options) => {
      let changed = Promise.resolve()
      const changes = manager.changeLimits(limits, options, work => { changed = startInSlices(work) })

      await changed

      return changes
    }
  }
}

function * collect (idle: IdleScopes, slice: Slice): Generator<undefined, void, undefined> {
  while (idle.collectNext()) {
    if (slice.over) {
      yield
    }
  }
}

function whole (manager: ResourceManager): SlicedResourceManager {
  return {
    stat: async () => manager.stat(),
    usage: async (options) => manager.usage(options),
    holders: async (options) => manager.holders(options),
    text: async () => String(manager),
    gc: async () => { manager.gc() },
    setLimits: async (limits, options) => manager.setLimits(limits, options)
  }
}
