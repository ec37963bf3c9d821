import { Rule } from '../../scopes/refusal.ts'
import { oneOf } from '../../scopes/usage.ts'
import type { Refusal } from '../../scopes/refusal.ts'

/**
 * Something that refuses what remotes open while the process has too much to do. What
 * this node opens and allowlisted addresses go on.
 */
export interface Pressure {
  /**
   * Why an inbound connection or stream must not be opened now, if so
   */
  find(request: 'connection' | 'stream'): Refusal | undefined
}

const RULES = {
  processMemory: new Rule('process', { setting: ['processMemory', 'max'] }),
  eventLoopDelay: new Rule('process', { setting: ['eventLoopDelay', 'max'] })
}

/**
 * The process has more memory resident than it may have, in bytes, or its event loop is later
 * than it may be, in ms
 */
export function refuseForPressure (option: keyof typeof RULES, request: 'connection' | 'stream', current: number, limit: number): Refusal {
  // time is no resource: what there is no time for is one
  return RULES[option].refuse(option === 'processMemory' ? 'memory' : request, oneOf(request, true), current, limit, undefined, 0)
}

/**
 * All of them, each with a setting of its own
 */
export class Pressures implements Pressure {
  readonly #pressures: Pressure[]

  constructor (pressures: Pressure[]) {
    this.#pressures = pressures
  }

  find (request: 'connection' | 'stream'): Refusal | undefined {
    // asked for every stream, and nearly always empty
    for (let i = 0; i < this.#pressures.length; i++) {
      const refusal = this.#pressures[i].find(request)

      if (refusal != null) {
        return refusal
      }
    }
  }

  /**
   * Why some of what is in buffers has to be given up, if so
   */
  findProcessRefusal (): Refusal | undefined {
    return undefined
  }
}

/**
 * Two thresholds for a reading. Without a distance between them, a node would switch back and
 * forth all the time.
 */
export class Thresholds {
  readonly max: number
  readonly resume: number

  /** Whether the reading has been above the first, and not below the second since */
  exceeded = false

  constructor (max: number, resume: number) {
    this.max = max
    this.resume = resume
  }

  update (reading: number): void {
    this.exceeded = this.exceeded ? reading >= this.resume : reading > this.max
  }
}
