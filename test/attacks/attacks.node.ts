import { expect } from 'aegir/chai'
import { findProblems } from './framework/assess.ts'
import { runAttack } from './framework/run-attack.ts'
import { ATTACKS } from './index.ts'
import { unreadData } from './unread-data.ts'

/**
 * How long an attack lasts that is not over before, in ms: shorter than for people to look
 * at, because nothing gets worse once the limits are reached
 */
const DURATION = 2_500

describe('attacks by other processes', function () {
  this.timeout(240_000)
  before(function () {
    // elsewhere the machine has one loopback address, and all parties need their own
    if (process.platform !== 'linux') {
      this.skip()
    }
  })

  ATTACKS.forEach(attack => {
    it(`should survive when ${attack.what}`, async () => {
      const outcome = await runAttack({ duration: DURATION, ...attack }, true)

      expect(findProblems(attack, outcome)).to.deep.equal([])
    })
  })

  it('should notice that a node without a resource manager does not survive', async () => {
    const outcome = await runAttack({ duration: DURATION, ...unreadData }, false)

    expect(findProblems(unreadData, outcome).join()).to.include('buffered').and.include('resident')
  })
})
