import { parseLimit, resolveParsed } from '../limits/build-limits.ts'
import { checkPriority, checkSize } from './arguments.ts'
import { LimitedCounts } from './limited-counts.ts'
import { MEMORY_PRIORITY_ALWAYS } from './memory-priority.ts'
import { assertOpen } from './refusal.ts'
import { NOTHING, scopeText, statOf } from './usage.ts'
import type { Graph } from './graph.ts'
import type { LimitCap } from './limit-cap.ts'
import type { Limited } from './limit-of.ts'
import type { Refusal } from './refusal.ts'
import type { PeerScope, ProtocolScope, ResourceScopeSpan, ScopeStat, ServiceScope } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Usage } from './usage.ts'
import type { Limit, ParsedLimits, ResourceLimits } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { PeerId } from '@libp2p/interface'

interface AggregateGraph extends Graph {
  readonly idle: { add(scope: AggregateScope): void }
  readonly limitCap?: LimitCap
}

export interface AggregateScopeInit extends Limited {
  /**
   * Also counts what is reserved directly in this scope
   */
  parent?: AggregateScope

  /**
   * For a share, the scope of its peer
   */
  peerScope?: AggregateScope

  /**
   * For a share, its protocol or service
   */
  whole?: AggregateScope
}

/**
 * The share that a peer has of a protocol or service
 */
export type PeerShareScope = AggregateScope & {
  readonly peerScope: AggregateScope
  readonly whole: AggregateScope
}

/**
 * Remote peers decide how many of these there are, so they are forgotten when they hold nothing.
 * The other kinds are few, and stay.
 */
const COLLECTED = new Set<ScopeKind>(['peer', 'protocol', 'servicePeer', 'protocolPeer'])

/**
 * A scope that adds up what streams, connections and spans hold: system,
 * transient, services, protocols, peers and the two allowlisted ones.
 *
 * One class for all of them keeps the code that checks and commits monomorphic.
 */
export class AggregateScope extends LimitedCounts implements PeerScope, ProtocolScope, ServiceScope {
  /**
   * It waits in the list of scopes that may be idle. Kinds that are never collected have this set
   * from the start.
   */
  queued: boolean
  readonly whole?: AggregateScope

  // see peer-children.ts
  firstChild?: PeerShareScope = undefined
  nextSibling?: PeerShareScope = undefined
  readonly #peer?: PeerId

  /**
   * How many views, spans and handles need this scope to stay
   */
  references = 0

  /**
   * What `setLimit` has set. Collecting the scope would forget it.
   */
  ownLimits?: ParsedLimits = undefined

  closed = false
  readonly parent?: AggregateScope
  readonly kind: ScopeKind
  readonly key: string
  readonly graph: AggregateGraph

  /**
   * The part of `memory` that was reserved directly in this scope. No more can be released here.
   */
  ownMemory = 0

  refusals = 0

  /**
   * How many spans were ever opened: the latest has this number
   */
  spans = 0

  readonly peerScope?: AggregateScope

  constructor (graph: AggregateGraph, limit: Readonly<Limit>, init: AggregateScopeInit) {
    super(limit)
    this.queued = !COLLECTED.has(init.kind)
    this.whole = init.whole
    this.parent = init.parent
    this.kind = init.kind
    this.key = init.key
    this.graph = graph
    this.peerScope = init.peerScope
    this.#peer = init.peer
  }

  get name (): string {
    switch (this.kind) {
      case 'service':
      case 'protocol':
      case 'peer':
        return `${this.kind}:${this.key}`
      case 'servicePeer':
      case 'protocolPeer':
        return `${this.whole?.name}.peer:${this.key}`
      default:
        return this.kind
    }
  }

  get limitPath (): SettingPath | undefined {
    return this.graph.limitPath(this.kind, this.whole?.key ?? this.key)
  }

  get usage (): Usage {
    return this
  }

  /**
   * The scopes that count what is reserved directly in this one
   */
  get selfAndEdges (): AggregateScope[] {
    return this.parent == null ? [this] : [this, this.parent]
  }

  /**
   * Set in every scope that is handed out as a `PeerScope`
   */
  get peer (): PeerId {
    return this.#peer as PeerId
  }

  get protocol (): string {
    return this.key
  }

  get service (): string {
    return this.key
  }

  // as the owner of spans, and of memory that is reserved directly in it

  /**
   * Whether this scope is open, and it and its parent have room
   */
  hasMemory (size: number, priority: number): boolean {
    return !this.closed && this.fitsMemory(size, priority) && (this.parent == null || this.parent.fitsMemory(size, priority))
  }

  /**
   * The first scope on the way up that is closed or has no room
   */
  firstWithoutMemory (size: number, priority: number): AggregateScope | undefined {
    return this.selfAndEdges.find(scope => scope.closed || !scope.fitsMemory(size, priority))
  }

  /**
   * Adds memory that fits, for this scope or for a span of it
   */
  addMemory (size: number): void {
    this.memory += size

    if (this.parent != null) {
      this.parent.memory += size
    }
  }

  /**
   * Adds memory of buffers: below 0, there is less
   */
  addBuffers (size: number): void {
    this.memory += size
    this.markBuffers(size)
  }

  /**
   * Says how much of the memory that was added, or below 0 is about to be removed, is in buffers
   */
  markBuffers (size: number): void {
    // the system counts buffers against its limit like all other memory
    if (this.parent != null || this.whole != null) {
      this.buffers += size
    }
  }

  removeMemory (size: number): void {
    this.memory -= size

    if (this.parent != null) {
      this.parent.memory -= size
    }

    this.queueIfIdle()
  }

  endSpan (memory: number): void {
    this.removeMemory(memory)
    this.unreference()
  }

  unreference (): void {
    this.references--
    this.queueIfIdle()
  }

  /**
   * It holds nothing and nobody needs it: it can be forgotten
   */
  get idle (): boolean {
    return this.empty && this.references === 0 && this.ownLimits === undefined
  }

  queueIfIdle (): void {
    if (!this.queued && this.idle) {
      this.queued = true
      this.graph.idle.add(this)
    }
  }

  // ResourceScope. Owned scopes repeat this code: V8 would see too many shapes in a shared method,
  // on the hottest path of all

  /**
   * Reserves memory, or answers why not
   */
  tryReserveMemory (size: number, priority: number = MEMORY_PRIORITY_ALWAYS): Refusal | undefined {
    checkSize(size)
    checkPriority(priority)

    if (!this.hasMemory(size, priority)) {
      const refusal = this.graph.refuseMemory(this, size, priority)

      if (refusal != null) {
        return refusal
      }
    }

    this.ownMemory += size
    this.addMemory(size)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.added(this.selfAndEdges, { ...NOTHING, memory: size }, priority)
    }
  }

  reserveMemory (size: number, priority?: number): void {
    const refusal = this.tryReserveMemory(size, priority)

    if (refusal != null) {
      throw this.graph.errorOf(refusal)
    }
  }

  releaseMemory (size: number): void {
    checkSize(size)

    if (this.closed) {
      return
    }

    if (size > this.ownMemory) {
      this.graph.reportOverRelease(this, 'memory', size, this.ownMemory)
      size = this.ownMemory
    }

    this.ownMemory -= size
    this.removeMemory(size)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.removed(this.selfAndEdges, { ...NOTHING, memory: size })
    }
  }

  beginSpan (): ResourceScopeSpan {
    assertOpen(this)

    this.references++

    return this.graph.openSpan(this, ++this.spans)
  }

  setLimit (limits: ResourceLimits): void {
    this.ownLimits = { ...this.ownLimits, ...parseLimit(limits) }
    this.limit = resolveParsed(this.ownLimits, this.graph.limitCap?.uncapped(this) ?? this.limit)
    this.graph.limitCap?.limitChanged(this)
  }

  stat (): ScopeStat {
    return statOf(this)
  }

  toString (): string {
    return scopeText(this)
  }
}
