import { OwnedScope } from './owned-scope.ts'
import { NOTHING } from './usage.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import type { Graph, GraphScope } from './graph.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Usage } from './usage.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'

/**
 * A temporary child of any scope. It has the limit that its owner had when the span was opened. What
 * it reserves is reserved in its owner and the owner's edges as well.
 *
 * It may outlive its owner. Closing the owner releases what the span holds.
 */
export class SpanScope extends OwnedScope {
  declare ownLimit: Readonly<Limit>
  declare readonly owner: AggregateScope | OwnedScope

  constructor (graph: Graph, owner: AggregateScope | OwnedScope, serial: number) {
    super(graph, serial)
    this.ownLimit = owner.limit
    this.owner = owner
  }

  get kind (): ScopeKind {
    return 'span'
  }

  get name (): string {
    return `${this.owner.name}.span-${this.serial}`
  }

  get limit (): Readonly<Limit> {
    return this.ownLimit
  }

  get limitPath (): SettingPath | undefined {
    return this.owner.limitPath
  }

  get usage (): Usage {
    return { ...NOTHING, memory: this.memory }
  }

  get edges (): GraphScope[] {
    return this.owner.closed ? [] : this.owner.selfAndEdges
  }

  protected edgesHaveMemory (size: number, priority: number): boolean {
    return this.owner.hasMemory(size, priority)
  }

  firstWithoutMemory (size: number, priority: number): AggregateScope | OwnedScope | undefined {
    // a closed owner is no edge, but must be found
    return this.closed || !this.fitsMemory(size, priority) ? this : this.owner.firstWithoutMemory(size, priority)
  }

  protected addMemoryToEdges (size: number): void {
    this.owner.addMemory(size)
  }

  protected removeMemoryFromEdges (size: number): void {
    if (!this.owner.closed) {
      this.owner.removeMemory(size)
    }
  }

  protected leave (): void {
    if (!this.owner.closed) {
      this.owner.endSpan(this.memory)
    }
  }
}
