import type { AggregateNode, PeerChildNode } from './aggregate-node.ts'

/**
 * The shares that a peer has of protocols and services, in a list that runs through
 * the shares themselves. The one that was used last comes first, so that finding it
 * again reads no memory but its own: where there are very many peers, what a stream
 * costs is the memory that is in no cache.
 */

/**
 * The share of a peer in a protocol or service, if there is one
 */
export function findPeerChild (peerNode: AggregateNode, group: AggregateNode): PeerChildNode | undefined {
  let child = peerNode.firstChild

  while (child !== undefined && child.group !== group) {
    child = child.nextSibling
  }

  return child
}

/**
 * The same, for somebody who is going to use it
 */
export function usePeerChild (peerNode: AggregateNode, group: AggregateNode): PeerChildNode | undefined {
  let previous: PeerChildNode | undefined
  let child = peerNode.firstChild

  while (child !== undefined && child.group !== group) {
    previous = child
    child = child.nextSibling
  }

  if (child !== undefined && previous !== undefined) {
    previous.nextSibling = child.nextSibling
    child.nextSibling = peerNode.firstChild
    peerNode.firstChild = child
  }

  return child
}

export function addPeerChild (child: PeerChildNode): void {
  const { peerNode } = child

  child.nextSibling = peerNode.firstChild
  peerNode.firstChild = child
}

export function deletePeerChild (child: PeerChildNode): void {
  const { group, peerNode } = child

  if (usePeerChild(peerNode, group) === child) {
    peerNode.firstChild = child.nextSibling
    child.nextSibling = undefined
  }
}

export function * peerChildren (peerNode: AggregateNode): Generator<PeerChildNode> {
  for (let child = peerNode.firstChild; child !== undefined; child = child.nextSibling) {
    yield child
  }
}
