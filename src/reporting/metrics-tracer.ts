import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { Refusal } from '../scopes/refusal.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { checkObject, invalid } from '../util/validation.ts'
import { METRICS_METHODS } from './metrics-reporter.ts'
import type { MetricsReporter } from './metrics-reporter.ts'
import type { BaseCosts } from '../manager/opening.ts'
import type { AggregateScope, PeerShareScope } from '../scopes/aggregate-scope.ts'
import type { AnyScope, GraphTracer } from '../scopes/graph-tracer.ts'
import type { IdleScopes } from '../scopes/idle-scopes.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { Usage } from '../scopes/usage.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

export interface MetricsTracerInit {
  reporter: MetricsReporter

  /**
   * What must collect nothing while the reporter runs
   */
  idle: Pick<IdleScopes, 'held'>

  /**
   * The base costs of connections and streams
   */
  baseCosts(): BaseCosts

  /**
   * The reporter has failed and is not told anything any more
   */
  onError(err: unknown): void
}

/**
 * Tells a metrics reporter of what changes in the graph
 */
export class MetricsTracer implements GraphTracer {
  readonly #init: MetricsTracerInit
  #reporter: MetricsReporter

  constructor (init: MetricsTracerInit) {
    this.#init = init
    this.#reporter = init.reporter
  }

  created (): void {}

  destroyed (): void {}

  ended (): void {}

  entered (scope: MovableScope): void {
    const { idle } = this.#init

    // reporters are called in the middle of changes
    idle.held++

    try {
      if (scope instanceof DefaultStreamScope) {
        this.#reporter.allowStream?.(scope.peerScope.key, directionOf(scope.inbound))
      } else if (scope instanceof DefaultConnectionScope) {
        this.#reporter.allowConn?.(directionOf(scope.inbound), scope.usefd)
      }
    } catch (err) {
      this.#fail(err)
    } finally {
      idle.held--
    }
  }

  joined (_scope: MovableScope, { whole }: PeerShareScope): void {
    const { idle } = this.#init

    idle.held++

    try {
      if (whole.kind === 'protocol') {
        this.#reporter.allowProtocol?.(whole.key)
      } else {
        this.#reporter.allowService?.(whole.key)
      }
    } catch (err) {
      this.#fail(err)
    } finally {
      idle.held--
    }
  }

  removed (): void {}

  buffered (_scope: MovableScope, size: number): void {
    if (size > 0) {
      this.#tell(reporter => { reporter.allowMemory?.(size) })
    }
  }

  moved (_scope: MovableScope, [peer]: AggregateScope[]): void {
    this.#tell(reporter => { reporter.allowPeer?.(peer.key) })
  }

  evicted (): void {}

  ban (): void {}

  added (_scopes: AnyScope[], usage: Usage): void {
    if (usage.streamsInbound + usage.streamsOutbound + usage.connsInbound + usage.connsOutbound === 0) {
      this.#tell(reporter => { reporter.allowMemory?.(usage.memory) })
    }
  }

  refused (refusal: Refusal): void {
    const { baseCosts, idle } = this.#init

    idle.held++

    try {
      tellRefused(this.#reporter, refusal, baseCosts())
    } catch (err) {
      this.#fail(err)
    } finally {
      idle.held--
    }
  }

  #tell (tell: (reporter: MetricsReporter) => void): void {
    const { idle } = this.#init

    idle.held++

    try {
      tell(this.#reporter)
    } catch (err) {
      this.#fail(err)
    } finally {
      idle.held--
    }
  }

  /**
   * From now on nobody is told anything. Another observer of the graph may be in the middle of
   * the same change, so this may still be called.
   */
  #fail (err: unknown): void {
    this.#reporter = {}
    this.#init.onError(err)
  }
}

/**
 * Several who follow the graph, as one
 */
export class Tracers implements GraphTracer {
  readonly #tracers: GraphTracer[]

  constructor (tracers: GraphTracer[]) {
    this.#tracers = tracers
  }

  created (scope: AnyScope): void {
    this.#tracers.forEach(tracer => { tracer.created(scope) })
  }

  destroyed (scope: AnyScope): void {
    this.#tracers.forEach(tracer => { tracer.destroyed(scope) })
  }

  entered (scope: MovableScope): void {
    this.#tracers.forEach(tracer => { tracer.entered(scope) })
  }

  joined (scope: MovableScope, share: PeerShareScope, left?: AggregateScope): void {
    this.#tracers.forEach(tracer => { tracer.joined(scope, share, left) })
  }

  ended (scope: OwnedScope): void {
    this.#tracers.forEach(tracer => { tracer.ended(scope) })
  }

  moved (scope: MovableScope, to: AggregateScope[], from: AggregateScope[]): void {
    this.#tracers.forEach(tracer => { tracer.moved(scope, to, from) })
  }

  buffered (scope: MovableScope, size: number): void {
    this.#tracers.forEach(tracer => { tracer.buffered(scope, size) })
  }

  added (scopes: AnyScope[], usage: Usage, priority?: number): void {
    this.#tracers.forEach(tracer => { tracer.added(scopes, usage, priority) })
  }

  removed (scopes: AnyScope[], usage: Usage): void {
    this.#tracers.forEach(tracer => { tracer.removed(scopes, usage) })
  }

  refused (refusal: Refusal): void {
    this.#tracers.forEach(tracer => { tracer.refused(refusal) })
  }

  evicted (...args: Parameters<GraphTracer['evicted']>): void {
    this.#tracers.forEach(tracer => { tracer.evicted(...args) })
  }

  ban (...args: Parameters<GraphTracer['ban']>): void {
    this.#tracers.forEach(tracer => { tracer.ban(...args) })
  }
}

/**
 * Checks the option `metricsReporter`
 *
 * @throws {InvalidParametersError} naming what is no function
 */
export function checkMetricsReporter (reporter: MetricsReporter): void {
  checkObject('metricsReporter', reporter)

  for (const method of METRICS_METHODS) {
    if (reporter[method] !== undefined && typeof reporter[method] !== 'function') {
      throw invalid(`metricsReporter.${method}`, 'a function', reporter[method])
    }
  }
}

function directionOf (inbound: boolean): MessageStreamDirection {
  return inbound ? 'inbound' : 'outbound'
}

function tellRefused (reporter: MetricsReporter, refusal: Refusal, baseCosts: BaseCosts): void {
  const { joining, requester } = refusal

  if (joining != null) {
    tellMove(reporter, refusal, joining)
  } else if (isReservation(refusal, baseCosts)) {
    reporter.blockMemory?.(refusal.attempted)
  } else if (requester instanceof DefaultStreamScope) {
    reporter.blockStream?.(requester.peerScope.key, directionOf(requester.inbound))
  } else if (refusal.resource === 'stream' || refusal.request === 'stream') {
    // before there was a scope, which does not happen to streams: a guess would be worse
  } else {
    const connection = requester instanceof DefaultConnectionScope ? requester : undefined

    reporter.blockConn?.(connection === undefined ? refusal.direction ?? 'inbound' : directionOf(connection.inbound), connection?.usefd ?? refusal.usefd ?? false)
  }
}

/**
 * A connection or stream with a base cost is refused for its memory before it holds
 * any
 */
function isReservation ({ request, requester, resource }: Refusal, baseCosts: BaseCosts): boolean {
  if (resource !== 'memory' || request != null) {
    return false
  }

  const isOpening = (requester instanceof DefaultStreamScope && baseCosts.stream > 0 && requester.usage.memory === 0) ||
    (requester instanceof DefaultConnectionScope && baseCosts.connection > 0 && requester.usage.memory === 0)

  return !isOpening
}

/**
 * What was refused to become part of something
 */
function tellMove (reporter: MetricsReporter, refusal: Refusal, joining: string): void {
  const { kind, requester } = refusal

  if (requester instanceof DefaultConnectionScope) {
    const { peerScope } = requester

    if (peerScope == null || peerScope.key === joining) {
      reporter.blockPeer?.(joining)
    } else {
      tellService(reporter, kind, joining, peerScope.key)
    }
  } else if (requester instanceof DefaultStreamScope) {
    const { key } = requester.peerScope

    if (requester.protocolPeer != null) {
      tellService(reporter, kind, joining, key)
    } else if (kind === 'protocolPeer') {
      reporter.blockProtocolPeer?.(joining, key)
    } else {
      reporter.blockProtocol?.(joining)
    }
  }
}

function tellService (reporter: MetricsReporter, kind: string, service: string, peer: string): void {
  if (kind === 'servicePeer') {
    reporter.blockServicePeer?.(service, peer)
  } else {
    reporter.blockService?.(service)
  }
}
