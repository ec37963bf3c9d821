import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { deriveLimits, refuseKnobs } from '../../src/limits/derive-limits.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import { BLOCK_ALL, UNLIMITED } from '../../src/limits/limit.ts'
import { ConcreteLimiter, checkedLimiter } from '../../src/limits/limiter.ts'
import { resolveLimits } from '../../src/limits/resolve-limits.ts'
import { PEER_A } from './arbitraries.ts'
import type { Limiter } from '../../src/limits/limiter.ts'

const presets = { deriveLimits, refuseKnobs }

const peer = peerIdFromString(PEER_A)

function ask (limiter: Limiter): Record<keyof Limiter, () => unknown> {
  return {
    getSystemLimits: () => limiter.getSystemLimits(),
    getTransientLimits: () => limiter.getTransientLimits(),
    getAllowlistedSystemLimits: () => limiter.getAllowlistedSystemLimits(),
    getAllowlistedTransientLimits: () => limiter.getAllowlistedTransientLimits(),
    getServiceLimits: () => limiter.getServiceLimits('s'),
    getServicePeerLimits: () => limiter.getServicePeerLimits('s'),
    getProtocolLimits: () => limiter.getProtocolLimits('/p'),
    getProtocolPeerLimits: () => limiter.getProtocolPeerLimits('/p'),
    getPeerLimits: () => limiter.getPeerLimits(peer),
    getStreamLimits: () => limiter.getStreamLimits(peer),
    getConnLimits: () => limiter.getConnLimits()
  }
}

/**
 * A limiter that gives the same answer to everything, and records the questions
 */
function limiterOf (answer: unknown, asked: unknown[][] = []): Limiter {
  return new Proxy({}, {
    get: (_, name) => (...args: unknown[]) => {
      asked.push([name, ...args])
      return answer
    }
  }) as Limiter
}

function concrete (limiter: Limiter): unknown {
  expect(limiter).to.be.an.instanceOf(ConcreteLimiter)

  return (limiter as ConcreteLimiter).config
}

describe('resolve limits', () => {
  it('should use the defaults for nothing', () => {
    expect(concrete(resolveLimits())).to.deep.equal(deriveLimits())
    expect(concrete(resolveLimits({ limits: undefined }))).to.deep.equal(deriveLimits())
    expect(concrete(resolveLimits({ limits: {} }))).to.deep.equal(deriveLimits())
  })

  it('should build partial limits on what is derived', () => {
    const limiter = resolveLimits({ profile: 'desktop', maxMemory: '1GiB', limits: { system: { fd: 5 }, peer: { [PEER_A]: { conns: 0 } } } }, presets)
    const derived = deriveLimits({ profile: 'desktop', maxMemory: '1GiB' })

    expect(limiter.getSystemLimits()).to.deep.equal({ ...derived.system, fd: 5 })
    expect(limiter.getPeerLimits(peer)).to.deep.equal({ ...derived.peerDefault, conns: 0 })
    expect(limiter.getServiceLimits('libp2p.kad')).to.deep.equal(derived.service['libp2p.kad'])
  })

  it('should let limits say more than what they are derived from', () => {
    expect(resolveLimits({ maxMemory: '1GiB', limits: { system: { memory: 'unlimited' } } }, presets).getSystemLimits().memory).to.equal(Infinity)
  })

  it('should use concrete limits as they are', () => {
    const limits = DefaultLimits.scale()

    expect(concrete(resolveLimits({ limits }))).to.deep.equal(limits)
    expect(concrete(resolveLimits({ limits: new ConcreteLimiter(limits) }))).to.deep.equal(limits)
    expect(concrete(resolveLimits({ limits: InfiniteLimits }))).to.deep.equal(InfiniteLimits)
  })

  it('should ask a limiter', () => {
    const limit = { ...BLOCK_ALL, fd: 5 }

    expect(resolveLimits({ limits: limiterOf(limit) }).getConnLimits()).to.deep.equal(limit)
  })

  it('should refuse knobs that have no effect', () => {
    for (const limits of [InfiniteLimits, new ConcreteLimiter(InfiniteLimits), limiterOf(BLOCK_ALL)]) {
      for (const knob of [{ profile: 'relay' as const }, { maxMemory: 5 }, { maxConnections: 5 }]) {
        expect(() => resolveLimits({ limits, ...knob }, presets)).to.throw(new RegExp(`^${Object.keys(knob)[0]}: expected to be left out`)).with.property('name', 'InvalidParametersError')
      }

      expect(() => resolveLimits({ limits, maxMemory: undefined }, presets)).to.not.throw()
    }
  })

  it('should refuse bad limits of every kind', () => {
    for (const limits of [null, 5, 'unlimited', [], { system: 5 }, { System: {} }, { ...InfiniteLimits, system: { ...UNLIMITED, fd: -1 } }, new ConcreteLimiter({} as any), { getSystemLimits: () => UNLIMITED }]) {
      expect(() => resolveLimits({ limits: limits as any })).to.throw().with.property('name', 'InvalidParametersError')
    }
  })
})

describe('checked limiter', () => {
  it('should pass questions and answers on', () => {
    const asked: unknown[][] = []
    const limit = { ...UNLIMITED, streams: 0, memory: 2 ** 53 - 1 }
    const questions = ask(checkedLimiter(limiterOf(limit, asked)))

    for (const question of Object.values(questions)) {
      expect(question()).to.deep.equal(limit)
      expect(question()).to.be.frozen()
    }

    expect(asked.filter((_, index) => index % 2 === 0)).to.deep.equal([
      ['getSystemLimits'],
      ['getTransientLimits'],
      ['getAllowlistedSystemLimits'],
      ['getAllowlistedTransientLimits'],
      ['getServiceLimits', 's'],
      ['getServicePeerLimits', 's'],
      ['getProtocolLimits', '/p'],
      ['getProtocolPeerLimits', '/p'],
      ['getPeerLimits', peer],
      ['getStreamLimits', peer],
      ['getConnLimits']
    ])
  })

  it('should name the method, the field and the value of a bad answer', () => {
    const { fd, ...incomplete } = UNLIMITED

    for (const [answer, problem] of [
      [{ ...UNLIMITED, streams: -1 }, '.streams: expected a whole number from 0 to 2^53-1, or Infinity, got -1'],
      [{ ...UNLIMITED, memory: NaN }, '.memory: expected a whole number from 0 to 2^53-1, or Infinity, got NaN'],
      [{ ...UNLIMITED, conns: 'unlimited' }, '.conns: expected a whole number from 0 to 2^53-1, or Infinity, got "unlimited"'],
      [{ ...UNLIMITED, conns: 5n }, '.conns: expected a whole number from 0 to 2^53-1, or Infinity, got 5'],
      [incomplete, '.fd: expected a whole number from 0 to 2^53-1, or Infinity, got undefined'],
      [undefined, ': expected a limit, got undefined'],
      [null, ': expected a limit, got null'],
      [Promise.resolve(UNLIMITED), ': expected a limit, got a Promise']
    ] as const) {
      for (const [method, question] of Object.entries(ask(checkedLimiter(limiterOf(answer))))) {
        expect(question).to.throw().with.property('name', 'InvalidParametersError')
        expect(question, method).to.throw().with.property('message').that.satisfies((message: string) => {
          return message.includes(method) && message.endsWith(problem)
        })
      }
    }
  })

  it('should call the methods on the limiter itself', () => {
    class Computed extends ConcreteLimiter {
      readonly #factor = 2

      getConnLimits (): any {
        return { ...BLOCK_ALL, fd: this.#factor }
      }
    }

    const limiter = checkedLimiter(new Computed(InfiniteLimits))

    expect(limiter.getConnLimits().fd).to.equal(2)
  })

  it('should name the methods that are missing', () => {
    expect(() => checkedLimiter({ getSystemLimits: () => UNLIMITED } as any)).to.throw(/limits: expected a limiter with getTransientLimits, .*getConnLimits too/).with.property('name', 'InvalidParametersError')
    expect(() => checkedLimiter(undefined as any)).to.throw().with.property('name', 'InvalidParametersError')
  })
})
