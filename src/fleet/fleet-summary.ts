import { isRecord } from '../util/validation.ts'
import { amountOf } from './engine.ts'
import type { NodeSummary, SessionSums } from './fleet-stat.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { SessionRegistryReader } from '../sessions/registry.ts'
import type { Slice } from '../util/slices.ts'

/**
 * How many peers each node says the holdings of
 */
const MAX_PEERS = 32

/**
 * How many names of services, protocols or collectors each node says
 */
const MAX_NAMES = 64

const FIELDS = ['memory', 'numStreamsInbound', 'numStreamsOutbound', 'numConnsInbound', 'numConnsOutbound', 'numFD'] as const satisfies ReadonlyArray<keyof ScopeStat>

const SESSION_FIELDS = ['sessions', 'rxBitrate', 'txBitrate', 'rxBytes', 'txBytes'] as const satisfies ReadonlyArray<keyof SessionSums>

export function * summarize ({ metricsSource: { graph, sessions } }: FleetMember, slice: Slice): Generator<undefined, NodeSummary, undefined> {
  const services = yield * largest(graph.services.values(), MAX_NAMES, slice)
  const peers = yield * largest(graph.peers.values(), MAX_PEERS, slice)

  return {
    system: graph.normal.system.stat(),
    transient: graph.normal.transient.stat(),
    peerCount: graph.peers.size,
    services: Object.fromEntries(services.map(scope => [scope.key, scope.stat()])),
    peers: Object.fromEntries(peers.map(scope => [scope.key, scope.stat()])),
    sessions: Object.fromEntries((sessions?.collectors() ?? []).slice(0, MAX_NAMES).map(id => [id, sessionSums(sessions as SessionRegistryReader, id)]))
  }
}

function sessionSums (sessions: SessionRegistryReader, id: string): SessionSums {
  const { active, currentRxBitrate, currentSessions, currentTxBitrate, summary } = sessions.summary(id)

  return {
    sessions: currentSessions,
    rxBitrate: currentRxBitrate,
    txBitrate: currentTxBitrate,
    rxBytes: active.reduce((sum, { rxBytes }) => sum + rxBytes, summary.totalRxBytes),
    txBytes: active.reduce((sum, { txBytes }) => sum + txBytes, summary.totalTxBytes)
  }
}

/**
 * Reads what another node has written, which may be anything: what is no number is 0
 */
export function readSummary (text: string): NodeSummary {
  let value: unknown

  try {
    value = JSON.parse(text)
  } catch {
    // nothing of it can be used
  }

  const record = isRecord(value) ? value : {}

  return {
    system: readNumbers(record.system, FIELDS),
    transient: readNumbers(record.transient, FIELDS),
    peerCount: amountOf(record.peerCount),
    services: readNamed(record.services, MAX_NAMES, FIELDS),
    peers: readNamed(record.peers, MAX_PEERS, FIELDS),
    sessions: readNamed(record.sessions, MAX_NAMES, SESSION_FIELDS)
  }
}

/**
 * What several nodes hold together
 */
export function addSummaries (summaries: NodeSummary[]): NodeSummary {
  return {
    system: sum(summaries.map(({ system }) => system), FIELDS),
    transient: sum(summaries.map(({ transient }) => transient), FIELDS),
    peerCount: summaries.reduce((count, { peerCount }) => count + peerCount, 0),
    services: sumNamed(summaries.map(({ services }) => services), FIELDS),
    peers: sumNamed(summaries.map(({ peers }) => peers), FIELDS),
    sessions: sumNamed(summaries.map(({ sessions }) => sessions), SESSION_FIELDS)
  }
}

/**
 * Those that hold most, the largest first
 */
function * largest (scopes: Iterable<AggregateScope>, count: number, slice: Slice): Generator<undefined, AggregateScope[], undefined> {
  const found: Array<{ scope: AggregateScope, usage: number }> = []

  for (const scope of scopes) {
    const usage = scope.empty ? 0 : usageOf(scope)

    if (usage > 0 && (found.length < count || usage > found[count - 1].usage)) {
      const before = found.findIndex(other => other.usage < usage)

      found.splice(before === -1 ? found.length : before, 0, { scope, usage })
      found.length = Math.min(found.length, count)
    }

    if (slice.over) {
      yield
    }
  }

  return found.map(({ scope }) => scope)
}

/**
 * How much a scope holds, in bytes: a connection counts for 64 KiB, a stream for 10 KiB
 */
function usageOf ({ connsInbound, connsOutbound, memory, streamsInbound, streamsOutbound }: AggregateScope): number {
  return 65_536 * (connsInbound + connsOutbound) + 10_240 * (streamsInbound + streamsOutbound) + memory
}

function readNumbers <K extends string> (value: unknown, fields: readonly K[]): Record<K, number> {
  const record = isRecord(value) ? value : {}

  return Object.fromEntries(fields.map(field => [field, amountOf(record[field])])) as Record<K, number>
}

function readNamed <K extends string> (value: unknown, max: number, fields: readonly K[]): Record<string, Record<K, number>> {
  return Object.fromEntries(Object.entries(isRecord(value) ? value : {}).slice(0, max).map(([name, entry]) => [name, readNumbers(entry, fields)]))
}

function sum <K extends string> (all: Array<Record<K, number>>, fields: readonly K[]): Record<K, number> {
  return Object.fromEntries(fields.map(field => [field, all.reduce((total, figures) => total + figures[field], 0)])) as Record<K, number>
}

function sumNamed <K extends string> (all: Array<Record<string, Record<K, number>>>, fields: readonly K[]): Record<string, Record<K, number>> {
  const names = new Set(all.flatMap(named => Object.keys(named)))

  return Object.fromEntries(Array.from(names, name => [name, sum(all.flatMap(named => Object.hasOwn(named, name) ? [named[name]] : []), fields)]))
}
