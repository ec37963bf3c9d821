import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROUNDS } from './instructions/counted-operations.ts'
import type { Counted } from './instructions/counted-operations.ts'

/**
 * The process that is counted calls this function, by `process.cpuUsage()`, between what
 * is to be told apart: callgrind then writes what has been counted since the last time
 */
const MARK = 'uv_getrusage'

/**
 * V8 compiles when it is told to and not when there is time for it, so that the same
 * instructions are run every time
 */
const NODE_OPTIONS = ['--single-threaded', '--predictable']

/**
 * Counts the instructions of operations, with callgrind
 *
 * @param print
 * @returns How many each operation takes, or nothing where there is no valgrind
 */
export async function countInstructions (print: (text: string) => void): Promise<Record<string, number> | undefined> {
  if (spawnSync('valgrind', ['--version']).error != null) {
    print('instructions are not counted: there is no valgrind')
    return
  }

  const directory = await mkdtemp(join(tmpdir(), 'bench-'))

  try {
    const counted = await runCounted(join(directory, 'counts'))
    const counts = await readCounts(directory)

    // one for what comes before the rounds
    if (counts.length !== counted.length * (1 + ROUNDS)) {
      throw new Error(`callgrind has written ${counts.length} counts for ${counted.length} operations`)
    }

    return Object.fromEntries(counted.map(({ name, times }, i) => {
      const start = i * (1 + ROUNDS) + 1

      return [name, Math.round(Math.min(...counts.slice(start, start + ROUNDS)) / times)]
    }))
  } finally {
    await rm(directory, { recursive: true })
  }
}

/**
 * @returns The operations, in the order in which they were counted
 */
async function runCounted (file: string): Promise<Counted[]> {
  const counted = spawn('valgrind', [
    '--tool=callgrind',
    '--smc-check=all-non-file',
    `--dump-before=${MARK}`,
    `--callgrind-out-file=${file}`,
    process.execPath,
    ...NODE_OPTIONS,
    fileURLToPath(new URL('./instructions/counted.ts', import.meta.url))
  ], { stdio: ['ignore', 'pipe', 'ignore'] })

  const chunks: Buffer[] = []

  counted.stdout.on('data', (chunk: Buffer) => { chunks.push(chunk) })

  const [code] = await once(counted, 'close')

  if (code !== 0) {
    throw new Error(`valgrind has ended with ${code}`)
  }

  return JSON.parse(Buffer.concat(chunks).toString())
}

/**
 * What was counted before each mark
 */
async function readCounts (directory: string): Promise<number[]> {
  // there is one without a number too, for what comes after the last mark
  const dumps = (await readdir(directory))
    .map(name => ({ name, position: Number(name.split('.')[1]) }))
    .filter(({ position }) => position > 0)
    .sort((a, b) => a.position - b.position)

  return Promise.all(dumps.map(async ({ name }) => {
    const total = /^totals: (\d+)/m.exec(await readFile(join(directory, name), 'utf8'))

    return Number(total?.[1])
  }))
}
