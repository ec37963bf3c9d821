import type { Attack } from './attack.ts'
import type { HonestReport } from './honest.ts'
import type { Outcome } from './run-attack.ts'
import type { Peaks } from './victim-observer.ts'

const MiB = 2 ** 20

/**
 * How many of what the honest peer tries must succeed
 */
const MIN_SUCCESS = 0.99

/**
 * How many lines the resource manager may log during an attack of a few seconds
 */
const MAX_LOG_LINES = 20

/**
 * By how much the heap may have grown when all is over, in MiB: what libp2p remembers of
 * peers, and code that has been compiled
 */
const MAX_HEAP_GROWTH = 16

export interface Measured extends Pick<Peaks, 'sockets' | 'connections' | 'streams' | 'handlers'> {
  /** By how much the resident memory grew, in MiB */
  resident: number

  /** In buffers, in MiB */
  buffered: number

  /** The share of what the honest peers have tried that succeeded, of the one with the least */
  honest: number
}

function shareOf ({ succeeded, failed }: HonestReport): number {
  return succeeded / (succeeded + failed)
}

export function measure ({ before, honest, victim }: Outcome): Measured {
  return {
    resident: Math.round((victim.resident - before.resident) / MiB),
    sockets: victim.sockets,
    connections: victim.connections,
    streams: victim.streams,
    buffered: Math.round(victim.buffered / MiB),
    handlers: victim.handlers,
    honest: Math.min(...Object.values(honest).map(shareOf))
  }
}

/**
 * What is wrong with the outcome of an attack on a node with a resource manager
 */
export function findProblems (attack: Attack, outcome: Outcome): string[] {
  const { after, before, honest, left, output, victim } = outcome
  const measured = measure(outcome)
  const heapGrowth = (after.heap - before.heap) / MiB
  const exceeded = Object.entries(attack.bounds)
    .map(([name, bound]) => ({ name, bound, value: measured[name as keyof Measured] }))
    .filter(({ bound, value }) => value > bound)

  return [
    ...exceeded.map(({ name, bound, value }) => `${name}: ${value}, expected at most ${bound}`),
    ...(victim.refused + victim.evicted > 0 || attack.refused === false ? [] : ['nothing was refused, there was no attack']),
    ...Object.entries(honest)
      .filter(([, report]) => !(shareOf(report) >= MIN_SUCCESS))
      .map(([name, { failed, succeeded, lastError }]) => `the ${name} lost service: ${failed} of ${succeeded + failed} failed, ${lastError}`),
    ...(left.length === 0 ? [] : [`still held when all were gone: ${left.join(', ')}`]),
    ...(heapGrowth <= MAX_HEAP_GROWTH ? [] : [`the heap has grown by ${heapGrowth.toFixed(1)} MiB when all was over`]),
    ...(victim.log.length <= MAX_LOG_LINES ? [] : [`${victim.log.length} lines of log: ${victim.log[0]}`]),
    ...(output === '' ? [] : [`the victim has printed: ${output}`]),
    ...victim.violations
  ]
}
