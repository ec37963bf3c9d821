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
 * A scope that somebody opens and has to close: a connection, a stream, a span or
 * what a service holds itself. It reserves in its edges.
 *
 * These exist by the ten thousand, so they have few fields, and what can be
 * derived is.
 */
export abstract class OwnedScope implements ResourceScopeSpan {
  // not fields of the class but set in the constructor, here and in what extends this:
  // V8 compiles a constructor into the one that calls it only if its class has no fields
  declare readonly graph: Graph

  /**
   * The number in its name
   */
  declare readonly serial: number

  /**
   * What it holds, its open spans included
   */
  declare memory: number

  /**
   * The part of `memory` that was reserved directly in this scope: the most that
   * may be released here
   */
  declare ownMemory: number

  /**
   * Left out where none of it is set
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
   * A limit of its own, which does not follow the configuration
   */
  abstract ownLimit?: Readonly<Limit> | undefined
  abstract get name (): string
  abstract get limit (): Readonly<Limit>
  abstract get limitPath (): SettingPath | undefined

  /**
   * What it is and what it holds, as something that is added to another scope
   */
  abstract get usage (): Usage

  /**
   * The scopes that it is counted in, all that are above it
   */
  abstract get edges (): GraphScope[]

  /**
   * Whether there is room in all of its edges, which are asked in any order
   */
  protected abstract edgesHaveMemory (size: number, priority: number): boolean

  /**
   * Adds to its edges
   */
  protected abstract addMemoryToEdges (size: number): void

  /**
   * The opposite of {@link addMemoryToEdges}
   */
  protected abstract removeMemoryFromEdges (size: number): void

  /**
   * Takes what this scope is, itself and the memory that it still holds, out of
   * its edges. It is called once.
   */
  protected abstract leave (): void

  get reserved (): number {
    return this.memory
  }

  fitsMemory (size: number, priority: number): boolean {
    return this.memory + size <= memoryThreshold(this.limit.memory, priority)
  }

  /**
   * Forgets what it held, after {@link leave}
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
   * What is reserved in this scope is reserved in these
   */
  get selfAndEdges (): GraphScope[] {
    return [this, ...this.edges]
  }

  /**
   * Whether this scope is open, and there is room in it and all of its edges
   */
  hasMemory (size: number, priority: number): boolean {
    return !this.closed && this.fitsMemory(size, priority) && this.edgesHaveMemory(size, priority)
  }

  /**
   * The first scope, this one or one of its edges, that is closed or has no
   * room
   */
  firstWithoutMemory (size: number, priority: number): AggregateScope | OwnedScope | undefined {
    return (this.selfAndEdges as Array<AggregateScope | OwnedScope>).find(scope => scope.closed || !scope.fitsMemory(size, priority))
  }

  /**
   * Adds memory that was found to fit, for this scope or for a span of it
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
