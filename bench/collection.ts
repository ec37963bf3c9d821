import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { createResourceManager } from '../src/index.ts'
import { openStream } from './operations/operation.ts'
import type { DefaultResourceManager } from '../src/manager/resource-manager.ts'
import type { PeerId } from '@libp2p/interface'
import type { PerformanceEntry } from 'node:perf_hooks'

/**
 * How often everything is measured
 */
const RUNS = 20

/**
 * How the event loop fares while idle peers are forgotten in the background, in ms
 */
export interface CollectionFigures {
  peers: number

  /** How long it took until all were forgotten */
  total: number

  /** The longest time that the event loop was held */
  longest: number

  /** The same without the time in which the engine collected its own garbage */
  longestOwn: number
}

/**
 * One turn of the event loop
 */
interface Turn {
  start: number
  end: number
}

/**
 * The run in which the machine did least else. Whatever the manager itself holds the
 * event loop for it does in every run.
 */
export async function measureCollection (peers: PeerId[]): Promise<CollectionFigures> {
  const runs: CollectionFigures[] = []

  for (let run = 0; run < RUNS; run++) {
    runs.push(await collectOnce(peers))
  }

  return runs.sort((a, b) => a.longest - b.longest)[0]
}

/**
 * Lets many peers become idle at once, each with a stream that was opened and closed,
 * and observes the event loop until they are forgotten
 */
async function collectOnce (peers: PeerId[]): Promise<CollectionFigures> {
  const manager = createResourceManager() as DefaultResourceManager
  const pauses: PerformanceEntry[] = []
  const observer = new PerformanceObserver(list => { pauses.push(...list.getEntries()) })

  await manager.start()

  for (const peer of peers) {
    openStream(manager, peer).done()
  }

  // what the above has left is not what is measured
  globalThis.gc?.()
  observer.observe({ entryTypes: ['gc'] })

  const turns = await observeTurns(() => manager.core.graph.peers.size > 0)

  // entries are delivered later
  await setImmediate()
  observer.disconnect()
  await manager.stop()

  const durations = turns.map(({ start, end }) => end - start)
  const own = turns.map(({ start, end }) => {
    const inTurn = pauses.filter(({ startTime }) => startTime >= start && startTime < end)

    return end - start - inTurn.reduce((sum, { duration }) => sum + duration, 0)
  })

  return {
    peers: peers.length,
    total: durations.reduce((sum, duration) => sum + duration),
    longest: Math.max(...durations),
    longestOwn: Math.max(...own)
  }
}

async function observeTurns (goesOn: () => boolean): Promise<Turn[]> {
  const turns: Turn[] = []
  let start = performance.now()

  while (goesOn()) {
    await setImmediate()

    const end = performance.now()

    turns.push({ start, end })
    start = end
  }

  return turns
}
