import type { AggregateScope, PeerShareScope } from './aggregate-scope.ts'

/**
 * The shares that a peer has of protocols and services are a linked list. The share that was used
 * last is the first, so finding it again reads no other share: with very many peers, a stream mainly
 * costs the reading of memory that is in no cache.
 */

/**
 * The share of a peer in a protocol or service, if there is one
 */
export function findPeerChild (peerScope: AggregateScope, whole: AggregateScope): PeerShareScope | undefined {
  let child = peerScope.firstChild

  while (child !== undefined && child.whole !== whole) {
    child = child.nextSibling
  }

  return child
}

/**
 * The same for a share that is about to be used: it becomes the first of the list
 */
export function usePeerChild (peerScope: AggregateScope, whole: AggregateScope): PeerShareScope | undefined {
  let previous: PeerShareScope | undefined
  let child = peerScope.firstChild

  while (child !== undefined && child.whole !== whole) {
    previous = child
    child = child.nextSibling
  }

  if (child !== undefined && previous !== undefined) {
    previous.nextSibling = child.nextSibling
    child.nextSibling = peerScope.firstChild
    peerScope.firstChild = child
  }

  return child
}

export function addPeerChild (child: PeerShareScope): void {
  const { peerScope } = child

  child.nextSibling = peerScope.firstChild
  peerScope.firstChild = child
}

export function deletePeerChild (child: PeerShareScope): void {
  const { whole, peerScope } = child

  if (usePeerChild(peerScope, whole) === child) {
    peerScope.firstChild = child.nextSibling
    child.nextSibling = undefined
  }
}

export function * peerChildren (peerScope: AggregateScope): Generator<PeerShareScope> {
  for (let child = peerScope.firstChild; child !== undefined; child = child.nextSibling) {
    yield child
  }
}
