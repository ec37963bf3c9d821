/**
 * - `npm run bench`: times, bytes allocated per operation, and heap retained, as a
 * table and in `bench/results.json`
 * - `npm run bench -- subnet 'wired stream'`: only the times of what has these words in
 * its name
 * - `npm run bench -- --check`: only compares allocations, and instructions where
 * valgrind is installed, with the stored ones, and exits with 1 when one has grown by
 * more than 10%
 * - `npm run bench -- --store`: stores what to compare with
 */

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measure } from 'mitata'
import { countAllocations } from './allocations.ts'
import { check } from './check.ts'
import { measureCollection } from './collection.ts'
import { measureHeap } from './heap.ts'
import { countInstructions } from './instructions.ts'
import { head, row } from './markdown.ts'
import { reportedLives } from './operations/reporting.ts'
import { operations } from './operations.ts'
import { createPeers } from './peers.ts'
import { measureRatios } from './ratios.ts'
import { formatSpread } from './statistics.ts'
import { store } from './stored-counts.ts'
import type { Operation } from './operations/operation.ts'

const MANY_PEERS = 10_000

/**
 * How many scopes, sessions and idle peers the heap and collection are measured with
 */
const MANY_SCOPES = 100_000

const WIDTHS = [64, 12, 12, 12]

interface Result {
  name: string
  medianNanoseconds: number

  /** When nothing disturbs it */
  leastNanoseconds: number
  p99Nanoseconds: number
  allocatedBytes?: number
}

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

function formatTime (nanoseconds: number): string {
  return nanoseconds < 10_000 ? `${nanoseconds.toFixed(0)} ns` : `${(nanoseconds / 1_000).toFixed(0)} µs`
}

async function measureTime ({ name, times = 1, prepare }: Operation, bytes: Record<string, number>): Promise<Result> {
  const { min, p50, p99 } = await measure(await prepare())
  const result: Result = { name, medianNanoseconds: p50 / times, leastNanoseconds: min / times, p99Nanoseconds: p99 / times, allocatedBytes: bytes[name] }

  print(row([name, formatTime(result.medianNanoseconds), formatTime(result.leastNanoseconds), bytes[name] == null ? '' : `${bytes[name]} bytes`], WIDTHS))

  return result
}

async function measureAll (all: Operation[]): Promise<void> {
  const bytes = await countAllocations()
  const results: Result[] = []

  print(`Node.js ${process.version}, ${cpus()[0].model}, ${cpus().length} cores\n`)
  print(head(['operation', 'median', 'least', 'allocated'], WIDTHS))

  for (const operation of all) {
    results.push(await measureTime(operation, bytes))
  }

  const ratios = await measureRatios(reportedLives(peers))

  print(`\n${head(['compared with no reporting, in turn', 'ratio'], WIDTHS)}`)
  Object.entries(ratios).forEach(([name, spread]) => { print(row([name, formatSpread(spread)], WIDTHS)) })

  const manyPeers = createPeers(MANY_SCOPES)
  const collection = await measureCollection(manyPeers)

  print(`\ncollecting ${collection.peers} idle peers: the event loop is held for ${collection.longest.toFixed(2)} ms at most (${collection.longestOwn.toFixed(2)} ms without what the engine collects)`)

  const heap = measureHeap(manyPeers, MANY_SCOPES)

  print(`\n${head(['retained heap', 'each'], WIDTHS)}`)
  Object.entries(heap).forEach(([name, size]) => { print(row([name, `${size} bytes`], WIDTHS)) })

  writeFileSync(fileURLToPath(new URL('./results.json', import.meta.url)), `${JSON.stringify({ node: process.version, cpu: cpus()[0].model, cores: cpus().length, operations: results, ratios, collection, heap }, null, 2)}\n`)
}

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean' }, store: { type: 'boolean' } }
})

const peers = createPeers(MANY_PEERS)
const all = operations(peers)

if (values.store === true) {
  store({ allocations: await countAllocations(), instructions: await countInstructions() })
} else if (values.check === true) {
  process.exitCode = await check(print) ? 0 : 1
} else if (wanted.length > 0) {
  for (const operation of all.filter(({ name }) => wanted.some(part => name.includes(part)))) {
    await measureTime(operation, {})
  }
} else {
  await measureAll(all)
}
