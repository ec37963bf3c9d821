/**
 * The command of the package, by the file that npm links to: so it runs in this version of Node.js
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'

const COMMAND = realpathSync('node_modules/.bin/libp2p-resource-manager')

/**
 * @param {string[]} args
 * @param {string} [input]
 */
function run (args, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { input, encoding: 'utf8' })

  return { status, stdout, stderr }
}

const shown = run(['limits', 'show', '-', '--json'], '{ "System": { "ConnsInbound": 7 } }')
const wrong = run(['limits', 'show', '-'], '{ "System": { "ConnsInbuond": 7 } }')

assert.equal(shown.status, 0, shown.stderr)
assert.deepEqual(JSON.parse(shown.stdout).find((/** @type {{ setting: string }} */ { setting }) => setting === 'System.ConnsInbound'), { setting: 'System.ConnsInbound', value: 7, origin: 'file' })

assert.equal(wrong.status, 2)
assert.match(wrong.stderr, /standard input: .*ConnsInbuond.*ConnsInbound/)
assert.equal(wrong.stdout, '')

assert.match(run(['--help']).stdout, /limits/)
