/**
 * - `npm run bench`: times, bytes allocated per operation, and heap retained, as a
 * table and in `bench/results.json`
 * - `npm run bench -- --check`: only compares the allocations with the stored
 * ones, and exits with 1 when one has grown by more than 10%
 * - `npm run bench -- --store`: stores the allocations to compare with
 */

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { measure } from 'mitata'
import { findRegressions, measureAllocations, storeAllocations } from './allocations.ts'
import { measureHeap } from './heap.ts'
import { operations } from './operations.ts'
import { createPeers } from './peers.ts'

const MANY_PEERS = 10_000

/**
 * How many scopes of a kind the heap is measured with
 */
const MANY_SCOPES = 100_000

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

const peers = await createPeers(MANY_PEERS)
const all = operations(peers)
const bytes = measureAllocations(all)

if (process.argv.includes('--store')) {
  storeAllocations(bytes)
} else if (process.argv.includes('--check')) {
  const regressions = findRegressions(bytes)

  regressions.forEach(regression => { print(`✗ ${regression}`) })
  print(`${Object.keys(bytes).length - regressions.length} operations allocate as much as they did, ${regressions.length} more`)
  process.exitCode = regressions.length === 0 ? 0 : 1
} else {
  const results = []

  print(`Node.js ${process.version}, ${cpus()[0].model}\n`)
  print(`${'operation'.padEnd(56)}${'median'.padStart(12)}${'p99'.padStart(12)}${'allocated'.padStart(14)}`)

  for (const { name, prepare } of all) {
    const { p50, p99 } = await measure(prepare())

    results.push({ name, medianNanoseconds: p50, p99Nanoseconds: p99, allocatedBytes: bytes[name] })
    print(`${name.padEnd(56)}${`${p50.toFixed(1)} ns`.padStart(12)}${`${p99.toFixed(1)} ns`.padStart(12)}${(bytes[name] == null ? '' : `${bytes[name]} bytes`).padStart(14)}`)
  }

  const heap = measureHeap(peers, MANY_SCOPES)

  print('')

  for (const [name, size] of Object.entries(heap)) {
    print(`${name.padEnd(56)}${`${size} bytes`.padStart(12)}`)
  }

  writeFileSync(fileURLToPath(new URL('./results.json', import.meta.url)), `${JSON.stringify({ node: process.version, cpu: cpus()[0].model, operations: results, heap }, null, 2)}\n`)
}
