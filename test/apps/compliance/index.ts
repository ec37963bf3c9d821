/**
 * The suites that js-libp2p tests its own transports, muxers and encrypters with, and
 * a resource manager in every node
 */

import Mocha from 'mocha'
import { play } from '../lib/part.ts'
import { encrypters } from './encrypters.ts'
import { muxers } from './muxers.ts'
import { transports } from './transports.ts'
import type { Managers } from '../lib/managers.ts'

const TIMEOUT = Number(process.env.TIMEOUT ?? 60_000)

type Outcome = Record<string, string>

/**
 * @returns What has become of each test
 */
async function run (managers: Managers): Promise<Outcome> {
  const mocha = new Mocha({ timeout: TIMEOUT, grep: process.env.GREP ?? '' })
  const outcome: Outcome = {}

  // defines the functions that suites are written with
  mocha.suite.emit('pre-require', globalThis, '', mocha)

  describe('transports', () => { transports(managers) })
  describe('muxers', () => { muxers(managers) })
  describe('encrypters', () => { encrypters(managers) })

  // runs after the hooks of the suites that stop their nodes
  mocha.suite.afterEach('nothing is held', async () => {
    await managers.report()
  })

  return new Promise(resolve => {
    mocha.run(() => { resolve(outcome) })
      .on('pass', test => { outcome[test.fullTitle()] = 'passed' })
      .on('pending', test => { outcome[test.fullTitle()] = 'skipped' })
      .on('fail', (test, err) => { outcome[test.fullTitle()] = `failed: ${err.message}` })
  })
}

await play(async part => part.measure(async () => run(part.managers)))
