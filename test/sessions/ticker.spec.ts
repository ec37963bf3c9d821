import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { Ticker, toSteps } from '../../src/sessions/ticker.ts'
import { stopTime } from './fixtures.ts'
import type { TickResult } from '../../src/sessions/ticker.ts'
import type { SinonFakeTimers, SinonStub } from 'sinon'

function task (result: TickResult): { tick: SinonStub<[number], TickResult> } {
  return { tick: sinon.stub<[number], TickResult>().returns(result) }
}

describe('sessions/ticker', () => {
  let time: SinonFakeTimers

  beforeEach(() => {
    time = stopTime()
  })

  afterEach(() => {
    time.restore()
  })

  it('should count steps of a second from when it was made', () => {
    time.tick(123_456.5)

    const ticker = new Ticker()

    expect(ticker.step()).to.equal(0)
    time.tick(999)
    expect(ticker.step()).to.equal(0)
    time.tick(1)
    expect(ticker.step()).to.equal(1)
    time.tick(3_600_000)
    expect(ticker.step()).to.equal(3_601)
  })

  it('should use the clock that it is given', () => {
    let now = -5_000
    const ticker = new Ticker({ now: () => now })

    now += 2_000
    expect(ticker.step()).to.equal(2)
  })

  it('should not go back with a clock that does', () => {
    let now = 0
    const ticker = new Ticker({ now: () => now })

    now = 7_000
    expect(ticker.step()).to.equal(7)
    now = 2_000
    expect(ticker.step()).to.equal(7)
    now = 8_000
    expect(ticker.step()).to.equal(8)
  })

  it('should round steps up', () => {
    expect([0, 1, 999, 1_000, 1_001, 5_000].map(toSteps)).to.deep.equal([0, 1, 1, 1, 2, 5])
  })

  it('should read the clock now and then even if the timer is late', () => {
    let now = 0
    const ticker = new Ticker({ now: () => now })

    now = 60_000

    const steps = Array.from({ length: 16 }, () => ticker.coarseStep())

    expect(steps[0]).to.equal(0)
    expect(steps[15]).to.equal(60)
    expect(ticker.coarseStep()).to.equal(60)
  })

  it('should share one timer between all tasks, at the beginning of each step', () => {
    const ticker = new Ticker()
    const tasks = Array.from({ length: 100 }, () => task('waiting'))

    tasks.forEach(task => { ticker.add(task) })
    expect(time.countTimers()).to.equal(0)

    time.tick(250)
    tasks.forEach(() => { ticker.wake() })
    expect(time.countTimers()).to.equal(1)

    time.tick(749)
    expect(tasks[0].tick.callCount).to.equal(0)
    time.tick(1)
    expect(tasks.every(({ tick }) => tick.callCount === 1)).to.be.true()
    expect(tasks[99].tick.lastCall.args).to.deep.equal([1])

    time.tick(10_000)
    expect(tasks.every(({ tick }) => tick.callCount === 11)).to.be.true()
    expect(time.countTimers()).to.equal(1)
  })

  it('should have no timer while all tasks are idle', () => {
    const ticker = new Ticker()
    const idle = task('idle')

    ticker.add(idle)
    ticker.wake()
    time.tick(1_000)
    expect(idle.tick.callCount).to.equal(1)
    expect(time.countTimers()).to.equal(0)

    ticker.wake()
    time.tick(1_000)
    expect(idle.tick.callCount).to.equal(2)
  })

  it('should call again at once while a task is busy', () => {
    const ticker = new Ticker()
    const busy = task('waiting')

    busy.tick.onFirstCall().returns('busy').onSecondCall().returns('busy')
    ticker.add(task('waiting'))
    ticker.add(busy)
    ticker.add(task('waiting'))
    ticker.add(task('idle'))
    ticker.wake()

    time.tick(1_010)
    expect(busy.tick.callCount).to.equal(3)
    expect(time.countTimers()).to.equal(1)
    time.tick(989)
    expect(busy.tick.callCount).to.equal(3)
    time.tick(1)
    expect(busy.tick.callCount).to.equal(4)
  })

  it('should call again what was woken while tasks were called', () => {
    const ticker = new Ticker()
    const early = task('idle')
    const late = task('idle')

    late.tick.onFirstCall().callsFake(() => {
      ticker.wake()

      return 'idle'
    })
    ticker.add(early)
    ticker.add(late)
    ticker.wake()

    time.tick(2_000)
    expect(early.tick.callCount).to.equal(2)
    expect(time.countTimers()).to.equal(0)
  })

  it('should have no timer without tasks', () => {
    const ticker = new Ticker()
    const first = task('waiting')
    const second = task('waiting')

    ticker.add(first)
    ticker.add(second)
    ticker.wake()
    ticker.remove(first)
    expect(time.countTimers()).to.equal(1)
    ticker.remove(second)
    expect(time.countTimers()).to.equal(0)

    ticker.add(first)
    ticker.wake()
    time.tick(1_000)
    expect(first.tick.callCount).to.equal(1)
  })
})
