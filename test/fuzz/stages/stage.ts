import type { Random } from '../../attacks/framework/random.ts'
import type { ClientOptions } from '../../attacks/framework/web-socket-client.ts'
import type { HostileNode } from '../framework/hostile-node.ts'
import type { RawServer } from '../framework/raw-server.ts'
import type { Stack } from '../framework/stacks.ts'
import type { Socket } from 'node:net'

/**
 * What a case has to attack with
 */
export interface Situation {
  stack: Stack

  /** Where the victim listens */
  address: string

  /** Where its socket is, for those who attack it directly */
  socket: Pick<ClientOptions, 'host' | 'port' | 'secure'>
  random: Random

  /** A node of its own, and where it listens */
  hostile: HostileNode
  listening: string[]

  /** What becomes of sockets that the victim has dialled, where it dials any */
  server: RawServer

  /** When the case has lasted long enough */
  signal: AbortSignal

  /** An address of this machine that nobody else uses */
  localAddress: string

  /** Closes a socket when the case is over, if it has not been closed before */
  keep (socket: Socket): void
}

/**
 * One stage of a connection, and how it is attacked: differently for each case
 */
export interface Stage {
  name: string

  /** Which stacks have it */
  applies (stack: Stack): boolean

  run (situation: Situation): Promise<void>
}
