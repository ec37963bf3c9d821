import { expect } from 'aegir/chai'
import type { ResourceManager } from '../../src/index.ts'

/**
 * When somebody was admitted, at the earliest and at the latest: in ms, by a clock that all processes of a
 * machine have
 */
export interface Arrival {
  before: number
  after: number
}

function sharedClock (): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}

/**
 * @returns When it was, or nothing where there was no room
 */
export function tryToCome (manager: ResourceManager, address: string): Arrival | undefined {
  const before = sharedClock()

  try {
    manager.openConnection('inbound', false, address).done()

    return { before, after: sharedClock() }
  } catch (err: any) {
    expect(err.name).to.equal('RateLimitExceededError')
  }
}

/**
 * Someone who comes again and again, and when there was room
 */
export class Arrivals {
  readonly #times: Arrival[] = []
  #refused = 0

  get admitted (): number {
    return this.#times.length
  }

  get refused (): number {
    return this.#refused
  }

  come ({ manager }: { manager: ResourceManager }, address: string): boolean {
    return this.add(tryToCome(manager, address))
  }

  add (arrival: Arrival | undefined): boolean {
    if (arrival === undefined) {
      this.#refused++
      return false
    }

    this.#times.push(arrival)

    return true
  }

  /**
   * The most that there was above a rate in any window
   */
  excess (rate: number): number {
    const times = this.#times.sort((a, b) => a.before - b.before)
    let most = 0

    times.forEach(({ before }, first) => {
      let end = before

      for (let last = first; last < times.length; last++) {
        end = Math.max(end, times[last].after)
        most = Math.max(most, last - first + 1 - (end - before) * rate / 1_000)
      }
    })

    return most
  }
}
