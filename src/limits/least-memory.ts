import { InvalidParametersError } from '@libp2p/interface'
import { describe } from '../util/describe-value.ts'
import type { MemorySize } from './memory-size.ts'

/**
 * Ten connections with a stream each fit into this, in bytes, with what they weigh by
 * default (`baseCosts`), as those that the remote opens may fill about 80% of a limit
 */
const LEAST_MEMORY = 2 ** 20

/**
 * Refuses an amount of memory in which next to nothing fits: a node with it would refuse
 * everything, and its author has most likely forgotten a unit
 *
 * @param bytes - what it comes to
 * @param given - what was written
 * @throws {InvalidParametersError} saying what it means
 */
export function checkEnoughMemory (bytes: number, given: MemorySize): void {
  if (bytes < LEAST_MEMORY) {
    const hint = typeof given === 'number' ? `did you mean "${given}MB"?` : `which is ${bytes} bytes`

    throw new InvalidParametersError(`maxMemory: expected at least "1MiB", as not even ten connections fit into ${describe(given)}${typeof given === 'number' ? ' bytes' : ''} (${hint})`)
  }
}
