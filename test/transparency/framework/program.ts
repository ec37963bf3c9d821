import type { World } from './world.ts'

/**
 * Something that a program written as js-libp2p's own packages are does with its nodes
 */
export interface Program {
  /**
   * Completes "is not noticed by a program that …"
   */
  what: string

  /**
   * What it comes to, which does not depend on time or chance
   */
  outcome: unknown

  /**
   * @returns What it really came to. Whatever fails rejects.
   */
  run(world: World): Promise<unknown>

  /**
   * How often a failure may be tried again, for transports that now and then fail between two nodes on one
   * machine, with and without a resource manager
   *
   * @default 0
   */
  retries?: number
}
