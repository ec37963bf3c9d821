import { changeLimits, isWhole } from '../limits/change-limits.ts'
import { ConcreteLimiter } from '../limits/limiter.ts'
import { parseLimits } from '../limits/parse-limits.ts'
import { BOOLEAN, checkDescribed } from '../util/description.ts'
import { atOnce } from '../util/slices.ts'
import type { SetLimitsOptions } from '../interface.ts'
import type { LimitKnobs } from '../limits/derive-limits.ts'
import type { NodeDemand } from '../limits/fit-to-node.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { LimitsInit, Presets } from '../limits/resolve-limits.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { SlicedWork } from '../util/slices.ts'

const SET_LIMITS_OPTIONS = { replace: BOOLEAN } as const satisfies DescriptionOf<SetLimitsOptions>

/**
 * The limits of a graph: where they come from, and how they change
 */
export class LimitsInForce {
  readonly #graph: ScopeGraph
  readonly #init: LimitsInit
  readonly #presets?: Presets
  readonly #demand?: () => NodeDemand
  readonly #changed: () => void

  /**
   * Makes a limiter from the latest settings, for what the node may do now
   */
  #resolve: () => Limiter

  /**
   * @param graph
   * @param init - what the limiter of the graph was made of
   * @param changed - told when they have changed
   * @param presets - left out where there are no options that stand for many
   * @param demand - what the node may do, where there is one
   */
  constructor (graph: ScopeGraph, init: LimitsInit, changed: () => void, presets?: Presets, demand?: () => NodeDemand) {
    const { limits, maxConnections, maxMemory, profile } = init

    this.#graph = graph
    this.#changed = changed
    this.#presets = presets
    this.#demand = demand
    this.#init = {
      profile,
      maxMemory,
      maxConnections,
      // a copy, as somebody may go on with what was passed
      limits: isWhole(limits) ? graph.limiter : parseLimits(limits ?? {})
    }
    this.#resolve = () => changeLimits(this.#init, {}, presets, demand?.())
  }

  get limiter (): Limiter {
    return this.#graph.limiter
  }

  /**
   * Not there where a limiter computes them
   */
  get config (): ConcreteLimitConfig | undefined {
    const { limiter } = this.#graph

    return limiter instanceof ConcreteLimiter ? limiter.config : undefined
  }

  /**
   * The options that the limits come from. Limits that leave nothing out set nothing by
   * themselves.
   */
  get given (): LimitKnobs & { limits?: PartialLimitConfig } {
    const { limits, ...knobs } = this.#init

    return isWhole(limits) ? knobs : { ...knobs, limits }
  }

  /**
   * @param limits
   * @param options
   * @param run - does the work that changes the limits of scopes, at least its first slice at
   * once
   * @throws {InvalidParametersError} listing every problem. Nothing has changed then.
   */
  change (limits: NonNullable<LimitsInit['limits']>, options: SetLimitsOptions, run: (work: SlicedWork<void>) => void): void {
    checkDescribed('options', options, SET_LIMITS_OPTIONS)

    const { replace = false } = options
    const given = replace ? { ...this.#init, limits: undefined } : this.#init
    const resolve = (): Limiter => changeLimits(given, limits, this.#presets, this.#demand?.())
    const limiter = resolve()

    run(slice => this.#graph.changeLimiter(limiter, !replace && !isWhole(limits), slice))
    this.#resolve = resolve
    this.#changed()
  }

  /**
   * Derives the limits again, because what the node may do has changed
   */
  deriveAgain (): void {
    const limiter = this.#resolve()

    atOnce(slice => this.#graph.changeLimiter(limiter, true, slice))
    this.#changed()
  }
}
