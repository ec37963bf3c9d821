import { ConnectionNode } from '../scopes/connection-node.ts'
import { Refusal } from '../scopes/refusal.ts'
import { StreamNode } from '../scopes/stream-node.ts'
import { checkObject, invalid } from '../validation.ts'
import { METRICS_METHODS } from './metrics-reporter.ts'
import type { MetricsReporter } from './metrics-reporter.ts'
import type { BaseCosts } from '../scope-opener.ts'
import type { AnyNode, GraphTracer } from '../scopes/graph-tracer.ts'
import type { IdleNodes } from '../scopes/idle-nodes.ts'
import type { AnyRefusal, Usage } from '../scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

export interface MetricsTracerInit {
  reporter: MetricsReporter

  /**
   * What must collect nothing while the reporter runs
   */
  idle: Pick<IdleNodes, 'held'>

  /**
   * What connections and streams weigh in themselves
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

  removed (): void {}

  evicted (): void {}

  ban (): void {}

  added (nodes: AnyNode[], usage: Usage): void {
    const { idle } = this.#init

    // reporters are called in the middle of changes
    idle.held++

    try {
      tellAdded(this.#reporter, nodes, usage)
    } catch (err) {
      this.#fail(err)
    } finally {
      idle.held--
    }
  }

  refused (refusal: AnyRefusal): void {
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

  /**
   * From now on nobody is told anything. Who follows the graph besides may be in the middle of
   * telling the same change, so this may still be called.
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

  created (node: AnyNode): void {
    this.#tracers.forEach(tracer => { tracer.created(node) })
  }

  destroyed (node: AnyNode): void {
    this.#tracers.forEach(tracer => { tracer.destroyed(node) })
  }

  added (nodes: AnyNode[], usage: Usage, priority?: number): void {
    this.#tracers.forEach(tracer => { tracer.added(nodes, usage, priority) })
  }

  removed (nodes: AnyNode[], usage: Usage): void {
    this.#tracers.forEach(tracer => { tracer.removed(nodes, usage) })
  }

  refused (refusal: AnyRefusal): void {
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

function tellAdded (reporter: MetricsReporter, nodes: AnyNode[], usage: Usage): void {
  if (usage.streamsInbound + usage.streamsOutbound + usage.connsInbound + usage.connsOutbound === 0) {
    reporter.allowMemory?.(usage.memory)
    return
  }

  const [first] = nodes
  const last = nodes[nodes.length - 1]

  if (last instanceof StreamNode) {
    reporter.allowStream?.(last.peerNode.key, directionOf(last.inbound))
  } else if (last instanceof ConnectionNode) {
    reporter.allowConn?.(directionOf(last.inbound), last.usefd)
  } else if ('key' in first) {
    // what is there already has moved to it
    switch (first.kind) {
      case 'peer':
        reporter.allowPeer?.(first.key)
        break
      case 'protocol':
        reporter.allowProtocol?.(first.key)
        break
      case 'service':
        reporter.allowService?.(first.key)
        break
      default:
    }
  }
}

function tellRefused (reporter: MetricsReporter, refusal: AnyRefusal, baseCosts: BaseCosts): void {
  const { asker, joining, requester = asker } = refusal

  if (joining != null) {
    tellMove(reporter, refusal, joining)
  } else if (isReservation(refusal, baseCosts)) {
    reporter.blockMemory?.(refusal.attempted)
  } else if (requester instanceof StreamNode) {
    reporter.blockStream?.(requester.peerNode.key, directionOf(requester.inbound))
  } else if (refusal.resource === 'stream' || refusal.request === 'stream') {
    // before there was a scope, which does not happen to streams: a guess would be worse
  } else {
    const connection = requester instanceof ConnectionNode ? requester : undefined

    reporter.blockConn?.(connection === undefined ? refusal.direction ?? 'inbound' : directionOf(connection.inbound), connection?.usefd ?? refusal.usefd ?? false)
  }
}

/**
 * A connection or stream that weighs something is refused for its memory before it holds
 * any
 */
function isReservation ({ asker, request, resource }: AnyRefusal, baseCosts: BaseCosts): boolean {
  if (resource !== 'memory' || request != null) {
    return false
  }

  const isOpening = (asker instanceof StreamNode && baseCosts.stream > 0 && asker.usage.memory === 0) ||
    (asker instanceof ConnectionNode && baseCosts.connection > 0 && asker.usage.memory === 0)

  return !isOpening
}

/**
 * What was refused to become part of something
 */
function tellMove (reporter: MetricsReporter, refusal: AnyRefusal, joining: string): void {
  const { asker, requester = asker } = refusal
  const kind = refusal instanceof Refusal ? refusal.node.kind : refusal.kind

  if (requester instanceof ConnectionNode) {
    const { peerNode } = requester

    if (peerNode == null || peerNode.key === joining) {
      reporter.blockPeer?.(joining)
    } else {
      tellService(reporter, kind, joining, peerNode.key)
    }
  } else if (requester instanceof StreamNode) {
    const { key } = requester.peerNode

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
