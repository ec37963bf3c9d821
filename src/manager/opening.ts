import { memoryThreshold, openingPriority } from '../scopes/memory-priority.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopePair } from '../scopes/scope-pair.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The base costs of connections and streams, in bytes. It is reserved when
 * they open.
 */
export interface BaseCosts {
  readonly connection: number
  readonly stream: number
}

/**
 * One of the things that are asked, in their order, before something happens
 */
export interface Check<A extends unknown[]> {
  /**
   * Why it must not happen, if so. Nothing is counted.
   */
  find(...request: A): Refusal | undefined

  /**
   * Answers the same, and takes what is used up by what passes
   */
  take?(...request: A): Refusal | undefined
}

/**
 * Where something would come from that does not fit
 */
export interface Newcomer {
  readonly request: 'connection' | 'stream'
  readonly address?: Multiaddr
  readonly connection?: ConnectionScope
  readonly peer?: PeerId
}

/**
 * How connections and streams are opened: by the graph, or in thought only, to explain what
 * would become of them
 */
export interface Opening {
  newConnection(direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope

  /**
   * Whether anybody can give way: a refusal must be cheap where nobody can
   */
  readonly canMakeRoom: boolean

  /**
   * Lets others give way to something that does not fit
   */
  makeRoom(reason: Refusal, newcomer: DefaultConnectionScope | DefaultStreamScope, check: () => Refusal | undefined): Refusal | undefined

  /**
   * What is opened in the place of a connection for which the system has no room, if its peer may
   * turn out to be trusted
   */
  prove(refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined

  /**
   * What has to be turned down of what does not fit
   */
  refuse(reason: Refusal): Refusal | undefined
}

/**
 * How many connections that remotes open a memory limit is enough for
 */
export function affordableConnections (memory: number, { connection }: BaseCosts): number {
  return Math.floor(memoryThreshold(memory, openingPriority(true)) / connection)
}
