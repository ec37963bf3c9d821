import { limitAdvice, streamLimitAdvice } from '../libp2p/limit-advice.ts'
import { logChanges } from '../limits/limit-changes.ts'
import { explain } from '../reporting/explain.ts'
import { listHolders } from '../reporting/holders.ts'
import { Inspector } from '../reporting/inspector.ts'
import { RefusalCounts } from '../reporting/refusal-counts.ts'
import { scopeState, serviceState, systemState } from '../reporting/scope-state.ts'
import { scopeTable } from '../reporting/scope-table.ts'
import { scopeUsage } from '../reporting/scope-usage.ts'
import { checkName } from '../scopes/arguments.ts'
import { nullScope } from '../scopes/null-scopes.ts'
import { BOOLEAN } from '../util/description.ts'
import type { NodeHost } from '../libp2p/node-host.ts'
import type { Feature, FeatureHost } from '../manager/feature.ts'

/**
 * Everything that people want to know: refusals in the log and as warnings of the process,
 * `refusals`, `recentRefusals`, `recentEvictions`, who was refused in errors, `highWaterMarks`,
 * `explain`, `usage`, `holders`, `systemState`, `serviceState`, the table of `toString`, and
 * warnings about limits that contradict each other when a node starts
 */
export const inspection = {
  name: 'inspection',
  options: { warnings: BOOLEAN },

  register (host) {
    const { core, core: { graph }, holdersSource, log, options } = host
    const counts = new RefusalCounts()
    const { evictions, highWaterMarks, recent, refusalLog, requesterOf, warnings } = new Inspector({
      log,
      enforce: core.enforces,
      warnings: options.warnings,
      source: { transientHolders: () => host.metricsSource.nodeStat().transientHolders ?? [] }
    })

    host.refusalObservers.push(refusal => {
      counts.add(refusal)
      refusalLog.add(refusal)
    })
    host.evictionObserver = eviction => { refusalLog.addEviction(eviction) }
    host.metricsSource.refusals = counts
    host.requesterOf = requesterOf
    host.warnProcess = (code, message, subject) => { warnings.warn(code, message, subject) }
    host.table = () => scopeTable(graph)
    host.logChanges = (before, after) => logChanges(log, before, after)

    host.parts.push({
      start: () => { highWaterMarks.start(graph) },
      stop: () => {
        highWaterMarks.stop()
        refusalLog.flush()
      }
    })

    host.methods.refusals = { refusals: () => counts.entries() }
    host.methods.inspection = {
      explain: request => explain(core, request),
      highWaterMarks: () => highWaterMarks.list(graph),
      holders: options => listHolders(holdersSource, options),
      recentEvictions: () => evictions.list(),
      recentRefusals: options => recent.list(options),
      systemState: () => systemState(graph),
      serviceState: service => {
        checkName('service', service)

        return serviceState(graph, service)
      },
      usage: options => scopeUsage(graph, options)
    }

    host.nodeParts.push(node => { advise(host, node) })
  },

  off: () => ({
    systemState: () => stateOfNothing('system'),
    serviceState: service => stateOfNothing(`service:${service}`)
  })
} satisfies Feature<'inspection'>

/**
 * Tells people of limits that contradict each other
 */
function advise ({ core, limits, options: { processMemory } }: FeatureHost, node: NodeHost): void {
  const { components: { connectionManager } } = node

  node.limitAdvice = () => limitAdvice({ ...limits.given, processMemory }, limits.config, core, connectionManager)
  node.handlerAdvice = streamLimitAdvice
}

function stateOfNothing (name: string): string {
  return scopeState(name, nullScope().stat(), nullScope().limit)
}
