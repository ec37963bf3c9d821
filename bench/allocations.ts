import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PREDICTABLE } from './predictable.ts'

const COUNTED = new URL('./allocations/counted.ts', import.meta.url)

/**
 * Bytes that each operation allocates, in a process of its own: which objects are never
 * made depends on what the compiler knows when it gets to them
 */
export async function countAllocations (): Promise<Record<string, number>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', ...PREDICTABLE, fileURLToPath(COUNTED)])

  return JSON.parse(stdout)
}
