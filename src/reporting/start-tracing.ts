import { LimitShadow } from '../what-if/shadow.ts'
import { checkMetricsReporter, MetricsTracer, Tracers } from './metrics-tracer.ts'
import { checkReporters } from './trace-reporters.ts'
import { Tracer } from './tracer.ts'
import type { MetricsReporter } from './metrics-reporter.ts'
import type { TraceReporter } from './trace-event.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { BaseCosts } from '../manager/opening.ts'
import type { GraphTracer } from '../scopes/graph-tracer.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { Logger } from '@libp2p/interface'

export interface TracingInit {
  graph: ScopeGraph
  reporters: TraceReporter[]
  metricsReporter?: MetricsReporter

  /**
   * Limits that are only tried out
   */
  shadow?: PartialLimitConfig

  /**
   * Those in force, if they are a list
   */
  limits?: ConcreteLimitConfig

  baseCosts(): BaseCosts
  log: Logger
}

/**
 * Has reporters observe a graph. When none works any more, nothing observes it.
 *
 * @returns what trace reporters are told by, if there are any, and the shadow, if there is one
 * @throws {InvalidParametersError} naming what is no reporter, or listing every problem of
 * the shadow limits
 */
export function startTracing ({ baseCosts, graph, limits, log, metricsReporter, reporters, shadow: shadowLimits }: TracingInit): { tracer?: Tracer, shadow?: LimitShadow } {
  checkReporters(reporters)

  if (metricsReporter !== undefined) {
    checkMetricsReporter(metricsReporter)
  }

  const observing = new Set<GraphTracer>()
  const observe = (): void => {
    graph.tracer = observing.size > 1 ? new Tracers([...observing]) : [...observing][0]
  }
  const end = (ended: GraphTracer): void => {
    observing.delete(ended)
    observe()
  }

  const metrics = metricsReporter === undefined ? undefined : createMetricsTracer(metricsReporter, { baseCosts, graph, log }, end)
  const tracer = reporters.length === 0 ? undefined : createTracer(reporters, { graph, log }, end)

  // before anybody is told anything: the limits may be wrong
  const shadow = shadowLimits === undefined
    ? undefined
    : new LimitShadow({ limits: shadowLimits, enforced: limits, baseCosts, log: log.newScope('shadow') })

  if (tracer !== undefined) {
    observing.add(tracer)
    tracer.start(limits)
    // a reporter may have failed at once
    if (observing.has(tracer)) {
      graph.startTracing(tracer)
    }
  }

  if (metrics !== undefined) {
    observing.add(metrics)
  }

  if (shadow !== undefined) {
    observing.add(shadow.tracer)
  }

  observe()

  return { tracer, shadow }
}

/**
 * Tells a metrics reporter, until it has failed
 */
function createMetricsTracer (reporter: MetricsReporter, { baseCosts, graph, log }: Pick<TracingInit, 'baseCosts' | 'graph' | 'log'>, ended: (tracer: GraphTracer) => void): MetricsTracer {
  const tracer: MetricsTracer = new MetricsTracer({
    reporter,
    idle: graph.idle,
    baseCosts,
    onError: (err) => {
      log.error('the metrics reporter failed and is not used any more - %e', err)
      ended(tracer)
    }
  })

  return tracer
}

/**
 * Tells trace reporters, until all of them have failed
 */
function createTracer (reporters: TraceReporter[], { graph, log }: Pick<TracingInit, 'graph' | 'log'>, ended: (tracer: GraphTracer) => void): Tracer {
  const tracer: Tracer = new Tracer({
    reporters,
    idle: graph.idle,
    onError: (err) => { log.error('a trace reporter failed and is not used any more - %e', err) },
    onEmpty: () => { ended(tracer) }
  })

  return tracer
}
