/**
 * The graph of scopes: usage, limits, and how requests are counted or refused.
 *
 * In: a request for a connection, a stream or memory, and the scopes that it belongs to.
 * Out: the request is counted in all of these scopes, or it is refused and counted in none.
 * Fails: public methods throw a `ResourceLimitExceededError` or a `ResourceScopeClosedError`. All
 * others return a refusal. Either way, usage is unchanged.
 * Costs: one comparison and one addition for each edge, up to seven. A request that fits allocates
 * only its own scope (`npm run bench -- --check`).
 */

import type { Refusal, RefusingScope } from './refusal.ts'
import type { ResourceScopeSpan } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Usage } from './usage.ts'
import type { SettingPath } from '../limits/setting.ts'

/*
 * The graph bounds what a libp2p node holds: connections, streams, file descriptors and bytes. Each
 * scope has a usage and a limit. A request is counted in every scope that it belongs to, its
 * *edges*, or it is refused and counted in none.
 *
 *   manager ──owns──> ScopeGraph ──owns──> AggregateScope: adds up what others hold
 *                         │                   system, transient, and the allowlisted two
 *                         │                   services ──owns──> the share of each peer
 *                         │                   protocols ─owns──> the share of each peer
 *                         │                   peers
 *                         └──opens─> OwnedScope: open until its owner calls done()
 *                                       connection ──┐
 *                                       stream ──────┼──opens──> span ──opens──> span
 *                                       service span ┘
 *
 * A bitswap stream with a peer is counted in itself and six more, checked in this order:
 *
 *   stream-1 ──> peer:A ──> protocol:/ipfs/bitswap/1.2.0.peer:A ──> service:bitswap.peer:A
 *            ──> protocol:/ipfs/bitswap/1.2.0 ──> service:bitswap ──> system
 *
 * Before its protocol is known, its edges are peer:A, transient and system. The memory of the stream
 * and its spans is counted in the same scopes.
 *
 * - A request is checked in all scopes, then counted in all. There is no `await` in between, so
 *   nothing has to be undone. `fits…` and `has…` check, `find…` says why something does not fit,
 *   `add…`, `enter` and `join` count. `moves.ts` and `edges.ts` have the order of the checks.
 * - `try…` methods return a refusal, and public methods throw it. A refusal leaves usage, edges and
 *   names unchanged. Only `RefusingGraph.refuse` counts and reports it.
 * - A move asks only the new scopes, and takes along everything that is held (`moves.ts`).
 * - Closing a scope releases everything. A second call does nothing. A closed scope reserves nothing.
 * - Usage is never negative: releasing more than is held releases what is held, and is reported.
 * - Only a lowered limit, and bytes that are in a buffer already, can make usage exceed a limit.
 * - Scopes of peers and protocols are forgotten when they hold nothing and nobody references them
 *   (`idle-scopes.ts`). So the size of the graph follows what it counts.
 *
 * Only two classes hold usage, whatever the kind of scope: the checks see few shapes of objects and
 * stay fast. `test/scopes/graph-properties.spec.ts` compares all of this with a model that has one
 * list of holders and adds up anew each time.
 */

/**
 * A scope of the graph, as tracers see it
 */
export interface GraphScope extends RefusingScope {
  readonly closed: boolean
}

/**
 * A scope that is counted in other scopes
 */
export interface CountedScope extends GraphScope {
  readonly edges: GraphScope[]
  readonly usage: Usage
}

/**
 * Is told of every change, after it has happened
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
 * What every scope needs of its graph. `scope-graph.ts` imports all kinds of scopes, so none of them
 * can import it: each kind declares what else it needs.
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
