import { OwnedNode } from './owned-node.ts'
import { NOTHING } from './refusal.ts'
import type { AggregateNode } from './aggregate-node.ts'
import type { Graph, GraphScope } from './graph.ts'
import type { Usage } from './refusal.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'

/**
 * A temporary child of any node. It has the limit that its owner had when it
 * began, and reserves in its owner and so in everything that constrains that.
 *
 * It may outlive its owner: what it held was released with the owner then.
 */
export class SpanNode extends OwnedNode {
  declare ownLimit: Readonly<Limit>
  declare readonly owner: AggregateNode | OwnedNode

  constructor (graph: Graph, owner: AggregateNode | OwnedNode, serial: number) {
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

  get constraints (): GraphScope[] {
    return this.owner.closed ? [] : this.owner.chain
  }

  protected firstConstraintWithoutMemory (size: number, priority: number): AggregateNode | OwnedNode | undefined {
    return this.owner.firstWithoutMemory(size, priority)
  }

  protected takeFromConstraints (size: number): void {
    this.owner.takeMemory(size)
  }

  protected giveToConstraints (size: number): void {
    if (!this.owner.closed) {
      this.owner.giveMemory(size)
    }
  }

  protected leave (): void {
    if (!this.owner.closed) {
      this.owner.endSpan(this.memory)
    }
  }
}
