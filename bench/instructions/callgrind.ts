import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { ENVIRONMENT, PREDICTABLE } from '../predictable.ts'

/**
 * What `mark` ends up in. Callgrind then writes what has been counted since the last time.
 */
const MARK = 'uv_getrusage'

/**
 * Makes V8 do the same each time, also on other machines
 */
const NODE_OPTIONS = [
  ...PREDICTABLE,

  // Turbofan takes far longer than what is counted, and is told apart from it only after
  // tens of thousands of calls
  '--max-opt=2',
  '--invocation-count-for-maglev=200',

  // nothing is collected before the end
  '--min-semi-space-size=512',
  '--max-semi-space-size=512',
  '--scavenger-max-new-space-capacity-mb=512',

  // what not every x86-64 has
  '--no-enable-avx',
  '--no-enable-avx2',
  '--no-enable-fma3',
  '--no-enable-bmi1',
  '--no-enable-bmi2',
  '--no-enable-lzcnt'
]

export interface Counted {
  /** What the process has written */
  output: string

  /** Instructions before each mark, since the one before it */
  counts: number[]

  /** Reads and writes of data that were in neither cache, before each mark, where caches are simulated */
  misses: number[]
}

/**
 * Simulates a first-level cache of 48 KiB and a second-level one of 2 MiB
 */
export const CACHES = ['--cache-sim=yes', '--I1=32768,8,64', '--D1=49152,12,64', '--LL=2097152,16,64']

/**
 * Counts what a module does between its marks
 *
 * @param path - of the module, from the one above
 * @param args
 * @param options - of callgrind
 */
export async function countBetweenMarks (path: string, args: string[] = [], options: string[] = []): Promise<Counted> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'))

  try {
    const output = await run(directory, await bundle(path, directory), args, options)
    const totals = await readTotals(directory)

    // events are Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
    return { output, counts: totals.map(([instructions]) => instructions), misses: totals.map(values => (values[7] ?? 0) + (values[8] ?? 0)) }
  } finally {
    await rm(directory, { recursive: true })
  }
}

/**
 * One file of JavaScript: finding many of them and taking the types out takes longer than
 * what is counted
 */
async function bundle (path: string, directory: string): Promise<string> {
  const outfile = join(directory, 'bundle.mjs')

  await build({
    entryPoints: [fileURLToPath(new URL(`../${path}`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url)' }
  })

  return outfile
}

async function run (directory: string, file: string, args: string[], options: string[]): Promise<string> {
  const counted = spawn('valgrind', [
    '--tool=callgrind',
    '--smc-check=all-non-file',
    `--dump-before=${MARK}`,
    `--callgrind-out-file=${join(directory, 'counts')}`,
    ...options,
    process.execPath,
    ...NODE_OPTIONS,
    file,
    ...args
  ], { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT })

  const output: Buffer[] = []
  const errors: Buffer[] = []

  counted.stdout.on('data', (chunk: Buffer) => { output.push(chunk) })
  counted.stderr.on('data', (chunk: Buffer) => { errors.push(chunk) })

  const [code] = await once(counted, 'close')

  if (code !== 0) {
    throw new Error(`valgrind has ended with ${code}: ${Buffer.concat(errors)}`)
  }

  return Buffer.concat(output).toString()
}

async function readTotals (directory: string): Promise<number[][]> {
  // there is one without a number too, for what comes after the last mark
  const dumps = (await readdir(directory))
    .map(name => ({ name, position: Number(/^counts\.(\d+)$/.exec(name)?.[1]) }))
    .filter(({ position }) => position > 0)
    .sort((a, b) => a.position - b.position)

  return Promise.all(dumps.map(async ({ name }) => {
    const totals = /^totals: (.*)$/m.exec(await readFile(join(directory, name), 'utf8'))

    return (totals?.[1] ?? '').split(' ').map(Number)
  }))
}
