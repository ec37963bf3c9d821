import { defaultLogger } from '@libp2p/logger'
import { resolveLimits } from '../limits/resolve-limits.ts'
import { ScopeGraph } from '../scopes/scope-graph.ts'
import { isPattern } from '../util/name-table.ts'
import { WarningLog } from '../util/warning-log.ts'
import { Core } from './core.ts'
import { inOrder, missing } from './features.ts'
import { LimitsInForce } from './limits-in-force.ts'
import type { FeatureHost, FeatureMethods, Part } from './feature.ts'
import type { ResourceManagerInit } from './resource-manager-init.ts'
import type { NodeStat } from './resource-manager-stat.ts'
import type { ResourceManager } from '../interface.ts'
import type { NodeHost } from '../libp2p/node-host.ts'
import type { NodeDemand } from '../limits/fit-to-node.ts'
import type { LimitChange } from '../limits/limit-changes.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { HoldersSource } from '../reporting/holders.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { HistoryStoreInit } from '../sessions/history-store.ts'
import type { SessionObserver } from '../sessions/session-observer.ts'
import type { Logger } from '@libp2p/interface'

/**
 * What is known of the node that a manager is for
 */
export interface HostedNode {
  /** What it may do */
  demand(): NodeDemand

  /** Where the histories of sessions are kept */
  persistence: HistoryStoreInit
}

/**
 * Puts a resource manager together: a core, and everything that has registered with it. It
 * knows what a feature is, but no single feature.
 */
export class ManagerHost implements FeatureHost {
  readonly core: Core
  readonly limits: LimitsInForce
  readonly log: Logger
  readonly options: ResourceManagerInit
  readonly persistence?: HistoryStoreInit

  readonly refusalObservers: FeatureHost['refusalObservers'] = []
  evictionObserver?: FeatureHost['evictionObserver']
  readonly limitObservers: FeatureHost['limitObservers'] = []
  sessionObserver?: SessionObserver
  requesterOf?: (refusal: Refusal) => object | undefined
  readonly parts: Part[] = []

  readonly methods: FeatureMethods = {
    admission: missing('admission'),
    inspection: missing('inspection'),
    // metrics have them as well
    refusals: missing('inspection'),
    sessions: missing('sessions')
  }

  readonly stats: Array<() => NodeStat> = []
  readonly notes: Array<() => string[]> = []
  readonly metricsSource: FeatureHost['metricsSource']
  readonly holdersSource: HoldersSource = { connections: [], streams: [] }
  table?: () => string
  logChanges?: (before: ConcreteLimitConfig, after: ConcreteLimitConfig) => LimitChange[]
  shadow?: ResourceManager['shadow']
  bans?: ResourceManager['bans']
  report?: ResourceManager['report']
  warnProcess: FeatureHost['warnProcess'] = () => {}

  readonly nodeParts: Array<(node: NodeHost) => void> = []

  /**
   * @param init
   * @param node - where there is one
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (init: ResourceManagerInit = {}, node?: HostedNode) {
    const { features = {} } = init
    const presets = features.presets?.presets

    this.log = (init.logger ?? defaultLogger()).forComponent('libp2p:resource-manager')
    this.options = init
    this.persistence = node?.persistence

    const { log, refusalObservers } = this
    const warnings = new WarningLog(log)
    const graph = new ScopeGraph({
      limiter: resolveLimits(init, presets, node?.demand()),
      enforce: init.enforce ?? true,
      captureStackTraces: log.enabled,
      observer: {
        onRefusal: (refusal) => {
          // not through fields of the host: this runs during an attack
          for (let i = 0; i < refusalObservers.length; i++) {
            refusalObservers[i](refusal)
          }
        },
        onEviction: (eviction) => { this.evictionObserver?.(eviction) },
        requesterOf: (refusal) => this.requesterOf?.(refusal),
        onOverRelease: (scope, resource, released, held) => {
          warnings.warn(`${scope}: released more ${resource} than was held (${released} of ${held})`)
        }
      }
    })

    this.core = new Core(graph, log, warnings)
    this.limits = new LimitsInForce(graph, init, () => { this.#limitsChanged() }, presets, node?.demand)
    this.metricsSource = {
      graph,
      fleet: init.fleet?.metrics,
      sessionRefusals: () => [],
      nodeStat: () => this.nodeStat(),
      knownProtocols: () => this.#namesIn('protocol', 'protocolPeer'),
      knownServices: () => new Set([...this.#namesIn('service', 'servicePeer')].filter(name => !isPattern(name)))
    }

    inOrder(features).forEach(feature => { feature.register?.(this) })
    this.#limitsChanged()
  }

  async start (): Promise<void> {
    this.core.graph.idle.start()
    await Promise.all(this.parts.map(async part => part.start?.()))
  }

  async stop (): Promise<void> {
    this.core.graph.idle.stop()
    await Promise.all([...this.parts].reverse().map(async part => part.stop?.()))
  }

  /**
   * What only a node has, and a fleet
   */
  nodeStat (): NodeStat {
    return Object.assign({}, ...this.stats.map(stat => stat()))
  }

  /**
   * The names that somebody has set a limit for: their number is bounded
   */
  #namesIn (...sections: Array<'protocol' | 'protocolPeer' | 'service' | 'servicePeer'>): Set<string> {
    const { config } = this.limits

    return new Set(config == null ? [] : sections.flatMap(section => Object.keys(config[section])))
  }

  #limitsChanged (): void {
    const { config } = this.limits

    this.limitObservers.forEach(observe => { observe(config) })
  }
}
