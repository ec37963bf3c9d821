/**
 * Fuzzes for longer than the tests do:
 *
 * - `npm run fuzz`: a minute of all stacks
 * - `npm run fuzz -- --seed N --seconds M`: with a certain seed, for so long
 * - `npm run fuzz -- --stack NAME --from N --to M`: certain cases of one stack, as a problem names them
 */

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runCampaign } from './framework/campaign.ts'
import { STACKS } from './framework/stacks.ts'

const SECOND = 1_000
const BATCH = 25

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    seconds: { type: 'string', default: '60' },
    stack: { type: 'string' },
    from: { type: 'string', default: '0' },
    to: { type: 'string', default: 'Infinity' },
    batch: { type: 'string', default: String(BATCH) }
  }
})
const seed = Number(values.seed)
const stacks = STACKS.filter(({ name }) => values.stack == null || name.includes(values.stack))

print(`seed ${seed}`)

for (const stack of stacks) {
  const duration = Number(values.seconds) * SECOND / stacks.length
  const { cases, problems, resident, refused } = await runCampaign({ stack, seed, from: Number(values.from), to: Number(values.to), batch: Number(values.batch), duration })

  print(`${stack.name}: ${cases} cases, ${resident} MiB more at most, ${refused} refused`)
  problems.forEach(problem => { print(`✗ ${problem}`) })
  process.exitCode = problems.length > 0 ? 1 : process.exitCode
}

process.exit()
