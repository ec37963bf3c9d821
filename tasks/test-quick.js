/**
 * What a developer runs after each change: types, and the tests of everything that needs no
 * node, with one real node to see that it still goes together. `npm test` is all of it.
 *
 * `npm run test:quick`, which takes less than a minute
 *
 * Fails if a test or a type does, and if one of the groups of tests is empty.
 */

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'

/**
 * Groups of files with tests, relative to the root of the package
 */
const GROUPS = [
  'test/*.spec.ts',
  'test/{admission,fairness,limits,options,reporting,scopes,sessions}/*.spec.ts',
  // two real nodes, refusals included
  'test/libp2p/lifecycle.spec.ts'
]

/**
 * Runs a program of this package's dependencies
 *
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<boolean>} Whether it has succeeded
 */
async function run (program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' })

    child.on('error', reject)
    child.on('close', code => { resolve(code === 0) })
  })
}

const files = GROUPS.map(pattern => {
  const found = globSync(pattern).sort()

  if (found.length === 0) {
    throw new Error(`there are no tests in ${pattern}`)
  }

  return found
}).flat()

// nothing is said of types unless they are wrong, so both can write at once
const succeeded = await Promise.all([
  run('tsc', ['--noEmit']),
  run('aegir', ['test', '-t', 'node', '--build', 'false', ...files.flatMap(file => ['-f', file]), '--', '--exit', '--reporter', 'dot'])
])

process.exitCode = succeeded.every(Boolean) ? 0 : 1
