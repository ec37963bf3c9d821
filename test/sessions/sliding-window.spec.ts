import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { SlidingWindow } from '../../src/sessions/sliding-window.ts'

/**
 * Keeps everything and computes each step from the beginning
 */
class ModelWindow {
  readonly #added: Array<{ step: number, bytes: number }> = []
  #top = 0
  #topStep = 0

  add (bytes: number, step: number): void {
    this.#added.push({ step, bytes })
    this.#top = Math.max(this.topBitrate(step), this.bitrate(step))
  }

  bitrate (step: number): number {
    const inWindow = this.#added.filter(added => added.step > step - 10 && added.step <= step)

    return inWindow.reduce((sum, { bytes }) => sum + bytes, 0) * 8 / 10
  }

  topBitrate (step: number): number {
    for (; this.#topStep < step; this.#topStep++) {
      this.#top = Math.max(this.#top * 0.95, this.bitrate(this.#topStep + 1))
    }

    return this.#top
  }

  setTopBitrate (bitrate: number, step: number): void {
    this.topBitrate(step)
    this.#top = bitrate
  }
}

function expectClose (actual: number, expected: number, message?: string): void {
  expect(actual, message).to.be.closeTo(expected, 1e-9 * Math.max(1, expected))
}

describe('sessions/sliding-window', () => {
  it('should start with nothing', () => {
    const window = new SlidingWindow(7)

    expect(window.bitrate(7)).to.equal(0)
    expect(window.topBitrate(7)).to.equal(0)
    expect(window.bitrate(1_000)).to.equal(0)
    expect(window.topBitrate(1_000)).to.equal(0)
  })

  it('should average over ten steps and then forget', () => {
    const window = new SlidingWindow(0)

    window.add(1_000, 0)
    expect(window.bitrate(0)).to.equal(800)
    window.add(500, 1)
    expect(window.bitrate(1)).to.equal(1_200)
    expect(window.bitrate(9), 'ten steps').to.equal(1_200)
    expect(window.bitrate(10), 'the first step is over').to.equal(400)
    expect(window.bitrate(11), 'the second step is over').to.equal(0)
  })

  it('should reach the bit rate of constant traffic after ten steps', () => {
    const window = new SlidingWindow(0)

    for (let step = 0; step < 30; step++) {
      window.add(125, step)
      expect(window.bitrate(step)).to.equal(Math.min(step + 1, 10) * 100)
    }
  })

  it('should keep the top bit rate less 5% for each step', () => {
    const window = new SlidingWindow(0)

    window.add(1_000, 0)
    expect(window.topBitrate(0)).to.equal(800)
    expect(window.topBitrate(9), 'the bit rate is still that high').to.equal(800)
    expectClose(window.topBitrate(10), 800 * 0.95)
    expectClose(window.topBitrate(12), 800 * 0.95 ** 3)
    expectClose(window.topBitrate(1_009), 800 * 0.95 ** 1_000)
  })

  it('should let the top bit rate be set', () => {
    const window = new SlidingWindow(0)

    window.add(1_000, 0)
    window.setTopBitrate(2_000, 0)
    expect(window.topBitrate(0)).to.equal(2_000)
    expectClose(window.topBitrate(1), 1_900)

    window.setTopBitrate(1, 1)
    expect(window.topBitrate(1)).to.equal(1)
    expect(window.topBitrate(2), 'the bit rate is higher').to.equal(800)

    window.setTopBitrate(1, 2)
    window.add(10, 2)
    expect(window.topBitrate(2), 'the bit rate is higher').to.equal(808)
  })

  it('should count what comes from an earlier step for the last one', () => {
    const window = new SlidingWindow(0)

    window.add(1_000, 20)
    window.add(1_000, 5)
    expect(window.bitrate(5)).to.equal(1_600)
    expect(window.bitrate(29)).to.equal(1_600)
    expect(window.bitrate(30)).to.equal(0)
  })

  it('should stay exact however much passes through', () => {
    const window = new SlidingWindow(0)

    for (let step = 0; step < 1_000; step++) {
      window.add(2 ** 45 + step, step)
    }

    expect(window.bitrate(2_000)).to.equal(0)
  })

  it('should answer as a model does, whoever asks in between', () => {
    const operation = fc.record({
      passed: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 40 })),
      bytes: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 40 })),
      set: fc.option(fc.integer({ min: 0, max: 2 ** 40 }), { freq: 8 }),
      ask: fc.boolean()
    })

    fc.assert(fc.property(fc.array(operation, { maxLength: 60 }), operations => {
      const window = new SlidingWindow(0)
      const model = new ModelWindow()
      let step = 0

      for (const { passed, bytes, set, ask } of operations) {
        step += passed
        window.add(bytes, step)
        model.add(bytes, step)

        if (set != null) {
          window.setTopBitrate(set, step)
          model.setTopBitrate(set, step)
        }

        if (ask) {
          expectClose(window.bitrate(step), model.bitrate(step), 'bit rate')
          expectClose(window.topBitrate(step), model.topBitrate(step), 'top bit rate')
        }
      }

      expectClose(window.bitrate(step + 5), model.bitrate(step + 5), 'bit rate in the end')
      expectClose(window.topBitrate(step + 5), model.topBitrate(step + 5), 'top bit rate in the end')
    }))
  })
})
