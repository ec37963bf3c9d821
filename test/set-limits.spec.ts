import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createResourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits/infinite-limits.ts'
import { LIMIT_FIELDS } from '../src/limits/limit.ts'
import { concreteLimits, PEER_A, partialLimits } from './limits/arbitraries.ts'
import { errorOf, peerA } from './scopes/fixtures.ts'
import type { PartialLimitConfig } from '../src/index.ts'

const PROTOCOL = '/a/1.0.0'

describe('changing limits', () => {
  it('should build on what the manager was made with', () => {
    const manager = createResourceManager({ limits: { peerDefault: { conns: 2 }, system: { fd: 99 }, protocol: { [PROTOCOL]: { streams: 3 } } } })

    manager.setLimits({ system: { connsInbound: 100 }, protocol: { [PROTOCOL]: { memory: '1MiB' } } })

    expect(manager.limits?.peerDefault.conns).to.equal(2)
    expect(manager.limits?.system).to.include({ fd: 99, connsInbound: 100 })
    expect(manager.limits?.protocol[PROTOCOL]).to.include({ streams: 3, memory: 2 ** 20 })
  })

  it('should not build on what was set in the meantime', () => {
    const manager = createResourceManager()
    const { system } = manager.limits ?? InfiniteLimits

    manager.setLimits({ system: { connsInbound: 100 } })
    manager.setLimits({ system: { fd: 99 } })
    expect(manager.limits?.system).to.include({ connsInbound: system.connsInbound, fd: 99 })

    manager.setLimits({})
    expect(manager.limits?.system).to.deep.equal(system)
  })

  it('should keep the profile and its siblings, and drop the limits beside them when told so', () => {
    const manager = createResourceManager({ maxMemory: '512MiB', limits: { peerDefault: { conns: 2 } } })
    const plain = createResourceManager({ maxMemory: '512MiB' })

    manager.setLimits({ system: { fd: 1 } })
    expect(manager.limits?.system).to.include({ memory: 512 * 2 ** 20, fd: 1 })

    manager.setLimits({}, { replace: true })
    expect(manager.limits).to.deep.equal(plain.limits)

    // what the manager was made with is not forgotten
    manager.setLimits({})
    expect(manager.limits?.peerDefault.conns).to.equal(2)
  })

  it('should build on a whole configuration too', () => {
    const limits = { ...InfiniteLimits, system: { ...InfiniteLimits.system, fd: 99 } }
    const manager = createResourceManager({ limits })

    // what was passed may be used for something else
    limits.system.fd = 5
    manager.setLimits({ system: { connsInbound: 100 } })
    expect(manager.limits?.system).to.deep.equal({ ...InfiniteLimits.system, fd: 99, connsInbound: 100 })
  })

  it('should not be changed by what becomes of the limits that were passed', () => {
    const limits: PartialLimitConfig = { system: { fd: 99 } }
    const manager = createResourceManager({ limits })

    limits.system = { fd: 5 }
    manager.setLimits({})
    expect(manager.limits?.system.fd).to.equal(99)
  })

  it('should have nothing to build on where a limiter computes', () => {
    const limit = InfiniteLimits.system
    const limiter: any = Object.fromEntries([
      'System', 'Transient', 'AllowlistedSystem', 'AllowlistedTransient', 'Service', 'ServicePeer', 'Protocol', 'ProtocolPeer', 'Peer', 'Stream', 'Conn'
    ].map(name => [`get${name}Limits`, () => limit]))
    const manager = createResourceManager({ limits: limiter })

    expect(errorOf(() => { manager.setLimits({ system: { fd: 1 } }) })).to.have.property('message').that.includes('{ replace: true }')
    expect(manager.limits).to.equal(undefined)

    expect(manager.setLimits({ system: { fd: 1 } }, { replace: true })).to.deep.equal([])
    expect(manager.limits?.system.fd).to.equal(1)
  })

  it('should keep what was set on a scope, and no more of it', () => {
    const manager = createResourceManager()

    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 1 }) })
    manager.viewSystem(scope => { scope.setLimit({ fd: 7 }) })
    manager.viewSystem(scope => { scope.setLimit({ conns: 8 }) })
    manager.setLimits({ peerDefault: { streams: 5, conns: 3 }, system: { fd: 99, memory: '2GiB' } })

    expect(manager.viewPeer(peerA, scope => scope.limit)).to.include({ streams: 1, conns: 3 })
    expect(manager.viewSystem(scope => scope.limit)).to.include({ fd: 7, conns: 8, memory: 2 ** 31 })
    manager.gc()
    expect(manager.listPeers()).to.deep.equal([peerA])

    manager.setLimits({ peerDefault: { streams: 5 } }, { replace: true })
    expect(manager.viewPeer(peerA, scope => scope.limit.streams)).to.equal(5)
    manager.gc()
    expect(manager.listPeers()).to.be.empty()
  })

  it('should say what has changed', () => {
    const manager = createResourceManager({ limits: { system: { fd: 99 } } })

    expect(manager.setLimits({ system: { fd: 98, connsInbound: 'unlimited' }, peer: { [PEER_A]: { conns: 1 } } })).to.deep.include.members([
      { setting: 'System.FD', from: 99, to: 98 },
      { setting: `Peer.${PEER_A}.Conns`, from: manager.limits?.peerDefault.conns, to: 1 }
    ]).and.to.have.lengthOf(3)
    expect(manager.setLimits({ system: { fd: 98, connsInbound: 'unlimited' }, peer: { [PEER_A]: { conns: 1 } } })).to.deep.equal([])
    expect(manager.setLimits({})).to.have.lengthOf(3).and.to.deep.include({ setting: 'System.FD', from: 98, to: 99 })
  })

  it('should change nothing where something is wrong', () => {
    const manager = createResourceManager()
    const before = manager.limits

    for (const [limits, options] of [[{ system: { fdd: 1 } }, {}], [{ system: { fd: -1 } }, {}], [{}, { replaces: true }], [{}, { replace: 1 }], [null, {}], [5, {}]] as any[]) {
      expect(errorOf(() => { manager.setLimits(limits, options) })).to.have.property('name', 'InvalidParametersError')
    }

    expect(manager.limits).to.equal(before)
  })

  it('should come to the same as limits that were there from the beginning', () => {
    fc.assert(fc.property(partialLimits, (limits) => {
      const changed = createResourceManager({ maxMemory: '1GiB' })

      changed.setLimits(limits)
      expect(changed.limits).to.deep.equal(createResourceManager({ maxMemory: '1GiB', limits }).limits)
    }), { numRuns: 50 })
  })

  it('should list exactly the limits that differ', () => {
    fc.assert(fc.property(concreteLimits, concreteLimits, (a, b) => {
      const manager = createResourceManager({ limits: a })
      const changes = manager.setLimits(b)

      expect(changes.length > 0).to.equal(changes.some(({ from, to }) => from !== to))

      for (const field of LIMIT_FIELDS) {
        const setting = `System.${field === 'fd' ? 'FD' : field[0].toUpperCase() + field.slice(1)}`

        expect(changes.some(change => change.setting === setting)).to.equal(a.system[field] !== b.system[field])
      }
    }), { numRuns: 50 })
  })
})
