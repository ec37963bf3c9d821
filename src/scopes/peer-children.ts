import type { AggregateNode, PeerChildNode } from './aggregate-node.ts'

/**
 * The shares that a peer has of protocols and services, by the node of the
 * protocol or service.
 *
 * A peer uses a handful of the protocols that this node has, so looking through a
 * short array is faster than a `Map`, and there is one for each of possibly very
 * many peers.
 */
export class PeerChildren {
  readonly #nodes: AggregateNode[] = []

  get (group: AggregateNode): PeerChildNode | undefined {
    const nodes = this.#nodes

    for (let i = 0; i < nodes.length; i += 2) {
      if (nodes[i] === group) {
        return nodes[i + 1] as PeerChildNode
      }
    }
  }

  add (child: PeerChildNode): void {
    this.#nodes.push(child.group, child)
  }

  delete (child: PeerChildNode): void {
    const nodes = this.#nodes
    const at = nodes.indexOf(child)

    if (at !== -1) {
      nodes.splice(at - 1, 2)
    }
  }

  * [Symbol.iterator] (): Generator<PeerChildNode> {
    for (let i = 1; i < this.#nodes.length; i += 2) {
      yield this.#nodes[i] as PeerChildNode
    }
  }
}
