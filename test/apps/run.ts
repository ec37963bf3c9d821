/**
 * Runs real applications and the suites of js-libp2p without and with the resource
 * manager, and fails where it makes a difference, has refused something, or still holds
 * something when all is over:
 *
 * - `npm run test:apps`: all of them
 * - `npm run test:apps -- NAME…`: those whose name begins with one of these
 * - `npm run test:apps -- --observe`: the resource manager refuses nothing, and counts
 * what it would have refused
 * - `npm run test:apps -- --patience 1000`: a program may take so many seconds, by default
 * 300
 */

import { parseArgs } from 'node:util'
import { findProblems } from './lib/problems.ts'
import { runProgram } from './lib/run-program.ts'
import type { Mode } from './lib/managers.ts'
import type { Program, ProgramReport } from './lib/run-program.ts'

const PROGRAMS: Program[] = [
  { name: 'compliance suites', file: 'compliance/index.ts', roles: ['suites'], light: true },
  { name: 'helia, 64 and 512 MiB each way', file: 'helia/index.ts', roles: ['alice', 'bob'] },
  { name: 'helia relayed, 64 MiB each way', file: 'helia/relayed.ts', roles: ['alice', 'bob', 'relay'] },
  { name: 'orbitdb, 10,000 entries', file: 'orbitdb/index.ts', roles: ['writer', 'reader'], light: true }
]

const MiB = 2 ** 20

function print (...lines: string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''))
}

function figures ({ parts }: ProgramReport): string {
  const reports = Object.values(parts)
  const elapsed = Math.max(0, ...reports.map(({ elapsed }) => elapsed))
  const cpu = reports.reduce((sum, { cpu }) => sum + cpu, 0)
  const resident = Math.max(0, ...reports.map(({ resident }) => resident))

  return `${(elapsed / 1000).toFixed(1).padStart(6)} s  ${(cpu / 1000).toFixed(1).padStart(6)} s CPU  ${Math.round(resident / MiB).toString().padStart(5)} MiB resident at most`
}

async function run (program: Program, mode: Mode, patience: number): Promise<boolean> {
  const control = runProgram(program, 'none', patience)

  if (program.light !== true) {
    await control
  }

  const [without, managed] = await Promise.all([control, runProgram(program, mode, patience)])
  const { problems, remarks } = findProblems(without, managed)
  const managers = Object.values(managed.parts).reduce((sum, { resources }) => sum + resources.managers, 0)

  print(
    `${problems.length === 0 ? '✔' : '✗'} ${program.name}`,
    `    without  ${figures(without)}`,
    `    with     ${figures(managed)}  ${managers} managers`,
    ...remarks.map(remark => `    ${remark}`),
    ...problems.map(problem => `  ✗ ${problem.replaceAll('\n', '\n      ')}`)
  )

  return problems.length === 0
}

const { positionals, values: { observe, patience } } = parseArgs({
  allowPositionals: true,
  options: {
    observe: { type: 'boolean', default: false },
    patience: { type: 'string', default: '300' }
  }
})
const chosen = PROGRAMS.filter(({ name }) => positionals.length === 0 || positionals.some(positional => name.startsWith(positional)))
const start = performance.now()
let failed = 0

for (const program of chosen) {
  const mode = observe ? 'observe' : 'enforce'

  // the programs and suites of others wait in real time, which a busy machine may not have
  failed += await run(program, mode, Number(patience)) || await run(program, mode, Number(patience)) ? 0 : 1
}

print(`${chosen.length - failed} of ${chosen.length} as without a resource manager, ${Math.round((performance.now() - start) / 1000)} s`)
process.exitCode = failed > 0 || chosen.length === 0 ? 1 : 0
