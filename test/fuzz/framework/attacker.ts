/**
 * The process of those who attack
 */

import { childOptions, serve } from '../../attacks/framework/serve.ts'
import { Cases } from './cases.ts'
import { findStack } from './stacks.ts'

export interface AttackerOptions {
  /** The name of the stack of the victim */
  stack: string

  /** Where the victim listens */
  address: string
  seed: number

  /** The name of the only stage that is attacked */
  only?: string
}

const { stack, address, seed, only } = childOptions<AttackerOptions>()

// an attacker does what libp2p does not expect, and goes on
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

const cases = await Cases.create(findStack(stack), address, seed, only)

serve({
  run: async ({ from, to }: { from: number, to: number }) => cases.run(from, to)
})
