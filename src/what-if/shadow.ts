import { buildOn } from '../limits/build-limits.ts'
import { isConcreteLimitConfig } from '../limits/concrete-limits.ts'
import { InfiniteLimits } from '../limits/infinite-limits.ts'
import { graphStat } from '../manager/graph-stat.ts'
import { RecentRefusals } from '../reporting/recent-refusals.ts'
import { RefusalCounts } from '../reporting/refusal-counts.ts'
import { RefusalLog } from '../reporting/refusal-log.ts'
import { scopeUsage } from '../reporting/scope-usage.ts'
import { ProcessWarnings } from '../util/process-warnings.ts'
import { invalid } from '../util/validation.ts'
import { ShadowTracer } from './shadow-tracer.ts'
import { WhatIfGraph } from './what-if-graph.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { BaseCosts } from '../manager/opening.ts'
import type { RecentRefusal, RecentRefusalsOptions } from '../reporting/recent-refusals.ts'
import type { RefusalCount } from '../reporting/refusal-counts.ts'
import type { ScopeUsage, UsageOptions } from '../reporting/scope-usage.ts'
import type { GraphTracer } from '../scopes/graph-tracer.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { Logger } from '@libp2p/interface'

/**
 * A second set of limits, which is counted and reported and refuses nothing: the option `shadow`.
 *
 * A connection or stream that the shadow limits would have refused does not count in the shadow
 * from then on, and neither do the streams of such a connection. The shadow also decides about
 * requests that the limits in force refuse, but not about refusals by address, rate, ban or
 * pressure. It ends nothing to make room for others, as buffers and `fairness` do: if a scope
 * would have been full, its newcomer counts as refused. Limits that were set on a single scope
 * with `setLimit` are not in the shadow.
 */
export interface Shadow {
  /** The shadow limits, with all that they take from those in force */
  readonly limits: ConcreteLimitConfig

  /**
   * How many requests were refused that the shadow limits would have let in. Nobody knows what
   * would have become of these, so they do not count in the shadow.
   */
  readonly admitted: number

  /**
   * Changes the shadow limits. Limits that are left out are as those in force. What is counted
   * in the shadow stays.
   *
   * @throws {InvalidParametersError} listing every problem. Nothing has changed then.
   */
  setLimits(limits: PartialLimitConfig): void

  /** What the shadow limits would have refused, as `refusals()` of the manager */
  refusals(): RefusalCount[]

  /**
   * The latest of them, as `recentRefusals()` of the manager
   *
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  recentRefusals(options?: RecentRefusalsOptions): RecentRefusal[]

  /**
   * Which of the shadow limits are nearly used up, as `usage()` of the manager
   *
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  usage(options?: UsageOptions): ScopeUsage[]

  /** What would be held, by scope, as in `stat()` of the manager */
  stat(): ShadowStat
}

/**
 * What would be held with the shadow limits
 */
export interface ShadowStat {
  /** What the system would hold */
  system: ScopeStat

  /** What transient would hold */
  transient: ScopeStat

  /** What the allowlisted system would hold */
  allowlistedSystem: ScopeStat

  /** What the allowlisted transient would hold */
  allowlistedTransient: ScopeStat

  /** By the name of the service */
  services: Record<string, ScopeStat>

  /** By protocol */
  protocols: Record<string, ScopeStat>

  /** By peer id */
  peers: Record<string, ScopeStat>
}

export interface ShadowInit {
  /** The option `shadow` */
  limits: PartialLimitConfig

  /** The limits in force, if they are a list */
  enforced?: ConcreteLimitConfig

  baseCosts(): BaseCosts
  log: Logger
}

export class LimitShadow implements Shadow {
  /** The observer of the real graph */
  readonly tracer: GraphTracer
  readonly counts = new RefusalCounts()
  admitted = 0
  readonly #recent = new RecentRefusals()
  readonly #log: RefusalLog
  readonly #graph: WhatIfGraph<object>
  #given: PartialLimitConfig

  /** Not there where the limits in force are no list */
  #enforced?: ConcreteLimitConfig | undefined

  /**
   * @throws {InvalidParametersError} listing every problem of the limits
   */
  constructor ({ baseCosts, enforced, limits, log }: ShadowInit) {
    const built = buildShadow(baseOf(limits, enforced), limits)

    this.#enforced = enforced
    // a copy, as somebody may go on with what was passed
    this.#given = structuredClone(limits)
    this.#log = new RefusalLog({
      log,
      enforce: false,
      // somebody tries something out, and reads the results
      warnings: new ProcessWarnings({ enabled: false }),
      recent: this.#recent,
      source: { transientHolders: () => [] }
    })
    this.#graph = new WhatIfGraph(built, refusal => {
      this.counts.add(refusal)
      this.#log.add(refusal)
    })
    this.tracer = guarded(
      new ShadowTracer(this.#graph, baseCosts, () => { this.admitted++ }),
      err => { log.error('the shadow failed and counts nothing any more - %e', err) }
    )
  }

  get limits (): ConcreteLimitConfig {
    return this.#graph.limits
  }

  setLimits (limits: PartialLimitConfig): void {
    this.#graph.limits = buildShadow(baseOf(limits, this.#enforced), limits)
    this.#given = structuredClone(limits)
  }

  /**
   * The limits in force have changed, and with them those that the shadow takes from there
   */
  enforcedChanged (limits?: ConcreteLimitConfig): void {
    if (limits !== undefined && limits !== this.#enforced) {
      this.#enforced = limits
      this.#graph.limits = buildShadow(limits, this.#given)
    }
  }

  refusals (): RefusalCount[] {
    return this.counts.entries()
  }

  recentRefusals (options?: RecentRefusalsOptions): RecentRefusal[] {
    return this.#recent.list(options)
  }

  usage (options?: UsageOptions): ScopeUsage[] {
    return scopeUsage(this.#graph.graph, options)
  }

  stat (): ShadowStat {
    return graphStat(this.#graph.graph)
  }

  start (): void {
    this.#graph.graph.idle.start()
  }

  /**
   * Logs what has not been logged yet, and ends all timers
   */
  stop (): void {
    this.#graph.graph.idle.stop()
    this.#log.flush()
  }
}

/**
 * An error of the shadow must not reach the node
 */
function guarded (tracer: GraphTracer, onError: (err: unknown) => void): GraphTracer {
  let failed = false

  const guard = <K extends keyof GraphTracer> (method: K): GraphTracer[K] => ((...args: unknown[]) => {
    if (failed) {
      return
    }

    try {
      (tracer[method] as (...args: unknown[]) => void)(...args)
    } catch (err) {
      failed = true
      onError(err)
    }
  }) as GraphTracer[K]

  return {
    created: guard('created'),
    destroyed: guard('destroyed'),
    entered: guard('entered'),
    joined: guard('joined'),
    moved: guard('moved'),
    ended: guard('ended'),
    buffered: guard('buffered'),
    added: guard('added'),
    removed: guard('removed'),
    refused: guard('refused'),
    evicted: guard('evicted'),
    ban: guard('ban')
  }
}

/**
 * What shadow limits are built on
 */
function baseOf (limits: PartialLimitConfig, enforced?: ConcreteLimitConfig): ConcreteLimitConfig {
  if (enforced !== undefined) {
    return enforced
  }

  if (!isConcreteLimitConfig(limits)) {
    throw invalid('shadow', 'limits that leave nothing out, as a limiter computes those in force', limits)
  }

  return InfiniteLimits
}

function buildShadow (enforced: ConcreteLimitConfig, limits: PartialLimitConfig): ConcreteLimitConfig {
  try {
    return buildOn(enforced, limits)
  } catch (err: any) {
    // so that nobody looks for the problem in the other limits
    err.message = `shadow: ${err.message}`
    throw err
  }
}
