/**
 * The graph of scopes: usage and limits, and what reserves and releases.
 *
 * In: a request for a connection, a stream or memory, and the scopes that it belongs to.
 * Out: it is counted in all of them, or in none and there is a refusal.
 * Fails: public methods throw a `ResourceLimitExceededError` or a `ResourceScopeClosedError`. The
 * others answer with a refusal. Usage is unchanged then.
 * Costs: one comparison and one addition for each edge, up to seven. What fits allocates nothing
 * but its own scope (`npm run bench -- --check`).
 */

import type { Refusal, RefusingScope } from './refusal.ts'
import type { ResourceScopeSpan } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Usage } from './usage.ts'
import type { SettingPath } from '../limits/setting.ts'

/*
 * The graph of scopes bounds what a libp2p node holds: connections, streams, file descriptors and
 * bytes. Each scope has a usage and a limit. What somebody opens is counted in every scope that it
 * belongs to, its *edges*, or it is refused and counted in none.
 *
 *   manager ──owns──> ScopeGraph ──owns──> AggregateScope: adds up what others hold
 *                         │                   system, transient, and the allowlisted two
 *                         │                   services ──owns──> what each peer has of one
 *                         │                   protocols ─owns──> what each peer has of one
 *                         │                   peers
 *                         └──opens─> OwnedScope: held by who opened it, until done()
 *                                       connection ──┐
 *                                       stream ──────┼──opens──> span ──opens──> span
 *                                       service span ┘
 *
 * A bitswap stream with a peer is counted in itself and six more, checked in this order:
 *
 *   stream-1 ──> peer:A ──> protocol:/ipfs/bitswap/1.2.0.peer:A ──> service:bitswap.peer:A
 *            ──> protocol:/ipfs/bitswap/1.2.0 ──> service:bitswap ──> system
 *
 * Before its protocol is known these are peer:A, transient and system. Its memory, and that of its
 * spans, is counted in the same scopes.
 *
 * - A request is *found* to fit, then *added*: no `await` is between the two, so there is nothing
 *   to take back. `fits…` and `has…` check, `find…` says why not, `add…`, `enter` and `join` commit.
 *   Where something does not fit, `moves.ts` and `edges.ts` say what is asked first.
 * - `try…` methods answer with a refusal, and what is public throws it. A refusal leaves usage,
 *   edges and names as they were; it is counted and reported by `RefusingGraph.refuse` alone.
 * - A move asks only the scopes that are new, and takes along all that is held (`moves.ts`).
 * - Closing releases everything, once; a second time does nothing. What is closed reserves nothing.
 * - Usage never falls below 0: releasing more than is held releases what is held, and is reported.
 * - Limits that are lowered, and bytes that are in a buffer already, may make usage exceed a limit.
 *   Nothing else does.
 * - Aggregates of peers and protocols that hold nothing and that nobody references are forgotten
 *   (`idle-scopes.ts`), so a graph is as large as what it counts.
 *
 * Two classes, not one for each kind, hold the usage: what checks them has few shapes of objects to
 * know and stays fast. `test/scopes/graph-properties.spec.ts` compares all of this with a model that
 * keeps one list of holders and adds up anew each time.
 */

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
