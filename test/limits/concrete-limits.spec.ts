import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { isConcreteLimitConfig, validateConcreteLimits, validateLimit } from '../../src/limits/concrete-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { InfiniteLimits, isInfinite } from '../../src/limits/infinite-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from '../../src/limits/limit-config.ts'
import { BLOCK_ALL, LIMIT_FIELDS, UNLIMITED } from '../../src/limits/limit.ts'
import { PEER_A, concreteLimits } from './arbitraries.ts'

describe('concrete limits', () => {
  it('should tell concrete limits from partial ones', () => {
    fc.assert(fc.property(concreteLimits, fc.constantFrom(...SCOPE_KEYS, ...NAMED_KEYS), fc.constantFrom(...LIMIT_FIELDS), (config, key, field) => {
      expect(isConcreteLimitConfig(config)).to.be.true()
      expect(isConcreteLimitConfig({ ...config, [key]: undefined })).to.be.false()

      const incomplete = { ...UNLIMITED, [field]: 'unlimited' }

      expect(isConcreteLimitConfig({ ...config, system: incomplete })).to.be.false()
      expect(isConcreteLimitConfig({ ...config, service: { a: incomplete } })).to.be.false()
    }))

    for (const value of [undefined, null, 5, 'unlimited', [], {}, new Map()]) {
      expect(isConcreteLimitConfig(value)).to.be.false()
    }
  })

  it('should copy and freeze what is valid', () => {
    fc.assert(fc.property(concreteLimits, (config) => {
      const copy = validateConcreteLimits(config)

      expect(copy).to.deep.equal(config)
      expect(copy).to.not.equal(config)
      expect(copy).to.be.frozen()
      expect(copy.system).to.be.frozen()
    }))
  })

  it('should list every problem', () => {
    const { stream, protocol, ...rest } = InfiniteLimits
    const bad: any = {
      ...rest,
      system: { ...UNLIMITED, streams: -1, fd: 1.5 },
      service: { a: { ...UNLIMITED, memory: 2 ** 53 } },
      peer: { nobody: UNLIMITED },
      extra: {}
    }

    expect(() => validateConcreteLimits(bad, 'x')).to.throw().with.property('message').that.matches(/x\.extra: [^]*x\.system\.streams: [^]*x\.system\.fd: [^]*x\.stream: [^]*x\.service\.a\.memory: [^]*x\.peer\.nobody: /)
    expect(() => validateConcreteLimits(5 as any)).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('should look peers up by their usual form', () => {
    const cid = peerIdFromString(PEER_A).toCID().toString()

    expect(validateConcreteLimits({ ...InfiniteLimits, peer: { [cid]: BLOCK_ALL } }).peer).to.deep.equal({ [PEER_A]: BLOCK_ALL })
  })

  it('should check single limits', () => {
    expect(validateLimit({ ...BLOCK_ALL, fd: Infinity, memory: 2 ** 53 - 1 })).to.deep.equal({ ...BLOCK_ALL, fd: Infinity, memory: 2 ** 53 - 1 })
    expect(() => validateLimit({ ...BLOCK_ALL, fd: NaN, conns: undefined } as any, 'x')).to.throw().with.property('message').that.matches(/x\.conns: [^]*got undefined[^]*x\.fd: [^]*got NaN/)
    expect(() => validateLimit(null as any)).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('should know when nothing is refused', () => {
    expect(isInfinite(InfiniteLimits)).to.be.true()
    expect(isInfinite({ ...InfiniteLimits, conn: { ...UNLIMITED, fd: 1e6 } })).to.be.false()
    expect(isInfinite({ ...InfiniteLimits, service: { a: BLOCK_ALL } })).to.be.false()
    expect(isInfinite({ ...InfiniteLimits, service: { a: UNLIMITED } })).to.be.true()
    expect(isInfinite(DefaultLimits.scale())).to.be.false()
  })
})
