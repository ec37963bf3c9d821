import { resolveLimit } from '../limits/build-limits.ts'
import { checkPriority, checkSize } from './arguments.ts'
import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from './memory-priority.ts'
import { RareFields, SERVICE_CHOSEN } from './rare-fields.ts'
import { assertOpen } from './refusal.ts'
import { NOTHING, scopeText, statOf } from './usage.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import type { Graph, GraphScope } from './graph.ts'
import type { Refusal } from './refusal.ts'
import type { ResourceScopeSpan, ScopeStat } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Usage } from './usage.ts'
import type { Limit, ResourceLimits } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'

/**
 * A scope that somebody opens and has to close: a connection, a stream, a span, or what a service
 * holds itself. What it reserves is reserved in its edges as well.
 *
 * There are tens of thousands of these. So they have few fields, and derive what they can.
 */
export abstract class OwnedScope implements ResourceScopeSpan {
  // set in the constructor, here and in subclasses: V8 inlines the constructor of a class only if
  // the class has no fields
  declare readonly graph: Graph

  /**
   * The number in its name
   */
  declare readonly serial: number

  /**
   * Includes what its open spans hold
   */
  declare memory: number

  /**
   * The part of `memory` that was reserved directly in this scope. No more can be released here.
   */
  declare ownMemory: number

  /**
   * `undefined` until one of these fields is set
   */
  declare rare?: RareFields
  declare closed: boolean

  constructor (graph: Graph, serial: number) {
    this.graph = graph
    this.serial = serial
    this.memory = 0
    this.ownMemory = 0
    this.rare = undefined
    this.closed = false
  }

  abstract get kind (): ScopeKind

  /**
   * A limit that no longer follows the configuration
   */
  abstract ownLimit?: Readonly<Limit> | undefined
  abstract get name (): string
  abstract get limit (): Readonly<Limit>
  abstract get limitPath (): SettingPath | undefined

  /**
   * What it adds to each of its edges
   */
  abstract get usage (): Usage

  /**
   * All other scopes that it is counted in
   */
  abstract get edges (): GraphScope[]

  /**
   * Whether all of its edges have room. The order in which they are asked does not matter.
   */
  protected abstract edgesHaveMemory (size: number, priority: number): boolean

  protected abstract addMemoryToEdges (size: number): void
  protected abstract removeMemoryFromEdges (size: number): void

  /**
   * Removes this scope, with the memory that it still holds, from its edges. Called once.
   */
  protected abstract leave (): void

  get reserved (): number {
    return this.memory
  }

  fitsMemory (size: number, priority: number): boolean {
    return this.memory + size <= memoryThreshold(this.limit.memory, priority)
  }

  /**
   * Forgets what it held. Called after {@link leave}.
   */
  protected empty (): void {
    this.memory = 0
    this.ownMemory = 0
  }

  protected makeRare (): RareFields {
    let { rare } = this

    if (rare === undefined || rare === SERVICE_CHOSEN) {
      this.rare = new RareFields()
      this.rare.serviceChosen = rare === SERVICE_CHOSEN
      rare = this.rare
    }

    return rare
  }

  /**
   * The scopes that count what is reserved in this one
   */
  get selfAndEdges (): GraphScope[] {
    return [this, ...this.edges]
  }

  /**
   * Whether this scope is open, and it and all of its edges have room
   */
  hasMemory (size: number, priority: number): boolean {
    return !this.closed && this.fitsMemory(size, priority) && this.edgesHaveMemory(size, priority)
  }

  /**
   * The first of this scope and its edges that is closed or has no room
   */
  firstWithoutMemory (size: number, priority: number): AggregateScope | OwnedScope | undefined {
    return (this.selfAndEdges as Array<AggregateScope | OwnedScope>).find(scope => scope.closed || !scope.fitsMemory(size, priority))
  }

  /**
   * Adds memory that fits, for this scope or for a span of it
   */
  addMemory (size: number): void {
    this.memory += size
    this.addMemoryToEdges(size)
  }

  removeMemory (size: number): void {
    this.memory -= size
    this.removeMemoryFromEdges(size)
  }

  endSpan (memory: number): void {
    this.removeMemory(memory)
  }

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

    return this.graph.openSpan(this, ++this.makeRare().spans)
  }

  setLimit (limits: ResourceLimits): void {
    this.ownLimit = resolveLimit(limits, this.limit)
  }

  stat (): ScopeStat {
    return statOf(this.closed ? NOTHING : this.usage)
  }

  toString (): string {
    return scopeText(this)
  }

  release (): void {
    if (!this.closed) {
      this.releaseMemory(this.ownMemory)
    }
  }

  done (): void {
    if (this.closed) {
      return
    }

    this.closed = true
    this.leave()

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.ended(this)
    }

    this.empty()
  }

  [Symbol.dispose] (): void {
    this.done()
  }
}
