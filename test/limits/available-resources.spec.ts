import { expect } from 'aegir/chai'
import { autoScaleTarget } from '../../src/limits/auto-scale.ts'
import { availableResources } from '../../src/limits/available-resources.browser.ts'

const GiB = 2 ** 30

/**
 * Lets the browser, or Node which has a navigator too, tell how much memory there
 * is
 */
function withDeviceMemory (value: unknown): ReturnType<typeof availableResources> {
  Object.defineProperty(globalThis.navigator, 'deviceMemory', { value, configurable: true })

  try {
    return availableResources()
  } finally {
    delete (globalThis.navigator as any).deviceMemory
  }
}

describe('available resources of a browser', () => {
  it('should be the memory of the device', () => {
    expect(withDeviceMemory(8)).to.deep.equal({ memory: 8 * GiB, fds: 0 })
    expect(withDeviceMemory(0.25)).to.deep.equal({ memory: GiB / 4, fds: 0 })
  })

  it('should be a small device if the browser does not tell', () => {
    for (const value of [undefined, null, 0, NaN, '8']) {
      expect(withDeviceMemory(value), String(value)).to.deep.equal({ memory: 2 * GiB, fds: 0 })
    }
  })
})

describe('auto scale', () => {
  it('should take an eighth of the memory and half of the file descriptors', () => {
    expect(autoScaleTarget({ memory: 8 * GiB + 7, fds: 1025 })).to.deep.equal({ memory: GiB, fds: 512 })
    expect(autoScaleTarget({ memory: GiB, fds: Infinity })).to.deep.equal({ memory: GiB / 8, fds: Infinity })
    expect(autoScaleTarget({ memory: GiB, fds: 0 })).to.deep.equal({ memory: GiB / 8, fds: 0 })
  })
})
