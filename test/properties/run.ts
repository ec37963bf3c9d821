/**
 * Runs all property tests with input that they have not had:
 *
 * - `npm run test:properties`: for five minutes, with another seed in each round
 * - `npm run test:properties -- --minutes M`, `-- --runs N`: for so long, or so many rounds
 * - `npm run test:properties -- --file NAME --grep TEXT`: those in files and with titles like that only
 * - `npm run test:properties -- --seed N`: one round with a certain seed, as a failure names it
 *
 * Exits with 1 if a test fails, and with 2 if it cannot do what it was told to: who has mistyped something must not
 * believe that all is fine.
 */

import { randomInt } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import Mocha from 'mocha'
import { parseOptions } from './options.ts'
import type { Options } from './options.ts'

const MINUTE = 60_000

/**
 * How long a test may take, in ms, as everywhere
 */
const TIMEOUT = 60_000

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}

function refuse (problem: string): never {
  process.stderr.write(`error: ${problem}\n`)
  process.exit(2)
}

function readOptions (): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (err: any) {
    return refuse(err.message)
  }
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

const { file: name, grep, minutes, runs, seed: givenSeed } = readOptions()
const files = globSync(['test/*.{spec,node}.ts', 'test/!(apps)/**/*.{spec,node}.ts'])
  .filter(file => file.includes(name) && hasProperties(file))
  .sort()

if (files.length === 0) {
  refuse(`--file: there are no property tests in files like ${JSON.stringify(name)}`)
}

// what is printed are failures
const mocha = new Mocha({ fgrep: grep, reporter: class {} as any, timeout: TIMEOUT, ui: 'bdd' })

mocha.cleanReferencesAfterRun(false)
files.forEach(file => { mocha.addFile(file) })
await mocha.loadFilesAsync()

function testsOf (suite: Mocha.Suite): Mocha.Test[] {
  return [...suite.tests, ...suite.suites.flatMap(testsOf)]
}

if (!testsOf(mocha.suite).some(test => test.fullTitle().includes(grep))) {
  refuse(`--grep: there is no test with a title like ${JSON.stringify(grep)} in these files`)
}

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
  const seed = givenSeed ?? randomInt(2 ** 31)
  const start = performance.now()
  const { passed, failed } = await round(seed)

  if (i === 0) {
    if (withProperties.size === 0 && failed === 0) {
      refuse('no test that fits --file and --grep has a property')
    }

    leaveOut(mocha.suite)
    print(`${withProperties.size} tests with properties in ${files.length} files`)
  }

  print(`seed ${seed}: ${passed} passed, ${failed} failed, ${Math.round((performance.now() - start) / 1_000)} s`)
  process.exitCode = failed > 0 ? 1 : process.exitCode
}

process.exit()
