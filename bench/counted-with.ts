import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/**
 * What counts depend on besides the code. The same code takes other instructions where the
 * first four differ. The other ones make little difference, if any: the C library and
 * valgrind choose some functions by the processor.
 */
export interface CountedWith {
  node: string
  v8: string
  platform: string
  architecture: string
  libc: string
  valgrind: string
  processor: string
}

const COMPILER: Array<keyof CountedWith> = ['node', 'v8']
const MACHINE: Array<keyof CountedWith> = ['platform', 'architecture']
const TOOLS: Array<keyof CountedWith> = ['libc', 'valgrind', 'processor']

function libc (): string {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }

  return header.glibcVersionRuntime == null ? 'unknown' : `glibc ${header.glibcVersionRuntime}`
}

export function hasValgrind (): boolean {
  return spawnSync('valgrind', ['--version']).error == null
}

export function countedHere (): CountedWith {
  const { node, v8 } = process.versions

  return {
    node,
    v8,
    platform: process.platform,
    architecture: process.arch,
    libc: libc(),
    valgrind: hasValgrind() ? String(spawnSync('valgrind', ['--version']).stdout).trim().replace('valgrind-', '') : 'none',
    processor: cpus()[0]?.model ?? 'unknown'
  }
}

/**
 * The Node.js that the scripts of this package run with
 */
export function nodeOfPackage (): string {
  return JSON.parse(readFileSync(new URL('../node_modules/node/package.json', import.meta.url), 'utf8')).version
}

export interface Differences {
  /** With any of these nothing that is stored can be compared */
  compiler: string[]

  /** With any of these instructions cannot be compared */
  machine: string[]

  /** With these they can, as long as what has nothing of this package takes the same */
  tools: string[]
}

/**
 * @param stored - what counts are stored for
 * @param here
 */
export function findDifferences (stored: Partial<CountedWith>, here: CountedWith): Differences {
  const describe = (names: Array<keyof CountedWith>): string[] => names
    .filter(name => stored[name] !== here[name])
    .map(name => `${name} ${here[name]} instead of ${stored[name] ?? 'unknown'}`)

  return { compiler: describe(COMPILER), machine: describe(MACHINE), tools: describe(TOOLS) }
}
