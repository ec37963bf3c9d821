/**
 * Goal: whatever a remote sends at whatever stage of a connection, the process lives, holds
 * nothing afterwards, and serves the next one.
 *
 * Method: a node with all defaults in a process of its own, for each stack of transport,
 * encryption and muxer. Others send it what is invalid, truncated, reordered, repeated and huge.
 * The seed decides what. `npm run fuzz` goes on for longer, with another one.
 */

import { expect } from 'aegir/chai'
import { runCampaign } from './framework/campaign.ts'
import { findStack, STACKS } from './framework/stacks.ts'

const SEED = 20_261_126

/**
 * How many cases there are for each stack, if they take no longer than this, in ms. It is the
 * processes that take most of the time.
 */
const CASES = 50
const BATCH = 25
const DURATION = 4_000

/**
 * Two bursts of 50 frames each, on average
 */
const FRAME_CASES = 60

describe('fuzzing', function () {
  this.timeout(240_000)

  before(function () {
    // elsewhere the machine has one loopback address, and all attackers need their own
    if (process.platform !== 'linux') {
      this.skip()
    }
  })

  for (const stack of STACKS) {
    it(`should survive any input: ${stack.name} (seed ${SEED})`, async () => {
      const { cases, problems } = await runCampaign({ stack, seed: SEED, from: 0, to: CASES, batch: BATCH, duration: DURATION })

      expect(problems).to.deep.equal([])
      expect(cases).to.be.above(0)
    })
  }

  for (const name of ['tcp, noise, yamux', 'tcp, noise, mplex']) {
    it(`should survive 6,000 frames of any kind: ${name}`, async () => {
      const { cases, problems } = await runCampaign({
        stack: findStack(name),
        seed: SEED,
        only: 'frames of the muxer',
        from: 0,
        to: FRAME_CASES,
        batch: FRAME_CASES,
        duration: DURATION
      })

      expect(problems).to.deep.equal([])
      expect(cases).to.equal(FRAME_CASES)
    })
  }
})
