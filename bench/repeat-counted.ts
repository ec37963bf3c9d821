import { passTime } from './manual-clock.ts'
import type { Operation, Repeated } from './operations/operation.ts'

/**
 * The same as `repeat` in a process whose clock is its own
 */
export async function repeatCounted (times: number, { times: atOnce = 1 }: Operation, repeated: Repeated): Promise<void> {
  for (let i = 0; i < times; i += atOnce) {
    const result = repeated()

    if (result != null) {
      await result
    }

    passTime(atOnce)
  }
}
