import { expect } from 'aegir/chai'
import { MemoryLimitExceededError, StreamLimitExceededError } from '../../src/index.ts'
import { createManager, NOTHING, peerA, PEER_A, peerB, PROTOCOL, SERVICE, unlimitedBut } from './fixtures.ts'
import type { ResourceManager, ResourceScope, ResourceScopeLimiter } from '../../src/index.ts'
import type { ConcreteLimitConfig } from '../../src/limits/limit-config.ts'

const SCOPES: Record<string, (manager: ResourceManager) => ResourceScope & ResourceScopeLimiter> = {
  system: manager => manager.viewSystem(scope => scope),
  transient: manager => manager.viewTransient(scope => scope),
  'a service': manager => manager.viewService(SERVICE, scope => scope),
  'a protocol': manager => manager.viewProtocol(PROTOCOL, scope => scope),
  'a peer': manager => manager.viewPeer(peerA, scope => scope),
  'a connection': manager => manager.openConnection('inbound', false),
  'a stream': manager => manager.openStream(peerA, 'inbound'),
  'a span': manager => manager.openStream(peerA, 'inbound').beginSpan(),
  'an owned service scope': manager => manager.openService(SERVICE)
}

describe('setting a limit', () => {
  for (const [what, open] of Object.entries(SCOPES)) {
    it(`should take effect at once in ${what}`, () => {
      const scope = open(createManager())

      scope.reserveMemory(100)
      scope.setLimit({ memory: 100 })
      expect(() => { scope.reserveMemory(1) }).to.throw(MemoryLimitExceededError).that.deep.includes({ scope: scope.name, limit: 100 })
      scope.setLimit({ memory: 101 })
      scope.reserveMemory(1)
      scope.setLimit({ memory: 'blockAll' })
      expect(() => { scope.reserveMemory(1) }).to.throw(MemoryLimitExceededError)
      scope.setLimit({ memory: 'unlimited' })
      scope.reserveMemory(1000)
    })

    it(`should keep the fields that are left out or default in ${what}`, () => {
      const scope = open(createManager())
      const before = scope.limit

      scope.setLimit({ memory: 5, streams: 'blockAll' })
      expect(scope.limit).to.deep.equal({ ...before, memory: 5, streams: 0 })
      scope.setLimit({ memory: 'default', streams: undefined, fd: 7 })
      expect(scope.limit).to.deep.equal({ ...before, memory: 5, streams: 0, fd: 7 })
      scope.setLimit({})
      expect(scope.limit).to.deep.equal({ ...before, memory: 5, streams: 0, fd: 7 })
    })

    it(`should let ${what} keep what it holds already`, () => {
      const scope = open(createManager())

      scope.reserveMemory(100)
      scope.setLimit({ memory: 10 })
      expect(scope.stat().memory).to.equal(100)
      scope.releaseMemory(91)
      scope.reserveMemory(1)
      expect(() => { scope.reserveMemory(1) }).to.throw(MemoryLimitExceededError)
    })
  }

  it('should not change the limit of any other scope', () => {
    const manager = createManager({ peerDefault: { streams: 5 } })
    const other = manager.viewPeer(peerB, scope => scope)

    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 1 }) })
    expect(other.limit.streams).to.equal(5)
    expect(manager.limits?.peerDefault.streams).to.equal(5)

    const stream = manager.openStream(peerA, 'inbound')

    stream.setLimit({ memory: 1 })
    stream.done()
    expect(manager.openStream(peerA, 'inbound').limit.memory).to.equal(Infinity)
  })

  it('should not give out limits that can be changed', () => {
    for (const open of Object.values(SCOPES)) {
      const scope = open(createManager())

      expect(() => { (scope.limit as any).memory = 1 }).to.throw(TypeError)
      scope.setLimit({ memory: 5 })
      expect(() => { (scope.limit as any).memory = 1 }).to.throw(TypeError)
    }
  })

  it('should not follow changes of the object that was given', () => {
    const scope = createManager().viewSystem(scope => scope)
    const limits = { memory: 5 }

    scope.setLimit(limits)
    limits.memory = 500
    expect(scope.limit.memory).to.equal(5)
  })

  it('should refuse streams above the new limit and accept them below', () => {
    const manager = createManager()
    const streams = [1, 2, 3].map(() => manager.openStream(peerA, 'inbound'))

    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 2 }) })
    expect(() => manager.openStream(peerA, 'inbound')).to.throw(StreamLimitExceededError).that.deep.includes({ current: 3, limit: 2 })
    streams[0].done()
    expect(() => manager.openStream(peerA, 'inbound')).to.throw(StreamLimitExceededError)
    streams[1].done()
    manager.openStream(peerA, 'inbound')
  })

  it('should be remembered by scopes that are idle', () => {
    const manager = createManager()

    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 1 }) })
    manager.viewProtocol(PROTOCOL, scope => { scope.setLimit({ streams: 1 }) })
    manager.viewService(SERVICE, scope => { scope.setLimit({ streams: 1 }) })

    manager.openStream(peerA, 'inbound').done()
    manager.gc()

    expect(manager.listPeers()).to.deep.equal([peerA])
    expect(manager.listProtocols()).to.deep.equal([PROTOCOL])
    expect(manager.viewPeer(peerA, scope => scope.limit.streams)).to.equal(1)
    expect(manager.viewProtocol(PROTOCOL, scope => scope.limit.streams)).to.equal(1)
    expect(manager.viewService(SERVICE, scope => scope.limit.streams)).to.equal(1)
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })
})

describe('setting all limits', () => {
  it('should take effect at once in every scope that there is and will be', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')
    const connection = manager.openConnection('inbound', false)

    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)

    const scopes: Array<[keyof ConcreteLimitConfig, ResourceScope & ResourceScopeLimiter]> = [
      ['system', manager.viewSystem(scope => scope)],
      ['transient', manager.viewTransient(scope => scope)],
      ['serviceDefault', manager.viewService(SERVICE, scope => scope)],
      ['protocolDefault', manager.viewProtocol(PROTOCOL, scope => scope)],
      ['peerDefault', manager.viewPeer(peerA, scope => scope)],
      ['stream', stream],
      ['conn', connection]
    ]

    for (const [key, scope] of scopes) {
      manager.setLimits(unlimitedBut({ [key]: { memory: 7 } }))
      expect(scope.limit.memory).to.equal(7)
      expect(() => { scope.reserveMemory(8) }).to.throw(MemoryLimitExceededError).with.property('scope', scope.name)
    }

    for (const key of ['protocolPeerDefault', 'servicePeerDefault']) {
      manager.setLimits(unlimitedBut({ [key]: { memory: 7 } }))
      expect(() => { stream.reserveMemory(8) }).to.throw(MemoryLimitExceededError).with.property('scope').that.includes(`.${PEER_A}`)
    }

    manager.setLimits(unlimitedBut({ peerDefault: { memory: 7 } }))
    expect(manager.viewPeer(peerB, scope => scope.limit.memory)).to.equal(7)
  })

  it('should keep what is held', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    manager.setLimits(unlimitedBut({ peerDefault: { streams: 1 } }))
    expect(() => manager.openStream(peerA, 'inbound')).to.throw(StreamLimitExceededError)
    stream.done()
    manager.openStream(peerA, 'inbound')
  })

  it('should replace the limits that were set on shared scopes, which are collected again', () => {
    const manager = createManager()

    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 1 }) })
    manager.gc()
    manager.setLimits(unlimitedBut({ peerDefault: { streams: 5 } }))
    expect(manager.viewPeer(peerA, scope => scope.limit.streams)).to.equal(5)
    manager.gc()
    expect(manager.listPeers()).to.be.empty()
  })
})
