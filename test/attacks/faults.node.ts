import { promiseHooks } from 'node:v8'
import { yamux } from '@chainsafe/libp2p-yamux'
import { expect } from 'aegir/chai'
import { CapturedLogger } from '../libp2p/fixtures/captured-logger.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { atEveryMoment } from './faults/every-moment.ts'
import { CONNECTION_FAULTS } from './faults/faults.ts'
import { plainEncrypter } from './faults/plain-encrypter.ts'
import { CONNECTION, STREAM_OF_DIALER } from './faults/scenarios.ts'
import { UncaughtErrors } from './faults/uncaught-errors.ts'
import { SIDES, World } from './faults/world.ts'
import type { Moments } from './faults/moments.ts'

/**
 * There are more than that, or they are not followed
 */
const FEWEST_AWAITS = 200

const SUBJECTS = { 'a connection': CONNECTION, 'a stream': STREAM_OF_DIALER }
const FAULTS = ['aborts the raw connection', 'stops the node']

/**
 * Every promise reaction of the process is a moment
 */
function followAwaits (moments: Moments): () => void {
  return promiseHooks.onBefore(() => { moments.awaited() }) as () => void
}

describe('a fault at every await', () => {
  const nodes = new TestNodes()
  const uncaught = new UncaughtErrors()

  beforeEach(() => {
    uncaught.start()
  })

  afterEach(async () => {
    uncaught.stop()
    await nodes.stop()
  })

  for (const [name, scenario] of Object.entries(SUBJECTS)) {
    for (const what of FAULTS) {
      for (const side of SIDES) {
        it(`should leave nothing of ${name} when the ${side} ${what}`, async () => {
          const world = await World.create(nodes, { encrypter: plainEncrypter(), muxer: yamux() }, scenario, new CapturedLogger())
          const trial = { world, scenario, fault: CONNECTION_FAULTS[what], side, uncaught, followAwaits }

          expect(await atEveryMoment(trial)).to.be.above(FEWEST_AWAITS)
        })
      }
    }
  }
})
