import type { ConnectionNode } from './connection-node.ts'

/**
 * The connections that are open, for what has to look at all of them. A connection
 * knows its position, so that adding and removing one takes no look-up.
 */
export class OpenConnections {
  readonly #nodes: ConnectionNode[] = []

  add (node: ConnectionNode): void {
    node.position = this.#nodes.push(node) - 1
  }

  delete (node: ConnectionNode): void {
    const nodes = this.#nodes
    const last = nodes.pop()

    if (last != null && last !== node) {
      nodes[node.position] = last
      last.position = node.position
    }
  }

  [Symbol.iterator] (): Iterator<ConnectionNode> {
    return this.#nodes.values()
  }
}
