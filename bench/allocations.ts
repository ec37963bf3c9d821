import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ENVIRONMENT, PREDICTABLE } from './predictable.ts'

const COUNTED = new URL('./allocations/counted.ts', import.meta.url)

async function run (...args: string[]): Promise<any> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', ...PREDICTABLE, fileURLToPath(COUNTED), ...args], { env: ENVIRONMENT })

  return JSON.parse(stdout)
}

/**
 * Bytes that each operation allocates, each in a process of its own: which objects are
 * never made depends on what the compiler knows when it gets to them, and that must not
 * change because something else is measured too
 */
export async function countAllocations (): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {}

  for (const name of await run() as string[]) {
    bytes[name] = await run(name)
  }

  return bytes
}
