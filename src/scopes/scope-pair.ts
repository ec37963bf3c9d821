import type { AggregateNode } from './aggregate-node.ts'

/**
 * The two scopes at the top of every connection and stream. There are the normal pair, one
 * for those who are trusted when the normal one is full, and one of both for connections that
 * have to prove first that they are.
 */
export interface ScopePair {
  readonly system: AggregateNode
  readonly transient: AggregateNode
  readonly allowlisted: boolean
}
