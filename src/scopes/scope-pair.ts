import type { AggregateNode } from './aggregate-node.ts'

/**
 * The two scopes at the top of every connection and stream. There are two pairs:
 * the normal one, and one for trusted addresses when the normal one is full.
 */
export interface ScopePair {
  readonly system: AggregateNode
  readonly transient: AggregateNode
  readonly allowlisted: boolean
}
