import { setImmediate } from 'node:timers/promises'

/**
 * In ms: what takes longer is work of the manager
 */
const PIECE = 0.2

export type Work = () => unknown

interface Turns {
  longest: number

  /** Of those that ran without a break */
  undisturbed: number
}

/**
 * How often others were given the processor while this process wanted it
 */
export function breaks (): number {
  return process.resourceUsage().involuntaryContextSwitches
}

/**
 * @returns How long turns of the event loop were, in ms
 */
async function measureTurns (work: Work): Promise<Turns> {
  const state = { done: false }
  const turns: Turns = { longest: 0, undisturbed: 0 }
  let before = breaks()
  let start = performance.now()
  const working = Promise.resolve(work()).finally(() => { state.done = true })

  do {
    await setImmediate()

    const length = performance.now() - start

    turns.longest = Math.max(turns.longest, length)

    if (breaks() === before) {
      turns.undisturbed = Math.max(turns.undisturbed, length)
    }

    before = breaks()
    start = performance.now()
  } while (!state.done)

  await working

  return turns
}

/**
 * The longest turn of the event loop while something is done, in ms. What is in one piece is
 * always the longest. What is in several was disturbed in some of them on a busy machine, and
 * those tell nothing.
 */
export async function longestTurn (work: Work): Promise<number> {
  const { longest, undisturbed } = await measureTurns(work)

  return undisturbed > PIECE ? undisturbed : longest
}
