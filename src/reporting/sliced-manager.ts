import { readGraph } from '../manager/graph-stat.ts'
import { DefaultResourceManager } from '../manager/resource-manager.ts'
import { inSlices, startInSlices } from '../util/slices.ts'
import { readHolders } from './holders.ts'
import { readTable } from './scope-table.ts'
import { readUsage } from './scope-usage.ts'
import type { ScopeUsage, UsageOptions } from './scope-usage.ts'
import type { ResourceManager, SetLimitsOptions } from '../interface.ts'
import type { LimitChange } from '../limits/limit-changes.ts'
import type { LimitsInit } from '../limits/resolve-limits.ts'
import type { Holder, HoldersOptions, ResourceManagerStat } from '../manager/resource-manager-stat.ts'
import type { IdleScopes } from '../scopes/idle-scopes.ts'
import type { Slice, SlicedWork } from '../util/slices.ts'

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
 * Does work in slices, as `inSlices` does
 */
export type Run = <T>(work: SlicedWork<T>) => Promise<T>

/**
 * Does in slices what a resource manager does in one piece. Managers of others, and managers
 * that are off, still work in one piece.
 *
 * @param manager
 * @param run - does the work that reads everything
 */
export function sliceManager (manager: ResourceManager, run: Run = inSlices): SlicedResourceManager {
  return manager instanceof DefaultResourceManager ? sliced(manager, run) : whole(manager, run)
}

function sliced (manager: DefaultResourceManager, run: Run): SlicedResourceManager {
  const { graph, nodeStat } = manager.metricsSource

  return {
    stat: async () => ({ ...await run(slice => readGraph(graph, slice)), ...nodeStat() }),
    usage: async (options) => run(slice => readUsage(graph, options, slice)),
    holders: async (options) => run(slice => readHolders(manager.holdersSource, options, slice)),
    text: async () => [await run(slice => readTable(graph, slice)), ...manager.notes()].join('\n'),
    gc: async () => run(slice => collect(graph.idle, slice)),
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

function whole (manager: ResourceManager, run: Run): SlicedResourceManager {
  // eslint-disable-next-line require-yield
  const inOnePiece = async <T> (read: () => T): Promise<T> => run(function * () { return read() })

  return {
    stat: async () => inOnePiece(() => manager.stat()),
    usage: async (options) => inOnePiece(() => manager.usage(options)),
    holders: async (options) => inOnePiece(() => manager.holders(options)),
    text: async () => String(manager),
    gc: async () => { manager.gc() },
    setLimits: async (limits, options) => manager.setLimits(limits, options)
  }
}
