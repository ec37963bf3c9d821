import { eventuallyEqual } from '../fixtures/eventually.ts'
import { held } from '../fixtures/nodes.ts'
import type { Held, NodeOptions, TestNode, TestNodes } from '../fixtures/nodes.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Two nodes that can be connected. Where they need others to be, such as a relay,
 * they are connected to those already.
 */
export interface Pair {
  dialer: TestNode
  listener: TestNode

  /** Where the listener listens, with its peer id */
  address: Multiaddr

  /** Another address with the peer id of the listener */
  otherAddress: Multiaddr

  /** An address that nobody listens on */
  deadAddress: Multiaddr
}

export interface PairOptions {
  dialer?: NodeOptions
  listener?: NodeOptions
}

/**
 * What is particular about a transport
 */
export interface TransportUnderTest {
  connect(nodes: TestNodes, options?: PairOptions): Promise<Pair>

  /** File descriptors of one connection */
  fileDescriptors: number
}

/**
 * What a dialer and a listener hold
 */
export function heldByBoth ({ dialer, listener }: Pair): [Held, Held] {
  return [held(dialer), held(listener)]
}

/**
 * Waits until a connection has left nothing at both ends
 */
export async function eventuallyBackTo (before: [Held, Held], pair: Pair): Promise<void> {
  await eventuallyEqual(() => heldByBoth(pair), before, 'what the dialer and the listener hold')
}
