import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { Ticker } from '../../src/sessions/ticker.ts'
import type { TickTask } from '../../src/sessions/ticker.ts'

describe('sessions/ticker (node)', () => {
  it('should not keep the process alive', () => {
    const setTimeout = sinon.spy(globalThis, 'setTimeout')
    const ticker = new Ticker()
    const task: TickTask = { tick: () => 'waiting' }

    try {
      ticker.add(task)
      ticker.wake()
      ticker.tick()

      expect(setTimeout.callCount).to.equal(2)
      expect(setTimeout.returnValues.map(timer => timer.hasRef())).to.deep.equal([false, false])
    } finally {
      ticker.remove(task)
      setTimeout.restore()
    }
  })
})
