/**
 * The process of the victim. Nobody catches what it does not catch itself: it ends as any node would.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { findHeld } from '../../attacks/framework/invariants.ts'
import { childOptions, serve } from '../../attacks/framework/serve.ts'
import { Cases } from './cases.ts'
import { findStack } from './stacks.ts'
import { startVictimNode } from './victim-node.ts'

export interface VictimOptions {
  /** The name of its stack */
  stack: string
  seed: number

  /** The address of the relay over which it is reached */
  relay?: string
}

/**
 * The memory of the process, in bytes
 */
export interface VictimMemory {
  resident: number

  /** What is not garbage, with what is outside of the heap */
  used: number
}

/**
 * How often the resident memory is sampled, in ms
 */
const SAMPLE_INTERVAL = 20

setFlagsFromString('--expose-gc')

const gc: () => void = runInNewContext('gc')
const { stack: name, seed, relay } = childOptions<VictimOptions>()
const stack = findStack(name)
const node = await startVictimNode(stack, relay)
const manager = node.services.resourceManager
let peak = 0
let within: Cases | undefined

setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()) }, SAMPLE_INTERVAL)

serve({
  /** Once it can be reached */
  address: async () => {
    for (;;) {
      const address = node.getMultiaddrs().map(String).find(address => stack.via !== 'webrtc' || address.includes('/webrtc/'))

      if (address != null) {
        return address
      }

      await new Promise(resolve => node.addEventListener('self:peer:update', resolve, { once: true }))
    }
  },
  /** Where it can only be reached from its own process */
  run: async ({ from, to }: { from: number, to: number }) => {
    within ??= await Cases.create(stack, node.getMultiaddrs()[0].toString(), seed)
    await within.run(from, to)
  },
  memory: (): VictimMemory => {
    gc()

    const { heapUsed, arrayBuffers } = process.memoryUsage()

    return { resident: peak, used: heapUsed + arrayBuffers }
  },
  refused: () => manager.refusals().reduce((sum, { count }) => sum + count, 0),
  /** What it holds, but for the connection to its relay */
  left: async () => {
    if (relay == null) {
      return findHeld(manager)
    }

    const peer = relay.slice(relay.lastIndexOf('/') + 1)
    const { system } = manager.stat()

    return [
      ...findHeld(manager).filter(scope => scope !== 'system' && scope !== peer),
      ...(system.numConnsInbound + system.numConnsOutbound === 1 ? [] : ['system'])
    ]
  }
})
