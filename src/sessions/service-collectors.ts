import { NameTable } from '../util/name-table.ts'
import { checkObject } from '../util/validation.ts'
import { collectorId } from './arguments.ts'
import { CollectorRefusals } from './collector-refusals.ts'
import { checkCollectors, CONNECTIONS } from './sessions-init.ts'
import { budgetsOf, NodeBudgets } from './stream-budgets.ts'
import type { ResolvedCollectorConfig } from './collector-config.ts'
import type { Excess, SessionLimit, SessionRefusalCount } from './collector-refusals.ts'
import type { Collector } from './collector.ts'
import type { DefaultCollector } from './default-collector.ts'
import type { SessionRegistry } from './registry.ts'
import type { SessionsInit } from './sessions-init.ts'
import type { StreamBudgets } from './stream-budgets.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ServiceGate } from '../scopes/movable-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

const NO_BUDGETS: StreamBudgets[] = []

const DIRECTIONS = ['rx', 'tx'] as const

const SHARED_SETTINGS = { rx: 'maxRxBitrate', tx: 'maxTxBitrate' } as const

/**
 * A service that has a collector
 */
export interface ObservedService {
  /**
   * As it is configured
   */
  readonly service: string

  readonly collector: DefaultCollector

  /** In the registry */
  readonly collectorId: string
  readonly config: ResolvedCollectorConfig

  /**
   * Whether its bit rates slow streams, and do not refuse any
   */
  readonly throttled: boolean

  /**
   * What its streams may transfer, where they are slowed
   */
  readonly budgets?: StreamBudgets

  readonly refusals: CollectorRefusals
}

/**
 * Bit rates that are not only those of this node
 */
export interface SharedBitrates {
  /**
   * What a stream may transfer, whatever its service is
   *
   * @param peer - the scope of its peer
   */
  ofStream(peer: AggregateScope): StreamBudgets[]

  /**
   * What the slowed streams of a collector may transfer
   */
  ofCollector(id: string): StreamBudgets | undefined

  /**
   * How much a collector may transfer here until new streams are refused, in bit/s: Infinity
   * where that is not shared
   */
  maxBitrate(id: string, direction: 'rx' | 'tx'): number

  /**
   * A stream is refused for that
   */
  exceeded(id: string, direction: 'rx' | 'tx'): void
}

/**
 * The collectors of services, and what they refuse
 */
export class ServiceCollectors {
  /**
   * What streams may transfer, where they are slowed whatever their service is
   */
  readonly nodeBudgets?: NodeBudgets

  /** Set where there are bit rates that this node shares with others */
  shared?: SharedBitrates = undefined

  readonly #enforce: boolean
  readonly #observed = new Map<string, ObservedService>()
  readonly #table: NameTable<ObservedService>

  /**
   * @param init
   * @param registry
   * @param enforce - whether streams are slowed where that is asked for
   * @throws {InvalidParametersError} naming the option that cannot be used. Nothing
   * has been registered then.
   */
  constructor (init: SessionsInit, registry: SessionRegistry, enforce: boolean) {
    checkObject('sessions', init)

    const { collectors = {}, throttle } = init

    checkObject('sessions.collectors', collectors)

    const configs = checkCollectors(collectors)
    const nodeBudgets = throttle === undefined ? undefined : new NodeBudgets('sessions.throttle', throttle)

    this.#enforce = enforce
    this.nodeBudgets = enforce ? nodeBudgets : undefined

    for (const [service, config] of configs) {
      const { throttle: throttled = false } = collectors[service]
      const id = collectorId(service)

      this.#observed.set(service, {
        service,
        config,
        collectorId: id,
        // as all that a registry makes
        collector: registry.register(id, config) as DefaultCollector,
        throttled,
        budgets: throttled && enforce ? budgetsOf(config) : undefined,
        refusals: new CollectorRefusals(service, id, refusingLimits(config, throttled))
      })
    }

    this.#table = new NameTable('sessions.collectors', [...this.#observed].filter(([service]) => service !== CONNECTIONS))

    for (const [service, { collector }] of this.#observed) {
      for (const companion of collectors[service].companions ?? []) {
        collector.addCompanion(this.#observed.get(companion)?.collector as Collector)
      }
    }
  }

  get (service: string): ObservedService | undefined {
    // a pattern for services is not one for connections
    return service === CONNECTIONS ? this.#observed.get(CONNECTIONS) : this.#table.get(service)
  }

  /**
   * Why a new stream of a service, or a new connection, is refused, if so
   */
  findRefusal (service: string, request: 'connection' | 'stream', direction: MessageStreamDirection): Refusal | undefined {
    const observed = this.get(service)

    if (observed == null) {
      return
    }

    const excess = findExcess(observed) ?? this.#findShared(observed)

    return excess == null ? undefined : observed.refusals.refuse(excess, request, direction)
  }

  /**
   * All budgets that a stream is limited by, whatever its service is
   */
  budgetsOf (peer: AggregateScope): StreamBudgets[] {
    const own = this.nodeBudgets?.ofStream(peer) ?? NO_BUDGETS

    return this.shared === undefined || !this.#enforce ? own : [...own, ...this.shared.ofStream(peer)]
  }

  /**
   * All budgets of the streams of a service that has a collector
   */
  budgetsIn ({ budgets, collectorId, throttled }: ObservedService): StreamBudgets[] {
    const own = budgets === undefined ? NO_BUDGETS : [budgets]
    const shared = throttled && this.#enforce ? this.shared?.ofCollector(collectorId) : undefined

    return shared === undefined ? own : [...own, shared]
  }

  #findShared ({ collector, collectorId, throttled }: ObservedService): Excess | undefined {
    if (this.shared === undefined || throttled) {
      return
    }

    for (const direction of DIRECTIONS) {
      const limit = this.shared.maxBitrate(collectorId, direction)

      if (limit === Infinity) {
        continue
      }

      const current = direction === 'rx' ? collector.companionIngressBitrate() : collector.companionEgressBitrate()

      if (current > limit || limit === 0) {
        return { setting: SHARED_SETTINGS[direction], current, limit, shared: true }
      }
    }
  }

  /**
   * What the graph asks before a stream becomes part of a service
   *
   * @param joined - is told of those that have
   */
  gate (joined: ServiceGate['joined']): ServiceGate {
    return {
      findRefusal: ({ inbound, kind }, service) => kind === 'stream' && service !== CONNECTIONS
        ? this.findRefusal(service, kind, inbound ? 'inbound' : 'outbound')
        : undefined,
      joined: (scope, service) => {
        if (service !== CONNECTIONS) {
          joined(scope, service)
        }
      }
    }
  }

  /**
   * Something was refused, by a collector or by something else
   */
  refused (refusal: Refusal): void {
    const observed = refusal.kind === 'collector' ? this.#observed.get(refusal.subject as string) : undefined
    const shared = observed?.refusals.add(refusal)

    if (observed !== undefined && shared !== undefined) {
      // not where it is found: whoever only asks refuses nothing
      this.shared?.exceeded(observed.collectorId, shared === SHARED_SETTINGS.rx ? 'rx' : 'tx')
    }
  }

  /**
   * What was refused by each collector
   */
  get refusals (): SessionRefusalCount[] {
    for (const { collectorId, refusals, throttled } of this.#observed.values()) {
      DIRECTIONS.forEach(direction => {
        if (!throttled && Number.isFinite(this.shared?.maxBitrate(collectorId, direction))) {
          refusals.expect(SHARED_SETTINGS[direction])
        }
      })
    }

    return Array.from(this.#observed.values(), ({ refusals }) => refusals.counts).flat()
  }
}

/**
 * The limits of a collector that may refuse something
 */
function refusingLimits ({ maxSessions, maxRxBitrate, maxTxBitrate }: ResolvedCollectorConfig, throttled: boolean): SessionLimit[] {
  const limits: SessionLimit[] = maxSessions > 0 ? ['maxSessions'] : []

  if (!throttled && maxRxBitrate > 0) {
    limits.push('maxRxBitrate')
  }

  if (!throttled && maxTxBitrate > 0) {
    limits.push('maxTxBitrate')
  }

  return limits
}

function findExcess ({ collector, config, throttled }: ObservedService): Excess | undefined {
  const { maxSessions, maxRxBitrate, maxTxBitrate } = config

  if (collector.isSessionsExceeded()) {
    return { setting: 'maxSessions', current: collector.sessions() + collector.pendingSessions(), limit: maxSessions }
  }

  if (throttled) {
    return
  }

  const rxBitrate = maxRxBitrate > 0 ? collector.companionIngressBitrate() : 0

  if (rxBitrate > maxRxBitrate) {
    return { setting: 'maxRxBitrate', current: rxBitrate, limit: maxRxBitrate }
  }

  const txBitrate = maxTxBitrate > 0 ? collector.companionEgressBitrate() : 0

  if (txBitrate > maxTxBitrate) {
    return { setting: 'maxTxBitrate', current: txBitrate, limit: maxTxBitrate }
  }
}
