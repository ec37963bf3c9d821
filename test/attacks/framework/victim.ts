/**
 * The process of the victim
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { CapturedLogger } from '../../libp2p/fixtures/captured-logger.ts'
import { findAttack } from '../index.ts'
import { findHeld } from './invariants.ts'
import { childOptions, serve } from './serve.ts'
import { startVictim } from './victim-node.ts'
import { VictimObserver } from './victim-observer.ts'
import type { Peaks } from './victim-observer.ts'

export interface VictimOptions {
  /** The name of the attack that it is prepared for, if it is a certain one */
  attack?: string

  /** The address of the relay over which it can be reached too */
  relay?: string

  /** Whether it has a resource manager */
  enabled: boolean

  /** How often the invariants are checked, in ms */
  checkInterval: number
}

export interface VictimReport extends Peaks {
  /** How many connections and streams were refused */
  refused: number

  /** The same by what they were refused by, for people */
  refusedBy: string[]

  /** How many have given way to others */
  evicted: number

  /** Lines that the resource manager has logged */
  log: string[]

  /** Invariants that did not hold at some time */
  violations: string[]
}

/**
 * The memory of the process when there is no garbage, in bytes
 */
export interface VictimMemory {
  resident: number
  heap: number
}

setFlagsFromString('--expose-gc')

const gc: () => void = runInNewContext('gc')
const { attack, relay, enabled, checkInterval } = childOptions<VictimOptions>()
const logger = new CapturedLogger()
const victim = await startVictim(attack == null ? { honest: 'trusted' } : findAttack(attack), enabled, logger, relay)
const manager = victim.node.services.resourceManager
let observer: VictimObserver | undefined

serve({
  address: () => victim.node.getMultiaddrs()[0].toString(),
  memory: (): VictimMemory => {
    gc()

    return { resident: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed }
  },
  observe: () => { observer = new VictimObserver(victim, enabled ? checkInterval : 0) },
  /** Whether there is not enough for everybody */
  contested: () => manager.refusals().length + manager.evictions().length > 0,
  report: (): VictimReport | undefined => observer == null
    ? undefined
    : {
        ...observer.peaks,
        refused: manager.refusals().reduce((sum, { count }) => sum + count, 0),
        refusedBy: manager.refusals().map(({ count, kind, resource }) => `${count} ${resource} by ${kind}`),
        evicted: manager.evictions().reduce((sum, { count }) => sum + count, 0),
        log: logger.errors,
        violations: observer.violations
      },
  /** Whether nobody but the honest peer is connected, which has up to two connections */
  calm: () => victim.node.getConnections().length <= 2,
  /** What is left of an attack, once nobody is connected any more */
  left: () => [
    ...findHeld(manager),
    ...victim.node.getConnections().map(({ remoteAddr }) => `the connection of ${remoteAddr}`)
  ]
})
