/**
 * Runs all property tests with input that they have not had:
 *
 * - `npm run test:properties`: for five minutes, with another seed in each round
 * - `npm run test:properties -- --minutes M`, `-- --runs N`: for so long, or so many rounds
 * - `npm run test:properties -- --file NAME --grep TEXT`: those in files and with titles like that only
 * - `npm run test:properties -- --seed N`: one round with a certain seed, as a failure names it
 */

import { randomInt } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import Mocha from 'mocha'

const MINUTE = 60_000

/**
 * How long a test may take, in ms, as everywhere
 */
const TIMEOUT = 60_000

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}

/**
 * Whether a file has properties of its own, or imports some from another file of the tests
 */
function hasProperties (file: string, seen = new Set<string>()): boolean {
  if (seen.has(file)) {
    return false
  }

  seen.add(file)

  return [...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) .*from '([^']+)'$/gm)].some(([, name]) => {
    const imported = join(dirname(file), name)

    return name === 'fast-check' || (name.startsWith('.') && imported.startsWith('test/') && imported.endsWith('.ts') && hasProperties(imported, seen))
  })
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    file: { type: 'string', default: '' },
    grep: { type: 'string', default: '' }
  }
})
const runs = Number(values.runs ?? (values.seed === undefined ? Infinity : 1))
const minutes = Number(values.minutes ?? (runs === Infinity ? 5 : Infinity))
const files = globSync(['test/*.{spec,node}.ts', 'test/!(apps)/**/*.{spec,node}.ts'])
  .filter(file => file.includes(values.file) && hasProperties(file))
  .sort()

if (files.length === 0) {
  throw new Error(`there are no property tests in files like ${values.file}`)
}

// what is printed are failures
const mocha = new Mocha({ fgrep: values.grep, reporter: class {} as any, timeout: TIMEOUT, ui: 'bdd' })

mocha.cleanReferencesAfterRun(false)
files.forEach(file => { mocha.addFile(file) })
await mocha.loadFilesAsync()

/**
 * Which tests have a property: others say the same in every round
 */
const withProperties = new Set<Mocha.Runnable>()
let current: Mocha.Runnable | undefined

fc.installGlobalPlugin(() => ({ onAllRunsComplete: () => { current === undefined || withProperties.add(current) } }))

/**
 * @returns How many tests have run, and how many have failed
 */
async function round (seed: number): Promise<{ passed: number, failed: number }> {
  let passed = 0
  let failed = 0

  fc.configureGlobal({ seed })

  await new Promise<void>(resolve => {
    mocha.run(() => { resolve() })
      .on('test', test => { current = test })
      .on('pass', () => { passed++ })
      .on('fail', (test, error) => {
        failed++
        print(`✗ ${test.fullTitle()} (${test.file}, seed ${seed})\n${error.stack ?? error}`)
      })
  })

  return { passed, failed }
}

function leaveOut (suite: Mocha.Suite): void {
  suite.tests = suite.tests.filter(test => withProperties.has(test) || test.isFailed())
  suite.suites.forEach(leaveOut)
}

const end = performance.now() + minutes * MINUTE

for (let i = 0; i < runs && performance.now() < end; i++) {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
  const start = performance.now()
  const { passed, failed } = await round(seed)

  if (i === 0) {
    leaveOut(mocha.suite)
    print(`${withProperties.size} tests with properties in ${files.length} files`)
  }

  print(`seed ${seed}: ${passed} passed, ${failed} failed, ${Math.round((performance.now() - start) / 1_000)} s`)
  process.exitCode = failed > 0 ? 1 : process.exitCode
}

process.exit()
