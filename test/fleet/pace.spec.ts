import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { MAX_BACK_OFF, Pace } from '../../src/fleet/pace.ts'
import { RatesCalls } from '../../src/fleet/rates-calls.ts'

describe('fleet/pace', () => {
  it('should let a few calls follow one another, and then four a second', () => {
    const pace = new Pace(5_000)
    const times: number[] = []
    let now = 1_000

    while (times.length < 10) {
      now += pace.delay(now)
      times.push(now)
      pace.called(now)
    }

    expect(times).to.deep.equal([1_050, 1_100, 1_150, 1_200, 1_250, 1_300, 1_550, 1_800, 2_050, 2_300])
    // what was not used may be used later, but no more of it
    now += 60_000
    expect(pace.delay(now)).to.equal(50)
  })

  it('should never let more calls through than that, whenever something is due', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 200 }), fc.integer({ min: 1_000, max: 60_000 }), (pauses, ttl) => {
      const pace = new Pace(ttl)
      let now = 0
      let calls = 0

      for (const pause of pauses) {
        now += pause
        now += pace.delay(now)
        pace.called(now)
        calls++
        expect(calls).to.be.at.most(5 + now / (ttl / 20))
      }
    }))
  })

  it('should wait longer each time that it fails, until there is an answer', () => {
    const pace = new Pace(5_000)

    expect(pace.failing).to.equal(false)
    expect(Array.from({ length: 7 }, () => pace.failed())).to.deep.equal([250, 500, 1_000, 2_000, 4_000, MAX_BACK_OFF, MAX_BACK_OFF])
    expect(pace.failing).to.equal(true)
    pace.answered()
    expect(pace.failing).to.equal(false)
    expect(pace.failed()).to.equal(250)
  })

  it('should hold for what cannot be asked because too much waits for an answer', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const start = performance.now()
    let checks = 0
    const calls = new RatesCalls({
      id: 'n',
      ttl: 4_000,
      timeout: 1_000,
      engine: {
        get busy () {
          ++checks === 10 && resolve()

          return true
        },
        call: async () => { throw new Error('it is busy') }
      },
      policy: () => 0,
      now: () => performance.now(),
      answered: () => {}
    })

    // somebody is refused all the time
    calls.start([{ dueAt: now => now, ask: () => {}, answered: () => {} }])
    await promise
    calls.stop()
    // a timer may be a little early
    expect(checks).to.be.at.most(6 + (performance.now() - start) / 200)
  })
})
