import type { MovableNode } from './movable-node.ts'

/**
 * Follows which connections and streams are where. It is called after the change, and must
 * not throw.
 *
 * There is one only while something is full. Without, nothing but a look at one field
 * happens.
 */
export interface ScopeFollower {
  /**
   * It has entered the graph, or has moved in it
   */
  placed(node: MovableNode): void

  /**
   * It has left the graph
   */
  left(node: MovableNode): void
}
