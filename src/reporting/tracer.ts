import { AggregateScope } from '../scopes/aggregate-scope.ts'
import { MEMORY_PRIORITY_ALWAYS } from '../scopes/memory-priority.ts'
import { OwnedScope } from '../scopes/owned-scope.ts'
import { Refusal } from '../scopes/refusal.ts'
import { NOTHING } from '../scopes/usage.ts'
import { nameRequester, requesterOf } from './requester.ts'
import { TraceReporters } from './trace-reporters.ts'
import { traceScope } from './trace-scope.ts'
import type { TraceEvent, TraceEventType } from './trace-event.ts'
import type { TraceReportersInit } from './trace-reporters.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { PeerShareScope } from '../scopes/aggregate-scope.ts'
import type { Eviction } from '../scopes/evictions.ts'
import type { AnyScope, GraphTracer } from '../scopes/graph-tracer.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { Usage } from '../scopes/usage.ts'
import type { ObservedSession, SessionObserver } from '../sessions/session-observer.ts'

type EventFields = Partial<TraceEvent>
type MemoryFields = Pick<EventFields, 'priority' | 'buffered'>

function isNode (node: unknown): node is AnyScope {
  return node instanceof AggregateScope || node instanceof OwnedScope
}

function identify (scope: AnyScope): Pick<TraceEvent, 'name' | 'scope'> {
  return { name: scope.name, scope: traceScope(scope) }
}

/**
 * The kinds of limits that are no scopes. Limits by address and rates are not among them: their
 * resource says what they are.
 */
const REFUSING_KINDS = new Set(['ban', 'collector', 'process', 'transient'])

function classOf ({ kind, resource }: Refusal): string {
  return REFUSING_KINDS.has(kind) ? kind : resource
}

/**
 * What was refused by something that is not a scope
 */
function addedBy ({ direction, request, resource }: Refusal): Usage {
  const inbound = direction === 'inbound' ? 1 : 0
  const outbound = 1 - inbound

  return (request ?? resource) === 'stream'
    ? { ...NOTHING, streamsInbound: inbound, streamsOutbound: outbound }
    : { ...NOTHING, connsInbound: inbound, connsOutbound: outbound }
}

function streams (added: Usage, held: Usage, sign: 1 | -1 = 1): EventFields {
  return {
    deltaIn: sign * added.streamsInbound,
    deltaOut: sign * added.streamsOutbound,
    streamsIn: held.streamsInbound,
    streamsOut: held.streamsOutbound
  }
}

function connections (added: Usage, held: Usage, sign: 1 | -1 = 1): EventFields {
  return {
    delta: sign * added.fd,
    deltaIn: sign * added.connsInbound,
    deltaOut: sign * added.connsOutbound,
    connsIn: held.connsInbound,
    connsOut: held.connsOutbound,
    fd: held.fd
  }
}

export interface TracerInit extends TraceReportersInit {
  /**
   * The time in ms since 1970
   *
   * @default Date.now
   */
  now?(): number
}

/**
 * Turns changes of the graph, and sessions that begin and end, into events for reporters
 */
export class Tracer implements GraphTracer, SessionObserver {
  readonly #reporters: TraceReporters
  readonly #now: () => number

  constructor (init: TracerInit) {
    this.#reporters = new TraceReporters(init)
    this.#now = init.now ?? Date.now
  }

  start (limits?: ConcreteLimitConfig): void {
    this.#tell('start', { limit: limits })
  }

  async stop (): Promise<void> {
    await this.#reporters.stop()
  }

  created (scope: AnyScope): void {
    this.#tell('create_scope', { ...identify(scope), limit: scope.limit })
  }

  destroyed (scope: AnyScope): void {
    this.#tell('destroy_scope', identify(scope))
  }

  entered (scope: MovableScope): void {
    this.created(scope)
    this.#add([...scope.edges, scope] as AnyScope[], scope, scope.usage)
  }

  joined (scope: MovableScope, share: PeerShareScope, left?: AggregateScope): void {
    this.moved(scope, [share.whole, share], left === undefined ? [] : [left])
  }

  moved (scope: MovableScope, to: AggregateScope[], from: AggregateScope[]): void {
    const { usage } = scope

    this.#add(to, scope, usage)
    this.#remove(from, scope, usage)
  }

  ended (scope: OwnedScope): void {
    this.#remove(scope.edges as AnyScope[], scope, scope.usage)
    this.destroyed(scope)
  }

  added (scopes: AnyScope[], usage: Usage, priority?: number): void {
    this.#add(scopes, scopes[0], usage, { priority: priority ?? MEMORY_PRIORITY_ALWAYS })
  }

  removed (scopes: AnyScope[], usage: Usage): void {
    this.#remove(scopes, scopes[0], usage)
  }

  buffered (scope: MovableScope, size: number): void {
    const scopes = scope.selfAndEdges as AnyScope[]

    if (size > 0) {
      this.#add(scopes, scope, { ...NOTHING, memory: size }, { priority: MEMORY_PRIORITY_ALWAYS, buffered: true })
    } else {
      this.#remove(scopes, scope, { ...NOTHING, memory: -size }, { buffered: true })
    }
  }

  refused (refusal: Refusal): void {
    const { attempted, priority, request, requester: of, resource } = refusal
    const scope = isNode(refusal.fullScope) ? refusal.fullScope : undefined
    const requester = nameRequester(requesterOf(refusal))
    const identity = {
      ...scope == null ? { name: refusal.scope, scope: { class: classOf(refusal) } } : identify(scope),
      of: of != null && isNode(of) && of !== scope ? of.name : undefined,
      joining: refusal.joining,
      requester: Object.keys(requester).length === 0 ? undefined : requester
    }
    const held = scope?.usage ?? NOTHING
    const added = refusal.added ?? addedBy(refusal)

    if (resource === 'memory' && request == null) {
      this.#tell('block_reserve_memory', { ...identity, priority, delta: attempted, memory: held.memory })
    } else if (resource === 'stream' || request === 'stream') {
      this.#tell('block_add_stream', { ...identity, ...streams(added, held) })
    } else {
      this.#tell('block_add_conn', { ...identity, ...connections(added, held) })
    }
  }

  evicted ({ scope, victim }: Eviction): void {
    this.#tell('evict', { ...identify(victim), full: scope.name })
  }

  ban (type: 'ban' | 'lift', level: 'peer' | 'host' | 'subnet', target: string): void {
    this.#tell(type, {
      name: `ban:${level}:${target}`,
      scope: { class: 'ban', ...level === 'peer' ? { peer: target } : { location: target } }
    })
  }

  sessionAdded (collector: string, session: ObservedSession): void {
    this.#session('add_session', collector, session)
  }

  sessionRemoved (collector: string, session: ObservedSession): void {
    this.#session('remove_session', collector, session)
  }

  #session (type: TraceEventType, collector: string, { id, location, peer, reference, rxBytes, txBytes }: ObservedSession): void {
    // unlike the graph, collectors go on telling it when nobody listens any more
    if (this.#reporters.size > 0) {
      this.#tell(type, {
        name: `collector:${collector}`,
        scope: { class: 'session', collector, session: id, reference, location, peer },
        deltaIn: rxBytes,
        deltaOut: txBytes
      })
    }
  }

  #add (scopes: AnyScope[], of: AnyScope, usage: Usage, memory: MemoryFields = { priority: MEMORY_PRIORITY_ALWAYS }): void {
    for (const scope of scopes) {
      this.#changed(scope, of, usage, 1, memory)
    }
  }

  #remove (scopes: AnyScope[], of: AnyScope, usage: Usage, memory: MemoryFields = {}): void {
    for (const scope of scopes) {
      this.#changed(scope, of, usage, -1, memory)
    }
  }

  #changed (scope: AnyScope, of: AnyScope, usage: Usage, sign: 1 | -1, memory: MemoryFields): void {
    const held = scope.usage
    const identity = scope === of ? identify(scope) : { ...identify(scope), of: of.name }

    if (usage.memory !== 0) {
      this.#tell(sign > 0 ? 'reserve_memory' : 'release_memory', { ...identity, ...memory, delta: sign * usage.memory, memory: held.memory })
    }

    if (usage.streamsInbound + usage.streamsOutbound !== 0) {
      this.#tell(sign > 0 ? 'add_stream' : 'remove_stream', { ...identity, ...streams(usage, held, sign) })
    }

    if (usage.connsInbound + usage.connsOutbound + usage.fd !== 0) {
      this.#tell(sign > 0 ? 'add_conn' : 'remove_conn', { ...identity, ...connections(usage, held, sign) })
    }
  }

  #tell (type: TraceEventType, fields: EventFields): void {
    this.#reporters.tell({
      time: this.#now(),
      type,
      scope: undefined,
      name: undefined,
      limit: undefined,
      of: undefined,
      joining: undefined,
      requester: undefined,
      priority: 0,
      delta: 0,
      deltaIn: 0,
      deltaOut: 0,
      memory: 0,
      streamsIn: 0,
      streamsOut: 0,
      connsIn: 0,
      connsOut: 0,
      fd: 0,
      ...fields
    })
  }
}
