import { memoryThreshold, openingPriority } from '../scopes/memory-priority.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopePair } from '../scopes/scope-pair.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The base costs of connections and streams, in bytes. They are reserved when these open.
 */
export interface BaseCosts {
  readonly connection: number
  readonly stream: number
}

/**
 * A check in one of the ordered lists
 */
export interface Check<A extends unknown[]> {
  /**
   * Why the request is refused, if so. Counts nothing.
   */
  find(...request: A): Refusal | undefined

  /**
   * The same, and if the request passes, takes what it uses up, such as a token of a rate
   */
  take?(...request: A): Refusal | undefined
}

/**
 * Where a request comes from that does not fit
 */
export interface Newcomer {
  readonly request: 'connection' | 'stream'
  readonly address?: Multiaddr
  readonly connection?: ConnectionScope
  readonly peer?: PeerId
}

/**
 * Opens connections and streams: the graph, or `explain`, which only imagines them
 */
export interface Opening {
  newConnection(direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope

  /**
   * Whether anybody can give way. If nobody can, a refusal has to be cheap.
   */
  readonly canMakeRoom: boolean

  /**
   * Lets others give way to something that does not fit
   */
  makeRoom(reason: Refusal, newcomer: DefaultConnectionScope | DefaultStreamScope, check: () => Refusal | undefined): Refusal | undefined

  /**
   * The connection to open in the `proving` pair if the system has no room, but the peer may turn
   * out to be trusted
   */
  prove(refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined

  /**
   * Counts and reports a refusal. Answers nothing if limits are not enforced.
   */
  refuse(reason: Refusal): Refusal | undefined
}

/**
 * For how many inbound connections a memory limit is enough
 */
export function affordableConnections (memory: number, { connection }: BaseCosts): number {
  return Math.floor(memoryThreshold(memory, openingPriority(true)) / connection)
}
