import { expect } from 'aegir/chai'
import { BufferProgress, STALL_BYTES, STALL_GRACE } from '../../src/libp2p/buffers/buffer-progress.ts'

const SECOND = 1_000

describe('whether buffers stand still', () => {
  it('should not be said before the grace, and be said after it', () => {
    const progress = new BufferProgress(100, 5)

    for (const unsent of [true, false]) {
      expect(progress.standsStill(unsent, 5 + STALL_GRACE - 1)).to.equal(false)
      expect(progress.standsStill(unsent, 5 + STALL_GRACE)).to.equal(true)
    }
  })

  it('should not be fooled by a byte a second, nor by 1 KiB a second', () => {
    for (const bytes of [1, 1_024]) {
      const progress = new BufferProgress(2 ** 24, 0)
      let unsent = 2 ** 24

      for (let now = SECOND; now <= STALL_GRACE; now += SECOND) {
        unsent -= bytes
        expect(progress.update(bytes, 0, unsent, now)).to.equal(bytes)
      }

      expect(progress.standsStill(true, STALL_GRACE)).to.equal(true)
      expect(progress.standsStill(false, STALL_GRACE)).to.equal(true)
    }
  })

  it('should never be said of a slow line that takes 64 KiB in the grace', () => {
    const progress = new BufferProgress(2 ** 24, 0)
    let unsent = 2 ** 24

    for (let now = SECOND; now <= 100 * SECOND; now += SECOND) {
      unsent -= STALL_BYTES * SECOND / STALL_GRACE + 1
      progress.update(0, 0, unsent, now)
      expect(progress.standsStill(true, now)).to.equal(false)
    }
  })

  it('should tell what was sent where more is queued all the time', () => {
    const progress = new BufferProgress(1_000, 0)

    expect(progress.update(0, 500, 1_200, 1)).to.equal(300)
    expect(progress.update(0, 0, 1_200, 2)).to.equal(0)

    // what was not queued by anybody we know
    expect(progress.update(0, 0, 2_000, 3)).to.equal(0)
    expect(progress.update(0, STALL_BYTES, 2_000, STALL_GRACE)).to.equal(STALL_BYTES)
    expect(progress.standsStill(true, STALL_GRACE)).to.equal(false)
    expect(progress.standsStill(false, STALL_GRACE)).to.equal(true)
  })

  it('should be excused by what it waits for', () => {
    const progress = new BufferProgress(1_000, 0)

    progress.excuse(STALL_GRACE)
    expect(progress.standsStill(true, 2 * STALL_GRACE - 1)).to.equal(false)
    expect(progress.standsStill(true, 2 * STALL_GRACE)).to.equal(true)
  })
})
