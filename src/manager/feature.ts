import type { Core } from './core.ts'
import type { FeatureOptions } from './feature-options.ts'
import type { LimitsInForce } from './limits-in-force.ts'
import type { NodeStat } from './resource-manager-stat.ts'
import type { ResourceManager } from '../interface.ts'
import type { NodeHost } from '../libp2p/node-host.ts'
import type { LimitChange } from '../limits/limit-changes.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { Presets } from '../limits/resolve-limits.ts'
import type { HoldersSource } from '../reporting/holders.ts'
import type { MetricsSource } from '../reporting/metric-family.ts'
import type { Eviction } from '../scopes/evictions.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { HistoryStoreInit } from '../sessions/history-store.ts'
import type { SessionObserver } from '../sessions/session-observer.ts'
import type { Description } from '../util/description.ts'
import type { WarningCode } from '../util/process-warnings.ts'
import type { Logger } from '@libp2p/interface'

/**
 * A part of a resource manager that can be left out. A page does not download a feature that it
 * does not pass. A manager knows only this of it.
 */
export interface Feature<Name extends string = string> {
  /** The key under which `features` has it */
  readonly name: Name

  /**
   * The options that have no meaning without it, and which keys they may have
   */
  readonly options?: Readonly<Record<string, Description>>

  /**
   * Derives limits, before there is anything to register with
   */
  readonly presets?: Presets

  /**
   * Adds what it does to a manager that is being made. It also checks options that only a node
   * uses, if there is no node.
   *
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  register?(host: FeatureHost): void

  /**
   * What a manager that is off has of it
   */
  off?(): Partial<ResourceManager>
}

/**
 * The methods of a manager that are there with a feature only. Without it each throws a
 * `MissingFeatureError`.
 */
export interface FeatureMethods {
  admission: Pick<ResourceManager, 'addPrefixLimit' | 'allowlist' | 'removePrefixLimit' | 'setAdmission'>
  inspection: Pick<ResourceManager, 'explain' | 'highWaterMarks' | 'holders' | 'recentEvictions' | 'recentRefusals' | 'serviceState' | 'systemState' | 'usage'>
  refusals: Pick<ResourceManager, 'refusals'>
  sessions: Pick<ResourceManager, 'sessions'>
}

/**
 * Starts and stops with the manager
 */
export interface Part {
  start?(): void | Promise<void>
  stop?(): void | Promise<void>
}

/**
 * What a feature registers with, while a manager is made. Checks go to the ordered lists of the
 * core.
 */
export interface FeatureHost {
  readonly core: Core
  readonly limits: LimitsInForce
  readonly log: Logger
  readonly options: FeatureOptions

  /** Where the histories of sessions are kept */
  readonly persistence?: HistoryStoreInit

  // what happens

  /** Told of what is refused. During an attack this is what runs. */
  readonly refusalObservers: Array<(refusal: Refusal) => void>

  /** Told of what has given way to others */
  evictionObserver?(eviction: Eviction): void

  /** Observers of the limits in force: told when these have changed, and when the manager is made */
  readonly limitObservers: Array<(limits?: ConcreteLimitConfig) => void>

  /** Told of the sessions of collectors */
  sessionObserver?: SessionObserver

  /** Who made a refused request, for the error */
  requesterOf?(refusal: Refusal): object | undefined

  /** Started in this order, all at once, and stopped in the reverse order */
  readonly parts: Part[]

  // what people see

  readonly methods: FeatureMethods
  readonly stats: Array<() => NodeStat>
  readonly notes: Array<() => string[]>
  readonly metricsSource: { -readonly [K in keyof MetricsSource]: MetricsSource[K] }

  /** The connections and streams, which only a node knows */
  readonly holdersSource: HoldersSource

  /** The scopes as a table */
  table?(): string

  /** Tells people what has changed */
  logChanges?(before: ConcreteLimitConfig, after: ConcreteLimitConfig): LimitChange[]
  shadow?: ResourceManager['shadow']
  bans?: ResourceManager['bans']
  report?: ResourceManager['report']

  /**
   * Warns whoever runs the process, because most read no log: for each code and subject at most
   * once in ten minutes, and not at all with `warnings: false`
   *
   * @param code
   * @param message - names in it that remotes have chosen are escaped
   * @param subject - what distinguishes it from others with this code. There must be few
   * subjects.
   */
  warnProcess(code: WarningCode, message: string, subject?: string): void

  // nodes

  /** What features do with a node. Nothing of libp2p has been changed yet. */
  readonly nodeParts: Array<(node: NodeHost) => void>
}
