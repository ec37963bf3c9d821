/**
 * `node --expose-gc bench/in-turn.ts 'connection life, without an address' …`: operations in one process
 * and in turn, each as a multiple of the first one. Where others keep the machine busy, the least of all
 * rounds says more than the median.
 */

import { head, row } from './markdown.ts'
import { repeat } from './operations/operation.ts'
import { operations } from './operations.ts'
import { createPeers } from './peers.ts'
import { median } from './statistics.ts'

const PEERS = 10_000
const ROUNDS = 300
const WARM_UP = 50
const TIMES = 20_000
const WIDTHS = [64, 16, 16]

const all = operations(createPeers(PEERS))
const measured = await Promise.all(process.argv.slice(2).map(async wanted => {
  const operation = all.find(({ name }) => name === wanted)

  if (operation == null) {
    throw new Error(`there is no operation "${wanted}", only ${all.map(({ name }) => name).join('; ')}`)
  }

  return { operation, repeated: await operation.prepare(), times: [] as number[] }
}))

for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const { operation, repeated, times } of measured) {
    const start = performance.now()

    await repeat(TIMES, operation, repeated)

    if (round >= 0) {
      times.push((performance.now() - start) * 1e6 / TIMES)
    }
  }
}

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

const [first] = measured

print(head(['operation', 'median, least', 'ratios'], WIDTHS))

for (const { operation: { name }, times } of measured) {
  const ratio = median(times.map((time, i) => time / first.times[i]))
  const ofLeast = Math.min(...times) / Math.min(...first.times)

  print(row([name, `${median(times).toFixed(0)}, ${Math.min(...times).toFixed(0)} ns`, `${ratio.toFixed(1)}, ${ofLeast.toFixed(1)}`], WIDTHS))
}
