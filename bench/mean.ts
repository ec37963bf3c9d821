/**
 * `node --expose-gc bench/mean.ts 'stream life, limited, 1 peer' …`: what operations take as
 * Go's `testing.B` measures it, to compare with `go-libp2p/rcmgr_bench_test.go`: the mean of
 * all that happens in a second, garbage collection included, by the clock and in CPU time
 * of all threads.
 */

import { head, row } from './markdown.ts'
import { operations } from './operations.ts'
import { createPeers } from './peers.ts'
import type { Operation, Repeated } from './operations/operation.ts'

const PEERS = 10_000

/**
 * How long an operation is repeated, in ns
 */
const DURATION = 1e9

const WIDTHS = [64, 12, 12]

interface Mean {
  /** In ns */
  elapsed: number

  /** In ns */
  cpu: number
}

function measure (repeated: Repeated, calls: number): Mean {
  const before = process.cpuUsage()
  const start = process.hrtime.bigint()

  for (let i = 0; i < calls; i++) {
    void repeated()
  }

  const elapsed = Number(process.hrtime.bigint() - start)
  const { system, user } = process.cpuUsage(before)

  return { elapsed, cpu: (system + user) * 1_000 }
}

async function meanOf ({ name, prepare }: Operation): Promise<Mean> {
  const repeated = await prepare()

  // Go has none of these
  if (repeated() instanceof Promise) {
    throw new Error(`${name} is not over when it returns`)
  }

  let calls = 1_000
  let sum = measure(repeated, calls)

  while (sum.elapsed < DURATION) {
    calls = Math.ceil(Math.min(calls * 100, calls * 1.2 * DURATION / sum.elapsed))
    sum = measure(repeated, calls)
  }

  return { elapsed: sum.elapsed / calls, cpu: sum.cpu / calls }
}

const all = operations(createPeers(PEERS))
const measured = process.argv.slice(2).map(wanted => {
  const operation = all.find(({ name }) => name === wanted)

  if (operation == null) {
    throw new Error(`there is no operation "${wanted}", only ${all.map(({ name }) => name).join('; ')}`)
  }

  return operation
})

console.info(head(['operation', 'mean', 'CPU time'], WIDTHS))

for (const operation of measured) {
  const { cpu, elapsed } = await meanOf(operation)

  console.info(row([operation.name, `${elapsed.toFixed(0)} ns`, `${cpu.toFixed(0)} ns`], WIDTHS))
}
