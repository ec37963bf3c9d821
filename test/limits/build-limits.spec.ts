import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { apply, applyLimit, build, buildLimit, isDefaultLimit, resolveLimit, toPartialLimitConfig } from '../../src/limits/build-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from '../../src/limits/limit-config.ts'
import { BLOCK_ALL, LIMIT_FIELDS, UNLIMITED } from '../../src/limits/limit.ts'
import { parseLimits } from '../../src/limits/parse-limits.ts'
import { PEER_A, concreteLimits, limit, partialLimits, resourceLimits } from './arbitraries.ts'

const defaults = build({
  service: { a: { streams: 7 } },
  serviceDefault: { streams: 9, memory: 90 }
}, DefaultLimits.scale())

describe('build limits', () => {
  it('should take what is left out from the defaults', () => {
    const limits = build({ system: { streams: 5, conns: 'default', connsInbound: undefined, fd: 'unlimited', memory: 'blockAll' } }, defaults)

    expect(limits.system).to.deep.equal({ ...defaults.system, streams: 5, fd: Infinity, memory: 0 })
    expect(limits.transient).to.deep.equal(defaults.transient)
    expect(limits.service).to.deep.equal(defaults.service)
  })

  it('should take what a named entry leaves out from the same entry of the defaults first', () => {
    const limits = build({
      serviceDefault: { memory: 80 },
      service: { a: { fd: 1 }, b: { fd: 2 }, c: {} }
    }, defaults)

    expect(limits.service.a).to.deep.equal({ ...defaults.service.a, fd: 1 })
    expect(limits.service.b).to.deep.equal({ ...defaults.serviceDefault, memory: 80, fd: 2 })
    expect(limits.service.c).to.deep.equal({ ...defaults.serviceDefault, memory: 80 })
  })

  it('should take entries named like members of objects from nowhere else', () => {
    const limits = build({ service: { constructor: { fd: 1 }, toString: {} } as any }, defaults)

    expect(limits.service.constructor).to.deep.equal({ ...defaults.serviceDefault, fd: 1 })
    expect(limits.service.toString).to.deep.equal(defaults.serviceDefault)
  })

  it('should give what cannot be changed', () => {
    const limits = build({ peer: { [PEER_A]: { conns: 1 } } }, defaults)

    expect(limits).to.be.frozen()

    for (const key of SCOPE_KEYS) {
      expect(limits[key]).to.be.frozen()
    }

    for (const key of NAMED_KEYS) {
      expect(limits[key]).to.be.frozen()
    }

    expect(limits.peer[PEER_A]).to.be.frozen()
  })

  it('should give the defaults for nothing', () => {
    fc.assert(fc.property(concreteLimits, (config) => {
      expect(build({}, config)).to.deep.equal(config)
    }))
  })

  it('should name the problems of either argument', () => {
    expect(() => build({ system: { streams: -1 } }, defaults)).to.throw().with.property('message').that.includes('limits.system.streams')
    expect(() => build({}, { ...defaults, system: { ...UNLIMITED, fd: -1 } })).to.throw().with.property('message').that.includes('defaults.system.fd')
    expect(() => build({}, {} as any)).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => build({}, undefined as any)).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('should write concrete limits so that they do not depend on defaults', () => {
    fc.assert(fc.property(concreteLimits, (config) => {
      for (const key of SCOPE_KEYS) {
        expect(Object.keys(toPartialLimitConfig(config)[key] ?? {})).to.have.members(LIMIT_FIELDS)
      }

      expect(build(toPartialLimitConfig(config), InfiniteLimits)).to.deep.equal(config)
    }))
  })
})

describe('apply limits', () => {
  it('should prefer its first argument', () => {
    expect(apply({
      system: { streams: 1, fd: 'default' },
      service: { a: { streams: 2 } }
    }, {
      system: { streams: 5, fd: 6 },
      transient: { conns: 7 },
      service: { a: { streams: 8, fd: 9 }, b: { fd: 10 } }
    })).to.deep.equal({
      system: { streams: 1, fd: 6 },
      transient: { conns: 7 },
      service: { a: { streams: 2, fd: 9 }, b: { fd: 10 } }
    })
  })

  it('should give new names the combined default of their kind', () => {
    expect(apply({
      serviceDefault: { streams: 1 },
      service: { a: { fd: 2 } }
    }, {
      serviceDefault: { streams: 3, memory: 4 },
      service: { b: {} }
    })).to.deep.equal({
      serviceDefault: { streams: 1, memory: 4 },
      service: { a: { fd: 2, streams: 1, memory: 4 }, b: {} }
    })
  })

  it('should change neither argument', () => {
    fc.assert(fc.property(partialLimits, partialLimits, (a, b) => {
      const before = structuredClone([a, b])

      apply(a, b)

      expect([a, b]).to.deep.equal(before)
    }))
  })

  it('should do nothing with itself or with nothing', () => {
    fc.assert(fc.property(partialLimits, (config) => {
      const parsed = parseLimits(config)

      expect(apply({}, config)).to.deep.equal(parsed)
      expect(apply(config, config)).to.deep.equal(parsed)
    }))
  })

  it('should refuse bad limits on either side', () => {
    expect(() => apply({ system: 5 } as any, {})).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => apply({}, { system: 5 } as any)).to.throw().with.property('name', 'InvalidParametersError')
  })
})

describe('resolve limit', () => {
  it('should keep what is left out', () => {
    expect(resolveLimit({}, BLOCK_ALL)).to.deep.equal(BLOCK_ALL)
    expect(resolveLimit({ streams: 'default', fd: undefined, conns: 0, connsInbound: 3, memory: 'unlimited', streamsInbound: 'blockAll' }, UNLIMITED)).to.deep.equal({
      ...UNLIMITED, conns: 0, connsInbound: 3, streamsInbound: 0
    })
  })

  it('should give whole numbers or Infinity and nothing else', () => {
    fc.assert(fc.property(resourceLimits, limit, (limits, base) => {
      const resolved = resolveLimit(limits, base)

      expect(resolved).to.be.frozen()
      expect(Object.keys(resolved)).to.deep.equal([...LIMIT_FIELDS])

      for (const field of LIMIT_FIELDS) {
        expect(resolved[field] === Infinity || (Number.isSafeInteger(resolved[field]) && resolved[field] >= 0)).to.be.true()
      }
    }))
  })

  it('should name every field that is wrong', () => {
    expect(() => resolveLimit({ streams: -1, fd: '5' as any, xyz: 1 } as any, UNLIMITED)).to.throw().with.property('message').that.matches(/limit\.xyz: [^]*limit\.streams: [^]*limit\.fd: /)
    expect(() => resolveLimit(null as any, UNLIMITED)).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => resolveLimit(undefined as any, UNLIMITED)).to.throw().with.property('name', 'InvalidParametersError')
  })
})

describe('one limit', () => {
  const base = { streams: 1, streamsInbound: 2, streamsOutbound: 3, conns: 4, connsInbound: 5, connsOutbound: 6, fd: 7, memory: 8 }

  it('should be built as it is in a configuration', () => {
    fc.assert(fc.property(resourceLimits, concreteLimits, (limits, defaults) => {
      expect(buildLimit(limits, defaults.system)).to.deep.equal(build({ system: limits }, defaults).system)
    }))
    expect(buildLimit({}, base)).to.deep.equal(base).and.to.be.frozen()
    expect(buildLimit({ streams: 0, conns: 'unlimited', fd: 'blockAll', memory: '1KiB' }, base)).to.deep.equal({ ...base, streams: 0, conns: Infinity, fd: 0, memory: 1024 })
  })

  it('should be applied as it is in a configuration', () => {
    fc.assert(fc.property(resourceLimits, resourceLimits, (limits, other) => {
      expect(applyLimit(limits, other)).to.deep.equal(apply({ system: limits }, { system: other }).system ?? {})
    }))
    expect(applyLimit({ streams: 1, fd: 'default' }, { streams: 2, fd: 3, memory: 'unlimited' })).to.deep.equal({ streams: 1, fd: 3, memory: 'unlimited' })
  })

  it('should be the default where nothing is set', () => {
    expect(isDefaultLimit({})).to.be.true()
    expect(isDefaultLimit({ streams: 'default', memory: undefined })).to.be.true()
    expect(isDefaultLimit({ streams: 0 })).to.be.false()
    expect(isDefaultLimit({ memory: 'unlimited' })).to.be.false()
  })

  it('should be checked', () => {
    for (const nonsense of [undefined, null, 5, { stream: 1 }, { streams: -1 }] as any[]) {
      for (const fn of [() => buildLimit(nonsense, base), () => applyLimit(nonsense, {}), () => applyLimit({}, nonsense), () => isDefaultLimit(nonsense)]) {
        expect(fn, JSON.stringify(nonsense)).to.throw().with.property('name', 'InvalidParametersError')
      }
    }

    expect(() => buildLimit({}, { ...base, fd: undefined } as any)).to.throw('defaults.fd')
  })
})
