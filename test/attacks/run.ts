/**
 * Runs an attack for people to look at:
 *
 * - `npm run attack`: lists them
 * - `npm run attack -- NAME`: on a node with a resource manager. Exits with 1 if it
 * was not protected.
 * - `npm run attack -- NAME --without`: on one without
 */

import { parseArgs } from 'node:util'
import { findProblems, measure } from './framework/assess.ts'
import { runAttack } from './framework/run-attack.ts'
import { ATTACKS, findAttack } from './index.ts'
import type { Attack } from './framework/attack.ts'

const MiB = 2 ** 20

function print (...lines: string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''))
}

async function run (attack: Attack, enabled: boolean): Promise<void> {
  const outcome = await runAttack(attack, enabled)
  const { after, before, honest, victim } = outcome
  const measured = measure(outcome)

  print(
    `${attack.name}: ${attack.what}`,
    `the victim, ${enabled ? 'with' : 'without'} a resource manager`,
    `  resident memory    ${Math.round(before.resident / MiB)} MiB before, ${measured.resident} MiB more at most, bound ${attack.bounds.resident} MiB`,
    `  heap               ${(before.heap / MiB).toFixed(1)} MiB before, ${(after.heap / MiB).toFixed(1)} MiB when all was over`,
    `  most at a time     ${victim.sockets} sockets, ${victim.connections} connections, ${victim.streams} streams, ${(victim.buffered / MiB).toFixed(1)} MiB in buffers, ${victim.handlers} handlers`,
    `  accounted for      ${(victim.accounted / MiB).toFixed(1)} MiB at most`,
    `  event loop         ${Math.round(victim.delay)} ms late at most`,
    `  refused            ${[victim.refused, ...victim.refusedBy].join(', ')}; ${victim.evicted} gave way to others`,
    `  log                ${victim.log.length} lines`,
    'the honest peers',
    ...Object.entries(honest).map(([name, { failed, succeeded, lastError }]) => {
      return `  ${name.padEnd(19)}${succeeded} of ${succeeded + failed} succeeded${lastError == null ? '' : `, ${lastError}`}`
    })
  )

  if (enabled) {
    const problems = findProblems(attack, outcome)

    problems.forEach(problem => { print(`✗ ${problem}`) })
    process.exitCode = problems.length === 0 ? 0 : 1
  }
}

const { positionals: [name], values: { without } } = parseArgs({
  allowPositionals: true,
  options: { without: { type: 'boolean', default: false } }
})

if (name == null) {
  print(...ATTACKS.map(({ name, what }) => `${name.padEnd(28)}${what}`))
} else {
  await run(findAttack(name), !without)
}
