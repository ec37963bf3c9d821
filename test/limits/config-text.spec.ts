import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createResourceManager } from '../../src/index.ts'
import { apply, build, DefaultLimits, InfiniteLimits, limitsFromJSON, limitsToJSON, toPartialLimitConfig } from '../../src/limits.ts'
import { concreteLimits, partialLimits } from './arbitraries.ts'

const onNote = (note: string): void => { expect.fail(`read in another way than it is written: ${note}`) }

describe('configurations as text', () => {
  it('should be what is read, whatever the limits are', () => {
    fc.assert(fc.property(concreteLimits, partialLimits, (config, partial) => {
      const built = build(partial, config)

      expect(build(limitsFromJSON(JSON.stringify(built), { onNote }), InfiniteLimits)).to.deep.equal(built)
      expect(JSON.parse(JSON.stringify(built))).to.deep.equal(JSON.parse(limitsToJSON(built)))
      expect(String(built)).to.equal(JSON.stringify(built))
    }))
  })

  it('should be what is read, where something is left to the defaults', () => {
    fc.assert(fc.property(partialLimits, partialLimits, (one, other) => {
      const applied = apply(one, other)

      expect(limitsFromJSON(JSON.stringify(applied), { onNote })).to.deep.equal(limitsFromJSON(limitsToJSON(applied), { onNote }))
      expect(String(applied)).to.equal(JSON.stringify(applied))
      expect(JSON.stringify(limitsFromJSON(JSON.stringify(applied), { onNote }))).to.equal(JSON.stringify(applied))
    }))
  })

  it('should have all that a manager hands out', () => {
    const manager = createResourceManager({ limits: { system: { streams: 'unlimited', fd: 0 }, peerDefault: { memory: 2 ** 53 - 1 } } })
    const json = JSON.parse(JSON.stringify({ limits: manager.limits }))

    expect(json.limits.System).to.include({ Streams: 'unlimited', FD: 'blockAll' })
    expect(json.limits.PeerDefault).to.include({ Memory: '9007199254740991' })
    expect(`${toPartialLimitConfig(InfiniteLimits)}`).to.include('"System":{"Streams":"unlimited"')
  })

  it('should not show among the limits', () => {
    const config = DefaultLimits.scale()

    expect(Object.keys(config)).to.not.include.members(['toJSON', 'toString'])
    expect({ ...config }).to.deep.equal(config)
    expect(build(config, InfiniteLimits)).to.deep.equal(config)
  })
})
