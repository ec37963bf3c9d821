import { peerIdFromString } from '@libp2p/peer-id'
import { limitsToJSON } from '../limits/limits-json.ts'
import { DefaultResourceManager } from '../manager/resource-manager.ts'
import { limitsOfScope } from '../reporting/scope-limits.ts'
import { parseScopeName } from '../reporting/scope-names.ts'
import { invalid } from '../util/validation.ts'
import { RequestError } from './answers.ts'
import type { DescribedMarks } from './described-marks.ts'
import type { ResourceManager } from '../interface.ts'
import type { ReservationRequest } from '../reporting/reservation-request.ts'
import type { ScopeUsage } from '../reporting/scope-usage.ts'
import type { SlicedResourceManager } from '../reporting/sliced-manager.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What the admin server reads
 */
export interface AdminNode {
  readonly manager: ResourceManager

  /** The same for what reads all peers: others have the event loop after each millisecond */
  readonly sliced: SlicedResourceManager
  readonly marks: DescribedMarks
}

/**
 * How many active sessions of a collector are listed, busiest first
 */
const MAX_SESSIONS = 100

/**
 * The parameters of a request, each of which may be there once
 *
 * @throws {InvalidParametersError} naming one that nobody reads or that is there twice
 */
export function parameters <K extends string> (query: URLSearchParams, names: readonly K[]): Partial<Record<K, string>> {
  const result: Partial<Record<K, string>> = {}

  for (const [name, value] of query) {
    if (!names.includes(name as K)) {
      throw invalid(name, names.length === 0 ? 'no parameters' : `one of the parameters ${names.join(', ')}`, value)
    }

    if (Object.hasOwn(result, name)) {
      throw invalid(name, 'the parameter once', value)
    }

    result[name as K] = value
  }

  return result
}

function numberOf (name: string, text?: string): number | undefined {
  if (text === undefined) {
    return undefined
  }

  const number = text.trim() === '' ? NaN : Number(text)

  if (Number.isNaN(number)) {
    throw invalid(name, 'a number', text)
  }

  return number
}

function booleanOf (name: string, text?: string): boolean | undefined {
  if (text !== undefined && text !== 'true' && text !== 'false') {
    throw invalid(name, 'true or false', text)
  }

  return text === undefined ? undefined : text === 'true'
}

function peerOf (text?: string): PeerId | undefined {
  try {
    return text === undefined ? undefined : peerIdFromString(text)
  } catch {
    throw invalid('peer', 'a peer id', text)
  }
}

/**
 * Without parameters that are not given, so that the manager uses its defaults
 */
function given <T extends object> (options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

function sessionsOf ({ sessions }: ResourceManager): unknown {
  return Object.fromEntries(sessions.collectors().map(id => {
    const { active, ...summary } = sessions.summary(id)

    active.sort((a, b) => b.rxBitrate + b.txBitrate - a.rxBitrate - a.txBitrate)

    return [id, { ...summary, active: active.slice(0, MAX_SESSIONS) }]
  }))
}

/**
 * All limits of one scope; for managers of others, those that are in use
 */
function limitsOf (manager: ResourceManager, name: string): ScopeUsage[] {
  return manager instanceof DefaultResourceManager
    ? limitsOfScope(manager.metricsSource.graph, name)
    : manager.usage({ minPercent: 0 }).filter(({ scope }) => scope === name)
}

function limitsInForce ({ limits }: ResourceManager): unknown {
  if (limits == null) {
    throw new RequestError(404, 'there are no limits to show: a custom limiter computes them')
  }

  // as in files, and as JSON that goes on being JSON
  return JSON.parse(limitsToJSON(limits))
}

const EXPLAIN = ['resource', 'direction', 'address', 'peer', 'protocol', 'service', 'usefd', 'size', 'priority'] as const

function explain ({ manager }: AdminNode, query: URLSearchParams): unknown {
  const { peer, priority, size, usefd, ...rest } = parameters(query, EXPLAIN)
  const request = given({ ...rest, peer: peerOf(peer), priority: numberOf('priority', priority), size: numberOf('size', size), usefd: booleanOf('usefd', usefd) })

  // the manager checks what belongs to which resource
  return manager.explain(request as unknown as ReservationRequest)
}

/**
 * Everything that can be read as JSON, by path
 *
 * @throws {InvalidParametersError} naming a parameter that cannot be used
 */
export const READS: Record<string, (node: AdminNode, query: URLSearchParams) => unknown> = {
  '/stat': async ({ sliced }, query) => {
    parameters(query, [])

    return sliced.stat()
  },
  '/usage': async ({ manager, sliced }, query) => {
    const { minPercent: text, scope } = parameters(query, ['minPercent', 'scope'])
    const minPercent = numberOf('minPercent', text)

    if (minPercent !== undefined && minPercent < 0) {
      throw invalid('minPercent', 'a number from 0 on', minPercent)
    }

    if (scope === undefined) {
      return sliced.usage(given({ minPercent }))
    }

    if (parseScopeName(scope) === undefined) {
      throw invalid('scope', 'the name of a scope, such as system or protocol:NAME', scope)
    }

    return limitsOf(manager, scope).filter(({ percent }) => percent >= (minPercent ?? 0))
  },
  '/holders': async ({ sliced }, query) => {
    const { resource, top } = parameters(query, ['resource', 'top'])

    return sliced.holders(given({ resource: resource as 'memory' | undefined, top: numberOf('top', top) }))
  },
  '/refusals': ({ manager }, query) => {
    const { address, peer, since } = parameters(query, ['address', 'peer', 'since'])

    return {
      counts: manager.refusals(),
      evictions: manager.evictions(),
      recentEvictions: manager.recentEvictions(),
      recent: manager.recentRefusals(given({ address, peer, since: numberOf('since', since) }))
    }
  },
  '/high-water-marks': async ({ marks }, query) => {
    parameters(query, [])

    return marks.list()
  },
  '/explain': explain,
  '/fleet': async ({ manager: { fleet } }, query) => {
    parameters(query, [])

    if (fleet === undefined) {
      throw new RequestError(404, 'the node is in no fleet')
    }

    const view = fleet.view()

    try {
      const [sums, holders] = await Promise.all([fleet.stat(), fleet.holders()])

      return { view, ...sums, holders }
    } catch (err: any) {
      // what the node knows is of use all the more
      return { view, error: String(err?.message ?? err) }
    }
  },
  '/limits': ({ manager }, query) => {
    parameters(query, [])

    return limitsInForce(manager)
  },
  '/sessions': ({ manager }, query) => {
    parameters(query, [])

    return sessionsOf(manager)
  }
}
