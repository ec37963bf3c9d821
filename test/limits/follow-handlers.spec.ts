import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { buildOn } from '../../src/limits/build-limits.ts'
import { deriveLimits } from '../../src/limits/derive-limits.ts'
import { accepts, followHandlers } from '../../src/limits/follow-handlers.ts'
import { LIMIT_FIELDS } from '../../src/limits/limit.ts'
import { parseLimits } from '../../src/limits/parse-limits.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../../src/limits/limit-config.ts'

const DERIVED = deriveLimits({}, { memory: 16 * 2 ** 30, fds: 10_000 })

function follow (handlers: Record<string, number>, set: PartialLimitConfig = {}): ConcreteLimitConfig {
  const parsed = parseLimits(set)

  return buildOn(followHandlers(DERIVED, parsed, new Map(Object.entries(handlers))), parsed)
}

// who says how many streams a handler accepts expects them to be accepted, unless somebody has
// said otherwise
describe('limits that follow handlers', () => {
  it('should accept what a handler accepts, of its protocol only', () => {
    const limits = follow({ '/many/1': 1_000, '/few/1': 5 })

    expect(limits.protocolPeer['/many/1']).to.include({ streamsInbound: 1_000, streams: 1_000, memory: DERIVED.protocolPeerDefault.memory })
    expect(accepts(limits.protocol['/many/1'] ?? limits.protocolDefault, 1_000)).to.equal(true)
    expect(follow({ '/many/1': 1_500 }).protocol['/many/1'].streamsInbound).to.equal(1_500)
    expect(limits.peerDefault.streamsInbound).to.be.at.least(1_000)
    expect(limits.protocolPeerDefault).to.deep.equal(DERIVED.protocolPeerDefault)
    expect(limits.protocolPeer).to.not.have.property('/few/1')
    expect(follow({})).to.deep.equal(DERIVED)
    expect(follow({ '/none/1': 0 })).to.deep.equal(DERIVED)
  })

  it('should leave what somebody has set', () => {
    expect(follow({ '/many/1': 1_000 }, { protocolPeerDefault: { streamsInbound: 7 } }).protocolPeer).to.not.have.property('/many/1')
    expect(follow({ '/many/1': 1_000 }, { protocolPeer: { '/many/*': { streamsInbound: 7 } } }).protocolPeer).to.not.have.property('/many/1')
    expect(follow({ '/many/1': 1_000 }, { protocolPeer: { '/many/1': { streamsInbound: 7 } } }).protocolPeer['/many/1'].streamsInbound).to.equal(7)
    expect(follow({ '/many/1': 1_000 }, { peerDefault: { streamsInbound: 7 } }).peerDefault.streamsInbound).to.equal(7)
    expect(follow({ '/many/1': 1_000 }, { protocolPeerDefault: { memory: 7 } }).protocolPeer['/many/1']).to.include({ streamsInbound: 1_000, memory: 7 })
  })

  it('should leave what the well-known services have, in private networks too', () => {
    expect(follow({ '/ipfs/kad/1.0.0': 10_000, '/mynet/id/1.0.0': 10_000 })).to.deep.equal(DERIVED)
  })

  it('should raise nothing above the system, and lower nothing', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 5_000 }), (count, streams) => {
      const set = { system: { streams, streamsInbound: streams } }
      const { system, ...limits } = follow({ '/many/1': count }, set)
      const before = buildOn(DERIVED, set)

      for (const key of ['protocolPeer', 'protocol'] as const) {
        const limit = limits[key]['/many/1'] ?? limits[`${key}Default`]

        expect(accepts(limit, Math.min(count, system.streamsInbound))).to.equal(true)
        expect(limit.streamsInbound).to.be.at.most(Math.max(system.streamsInbound, before[`${key}Default`].streamsInbound))

        for (const field of LIMIT_FIELDS) {
          expect(limit[field]).to.be.at.least(before[`${key}Default`][field])
        }
      }

      expect(accepts(limits.peerDefault, Math.min(count, system.streamsInbound))).to.equal(true)
    }))
  })
})
