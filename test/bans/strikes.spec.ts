import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Strikes } from '../../src/bans/strikes.ts'

describe('bans/strikes', () => {
  let now: number
  let strikes: Strikes

  beforeEach(() => {
    now = 0
    strikes = new Strikes(60_000, () => now)
  })

  it('should count half after the time for that, and a quarter after twice as long', () => {
    expect(strikes.countOf('a')).to.equal(0)
    expect(strikes.add('a', 8, false)).to.equal(8)
    now = 60_000
    expect(strikes.countOf('a')).to.equal(4)
    now = 120_000
    expect(strikes.countOf('a')).to.equal(2)
    expect(strikes.add('a', 1, false)).to.equal(3)
  })

  it('should count what comes by itself once a second, and what is reported always', () => {
    expect(strikes.isDue('a')).to.equal(true)
    strikes.add('a', 1, true)
    expect(strikes.isDue('a')).to.equal(false)
    expect(strikes.isDue('b')).to.equal(true)
    now = 999
    expect(strikes.isDue('a')).to.equal(false)
    strikes.add('a', 1, false)
    now = 1_000
    expect(strikes.isDue('a'), 'a report is none that comes by itself').to.equal(true)
  })

  it('should be forgotten', () => {
    strikes.add('a', 8, true)
    strikes.forget('a')
    strikes.forget('a')
    expect(strikes.countOf('a')).to.equal(0)
    expect(strikes.isDue('a')).to.equal(true)
  })

  it('should be kept of those who strike, however many others there are', () => {
    for (let i = 0; i < 20_000; i++) {
      strikes.add(`once ${i}`, 1, true)
      i % 1_000 === 0 && strikes.add('again', 1, false)
    }

    expect(strikes.size).to.equal(4096)
    expect(strikes.countOf('again')).to.equal(20)
    expect(strikes.countOf('once 0')).to.equal(0)
  })

  it('should always become fewer with time, and never be more than there were', () => {
    const step = fc.record({ after: fc.nat(300_000), count: fc.integer({ min: 1, max: 100 }) })

    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 10_000_000 }), (steps, later) => {
      let total = 0

      strikes = new Strikes(60_000, () => now)
      now = 0

      for (const { after, count } of steps) {
        const before = strikes.countOf('a')

        now += after
        expect(strikes.countOf('a')).to.be.at.most(before)
        total += count
        expect(strikes.add('a', count, false)).to.be.at.most(total + 1e-6)
      }

      const last = strikes.countOf('a')

      now += later
      expect(strikes.countOf('a')).to.be.lessThan(last)
      now += 60_000 * 100
      expect(strikes.countOf('a')).to.be.lessThan(1e-6)
    }), { numRuns: 200 })
  })
})
