import { expect } from 'aegir/chai'
import { ByteBudget } from '../../src/sessions/byte-budget.ts'
import { stopTime } from './fixtures.ts'
import type { SinonFakeTimers } from 'sinon'

/**
 * 1000 bytes in a second
 */
const BITRATE = 8_000

describe('ByteBudget', () => {
  let time: SinonFakeTimers

  beforeEach(() => {
    time = stopTime()
  })

  afterEach(() => {
    time.restore()
  })

  it('should begin with nothing, and grow at its rate', () => {
    const budget = new ByteBudget(BITRATE)

    expect(budget.available).to.equal(0)
    time.tick(10)
    expect(budget.available).to.equal(10)
  })

  it('should not save up more than a tenth of a second', () => {
    const budget = new ByteBudget(BITRATE)

    time.tick(100)
    expect(budget.available).to.equal(100)
    time.tick(1_000_000)
    expect(budget.available).to.equal(100)
  })

  it('should make up for what was spent too much', () => {
    const budget = new ByteBudget(BITRATE)

    budget.spend(5_000)
    expect(budget.available).to.equal(-5_000)
    time.tick(5_000)
    expect(budget.available).to.equal(0)
    time.tick(50)
    expect(budget.available).to.equal(50)
  })

  it('should not lose what is less than a byte', () => {
    // a byte in eight seconds
    const budget = new ByteBudget(1)

    for (let i = 0; i < 7_999; i++) {
      time.tick(1)
      expect(budget.available).to.equal(0)
    }

    time.tick(2)
    expect(budget.available).to.equal(1)
  })

  it('should call back when there is something again, and once', () => {
    const budget = new ByteBudget(BITRATE)
    let calls = 0

    budget.spend(900)
    budget.wait(() => { calls++ })

    // the share that it waits for takes 50 ms of that
    time.tick(949)
    expect(calls).to.equal(0)
    time.tick(1)
    expect(calls).to.equal(1)
    time.tick(60_000)
    expect(calls).to.equal(1)
    expect(time.countTimers()).to.equal(0)
  })

  it('should give turns in order, one at a time while there is little', () => {
    const budget = new ByteBudget(BITRATE)
    const turns: string[] = []
    const take = (name: string): () => void => () => {
      turns.push(name)
      budget.spend(50)
    }

    budget.wait(take('a'))
    budget.wait(take('b'))
    budget.wait(take('c'))

    time.tick(50)
    expect(turns).to.deep.equal(['a'])
    time.tick(50)
    expect(turns).to.deep.equal(['a', 'b'])
    time.tick(50)
    expect(turns).to.deep.equal(['a', 'b', 'c'])
  })

  it('should give several turns at once where there is much', () => {
    // 655,360 bytes in a tenth of a second
    const budget = new ByteBudget(8 * 6_553_600)
    const turns: number[] = []

    for (let i = 0; i < 25; i++) {
      budget.wait(() => { turns.push(i) })
    }

    time.tick(100)
    expect(turns).to.have.lengthOf.above(9)
    time.tick(100)
    expect(turns).to.deep.equal(Array.from({ length: 25 }, (_, i) => i))
  })

  it('should not let those starve who wait while others take what there is', () => {
    const budget = new ByteBudget(BITRATE)
    let turns = 0
    const take = (): void => {
      turns++
      budget.wait(take)
    }

    budget.wait(take)

    for (let i = 0; i < 1_000; i++) {
      time.tick(2)
      budget.spend(Math.max(0, budget.available - 1))
    }

    expect(turns).to.be.greaterThan(5)
  })

  it('should forget those who do not wait any more, and its timer with the last one', () => {
    const budget = new ByteBudget(BITRATE)
    const calls: string[] = []
    const first = (): void => { calls.push('first') }
    const second = (): void => { calls.push('second') }

    budget.wait(first)
    budget.wait(second)
    budget.cancel(first)
    expect(time.countTimers()).to.equal(1)
    time.tick(1_000)
    expect(calls).to.deep.equal(['second'])

    budget.wait(first)
    budget.cancel(first)
    budget.cancel(first)
    expect(time.countTimers()).to.equal(0)
  })

  it('should wait as long as it takes, however long that is', () => {
    const budget = new ByteBudget(8)
    let calls = 0

    // a day at one byte in a second
    budget.spend(86_400)
    budget.wait(() => { calls++ })
    time.tick(86_400_000)
    expect(calls).to.equal(0)
    time.tick(60_000)
    expect(calls).to.equal(1)
  })

  it('should go on at another rate, with what there is and who waits', () => {
    const budget = new ByteBudget(BITRATE)
    let calls = 0

    budget.spend(5_000)
    budget.setBitrate(10 * BITRATE)
    budget.wait(() => { calls++ })
    expect(budget.short).to.equal(true)
    // what was owed is not forgiven, and is made up for ten times as fast
    time.tick(499)
    expect(calls).to.equal(0)
    time.tick(51)
    expect(calls).to.equal(1)
    expect(budget.short).to.equal(false)
    expect(budget.spent).to.equal(5_000)

    time.tick(1_000)
    // no more is saved than at the rate that it has now
    budget.setBitrate(BITRATE)
    expect(budget.available).to.equal(100)
  })

  it('should have nothing at a rate of 0, and always something without a limit', () => {
    const budget = new ByteBudget(0)
    let calls = 0

    budget.wait(() => { calls++ })
    time.tick(1_000_000)
    expect(calls).to.equal(0)
    expect(budget.available).to.equal(0)

    budget.setBitrate(Infinity)
    time.tick(10)
    expect(calls).to.equal(1)
    budget.spend(1_000_000)
    expect(budget.available).to.equal(Infinity)

    // which is nothing to make up for later
    budget.setBitrate(BITRATE)
    expect(budget.available).to.equal(0)

    // and neither is what was owed before
    budget.spend(1_000)
    budget.setBitrate(Infinity)
    budget.setBitrate(BITRATE)
    expect(budget.available).to.equal(0)
    time.tick(50)
    expect(budget.available).to.equal(50)
    budget.setBitrate(0)
    time.tick(1_000)
    expect(budget.available).to.be.below(51)
  })
})
