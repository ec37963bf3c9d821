/* eslint-disable no-console */
/**
 * `node bench/fleet.ts`: what admissions cost with a fleet and without, in time and, where there is
 * valgrind, in instructions; then how often nodes call their engine, in a simulation with the code of
 * leases and of the engine, and a clock of its own.
 */

import { hasValgrind } from './counted-with.ts'
import { ADMISSIONS, admissions, KINDS } from './fleet/admissions.ts'
import { countAdmissions } from './fleet/instructions.ts'
import { simulate } from './fleet/simulation.ts'
import { head, row } from './markdown.ts'
import { createPeers } from './peers.ts'
import type { Kind } from './fleet/admissions.ts'

const WIDTHS = [12, 18, 18, 8]

/**
 * How long it takes, in ns: the median of many rounds, in turn
 */
async function timesOf (): Promise<Array<Record<Kind, number>>> {
  const [peer] = createPeers(1)
  const measured = { alone: await admissions('alone', peer), fleet: await admissions('fleet', peer) }

  return ADMISSIONS.map(name => {
    const times: Record<Kind, number[]> = { alone: [], fleet: [] }

    for (let round = 0; round < 200; round++) {
      for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
        const repeated = measured[kind][name]
        const start = process.hrtime.bigint()

        for (let i = 0; i < 5_000; i++) {
          repeated()
        }

        times[kind].push(Number(process.hrtime.bigint() - start) / 5_000)
      }
    }

    const medianOf = (kind: Kind): number => times[kind].sort((a, b) => a - b)[times[kind].length / 2]

    return { alone: medianOf('alone'), fleet: medianOf('fleet') }
  })
}

function print (unit: string, alone: number, withFleet: number, name: string): void {
  console.info(row([name, `${alone.toFixed(0)} ${unit}`, `${withFleet.toFixed(0)} ${unit}`, (withFleet / alone).toFixed(3)], WIDTHS))
}

console.info(head(['admission', 'alone', 'leased', 'ratio'], WIDTHS))

const times = await timesOf()

ADMISSIONS.forEach((name, i) => { print('ns', times[i].alone, times[i].fleet, name) })

for (const { alone, leased, name } of hasValgrind() ? await countAdmissions() : []) {
  print('instructions', alone, leased, name)
}

const SIMULATED = [8, 8, 8, 12, 18, 18, 12]

console.info(`\n${head(['nodes', 'rate', 'use', 'calls per s', 'per 1,000 admitted', 'refused with room', 'held at most'], SIMULATED)}`)

for (const nodes of [2, 5, 10, 20, 50, 100]) {
  for (const [rate, use] of [[10, 0.5], [50, 0.5], [50, 0.9]]) {
    const { admitted, calls, most, refused } = simulate({ nodes, rate, use, delay: 2 })

    console.info(row([String(nodes), String(rate), String(use), (calls / 30).toFixed(1), (calls / admitted * 1_000).toFixed(1), `${(refused / (admitted + refused) * 100).toFixed(2)}%`, `${(most * 100).toFixed(1)}%`], SIMULATED))
  }
}

process.exit()
