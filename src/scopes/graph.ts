import type { Refusal, RefusingScope } from './refusal.ts'
import type { ResourceScopeSpan } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Usage } from './usage.ts'
import type { SettingPath } from '../limits/setting.ts'

/**
 * A scope of the graph, as those see it who are told of it
 */
export interface GraphScope extends RefusingScope {
  readonly closed: boolean
}

/**
 * A scope that is counted in others
 */
export interface CountedScope extends GraphScope {
  readonly edges: GraphScope[]
  readonly usage: Usage
}

/**
 * Is told of everything that changes, after it has changed
 */
export interface ChangeListener {
  entered(scope: CountedScope): void
  joined(scope: CountedScope, share: GraphScope, left?: GraphScope): void
  ended(scope: CountedScope): void
  created(scope: GraphScope): void
  destroyed(scope: GraphScope): void
  moved(scope: CountedScope, to: GraphScope[], from: GraphScope[]): void
  buffered(scope: CountedScope, size: number): void
  added(scopes: GraphScope[], usage: Usage, priority?: number): void
  removed(scopes: GraphScope[], usage: Usage): void
}

/**
 * What every scope needs of the graph that it is in. `scope-graph.ts` knows all kinds of
 * scopes, and so none of them can know it: each says what it needs beside this where it is
 * declared.
 */
export interface Graph {
  readonly tracer?: ChangeListener

  limitPath(kind: ScopeKind, name?: string): SettingPath | undefined
  openSpan(owner: GraphScope, serial: number): ResourceScopeSpan
  refuse(refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined
  refuseMemory(requester: GraphScope, size: number, priority: number): Refusal | undefined
  errorOf(refusal: Refusal): Error
  reportOverRelease(scope: { name: string }, resource: string, released: number, held: number): void
}
