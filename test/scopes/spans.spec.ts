import { expect } from 'aegir/chai'
import { MemoryLimitExceededError, ResourceScopeClosedError } from '../../src/index.ts'
import { createManager, NOTHING, peerA, PROTOCOL, SERVICE } from './fixtures.ts'
import type { ResourceManager, ResourceScope, ResourceScopeSpan } from '../../src/index.ts'

const OWNERS: Record<string, (manager: ResourceManager) => ResourceScope> = {
  system: manager => manager.viewSystem(scope => scope),
  transient: manager => manager.viewTransient(scope => scope),
  'a service': manager => manager.viewService(SERVICE, scope => scope),
  'a protocol': manager => manager.viewProtocol(PROTOCOL, scope => scope),
  'a peer': manager => manager.viewPeer(peerA, scope => scope),
  'a connection': manager => manager.openConnection('inbound', false),
  'a stream': manager => manager.openStream(peerA, 'inbound'),
  'an owned service scope': manager => manager.openService(SERVICE),
  'a span': manager => manager.openStream(peerA, 'inbound').beginSpan()
}

function memoryOf (...scopes: ResourceScope[]): number[] {
  return scopes.map(scope => scope.stat().memory)
}

describe('spans', () => {
  for (const [what, open] of Object.entries(OWNERS)) {
    it(`should reserve in ${what} and in system`, () => {
      const manager = createManager()
      const owner = open(manager)
      const system = manager.viewSystem(scope => scope)
      const span = owner.beginSpan()

      span.reserveMemory(30)
      expect(memoryOf(span, owner, system)).to.deep.equal([30, 30, 30])
      span.releaseMemory(10)
      expect(memoryOf(span, owner, system)).to.deep.equal([20, 20, 20])
      span.done()
      expect(memoryOf(span, owner, system)).to.deep.equal([0, 0, 0])
    })

    it(`should release what is left in ${what} at the end, once`, () => {
      const manager = createManager()
      const owner = open(manager)
      const other = owner.beginSpan()
      const span = owner.beginSpan()

      owner.reserveMemory(1)
      other.reserveMemory(2)
      span.reserveMemory(4)
      span.done()
      span.done()
      expect(memoryOf(owner, other, span)).to.deep.equal([3, 2, 0])
    })
  }

  it('should form a tree', () => {
    const manager = createManager()
    const owner = manager.openConnection('inbound', false)
    const span = owner.beginSpan()
    const left = span.beginSpan()
    const right = span.beginSpan()
    const leaf = left.beginSpan()

    span.reserveMemory(1)
    left.reserveMemory(2)
    right.reserveMemory(4)
    leaf.reserveMemory(8)
    expect(memoryOf(owner, span, left, right, leaf)).to.deep.equal([15, 15, 10, 4, 8])
    left.done()
    expect(memoryOf(owner, span, right)).to.deep.equal([5, 5, 4])
    span.done()
    expect(memoryOf(owner)).to.deep.equal([0])
    owner.done()
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should do nothing when one ends after its owner', () => {
    for (const open of Object.values(OWNERS)) {
      const manager = createManager()
      const outer = open(manager).beginSpan()
      const owner = outer.beginSpan()
      const span = owner.beginSpan()

      outer.reserveMemory(1)
      owner.reserveMemory(2)
      span.reserveMemory(4)
      owner.done()
      expect(memoryOf(outer, owner)).to.deep.equal([1, 0])

      const before = manager.stat()

      span.releaseMemory(3)
      span.done()
      expect(manager.stat()).to.deep.equal(before)
      expect(span.stat()).to.deep.equal(NOTHING)
    }
  })

  it('should not be able to reserve after their owner has ended', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')
    const span = stream.beginSpan()
    const inner = span.beginSpan()

    stream.done()

    for (const scope of [span, inner]) {
      expect(() => { scope.reserveMemory(1) }).to.throw(ResourceScopeClosedError)
      expect(() => { scope.reserveMemory(0) }).to.throw(ResourceScopeClosedError)
    }

    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should only hold memory', () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', true)
    const span = connection.beginSpan()

    span.reserveMemory(1)
    expect(span.stat()).to.deep.equal({ ...NOTHING, memory: 1 })
    expect(connection.stat()).to.deep.equal({ ...NOTHING, memory: 1, numConnsInbound: 1, numFD: 1 })
  })

  it('should share the limit of their owner', () => {
    const manager = createManager({ stream: { memory: 100 } })
    const stream = manager.openStream(peerA, 'inbound')
    const first = stream.beginSpan()
    const second = first.beginSpan()

    expect(second.limit).to.deep.equal(stream.limit)
    stream.reserveMemory(40)
    first.reserveMemory(40)
    expect(() => { second.reserveMemory(21) }).to.throw(MemoryLimitExceededError).with.property('scope', 'stream-1')
    second.reserveMemory(20)
  })

  it('should copy the limit that their owner has when they begin', () => {
    const manager = createManager({ stream: { memory: 100 } })
    const stream = manager.openStream(peerA, 'inbound')
    const before = stream.beginSpan()

    stream.setLimit({ memory: 200 })

    const after = stream.beginSpan()

    expect(() => { before.reserveMemory(101) }).to.throw(MemoryLimitExceededError).with.property('scope', 'stream-1.span-1')
    after.reserveMemory(150)
    expect(memoryOf(stream)).to.deep.equal([150])
  })

  it('should apply the priority in each of the scopes above', () => {
    const manager = createManager({ stream: { memory: 100 } })
    const stream = manager.openStream(peerA, 'inbound')
    const span = stream.beginSpan()

    stream.reserveMemory(30)
    expect(() => { span.reserveMemory(10, 101) }).to.throw(MemoryLimitExceededError).that.deep.includes({ scope: 'stream-1', current: 30, attempted: 10, limit: 39, priority: 101 })
    span.reserveMemory(9, 101)
  })

  it('should change nothing when a scope above refuses', () => {
    const manager = createManager({ system: { memory: 10 } })
    const stream = manager.openStream(peerA, 'inbound')
    const span = stream.beginSpan()

    expect(() => { span.reserveMemory(11) }).to.throw(MemoryLimitExceededError)
    expect(memoryOf(span, stream)).to.deep.equal([0, 0])
    span.reserveMemory(10)
    expect(memoryOf(span, stream)).to.deep.equal([10, 10])
  })

  it('should be emptied by release and stay usable', () => {
    const manager = createManager()
    const span = manager.viewSystem(scope => scope.beginSpan())

    span.reserveMemory(10)
    span.release()
    expect(memoryOf(span)).to.deep.equal([0])
    span.release()
    span.reserveMemory(5)
    expect(manager.stat().system.memory).to.equal(5)
  })

  it('should leave the spans of a span alone when that is emptied', () => {
    const manager = createManager()
    const span = manager.viewSystem(scope => scope.beginSpan())
    const inner = span.beginSpan()

    span.reserveMemory(1)
    inner.reserveMemory(2)
    span.release()
    expect(memoryOf(span, inner)).to.deep.equal([2, 2])
    inner.done()
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should end at the end of the block with using', () => {
    const manager = createManager()
    let escaped: ResourceScopeSpan | undefined

    manager.viewSystem(scope => {
      using span = scope.beginSpan()
      span.reserveMemory(10)
      escaped = span
      expect(scope.stat().memory).to.equal(10)
    })

    expect(manager.stat().system).to.deep.equal(NOTHING)
    expect(() => escaped?.reserveMemory(1)).to.throw(ResourceScopeClosedError)
  })

  it('should end when the block throws with using, and so should everything else that has to be closed', () => {
    const manager = createManager()

    expect(() => {
      using connection = manager.openConnection('inbound', true)
      using stream = manager.openStream(peerA, 'inbound')
      using service = manager.openService(SERVICE)
      using span = connection.beginSpan()

      stream.reserveMemory(1)
      service.reserveMemory(2)
      span.reserveMemory(4)
      expect(manager.stat().system.memory).to.equal(7)
      throw new Error('the block failed')
    }).to.throw('the block failed')

    expect(manager.stat().system).to.deep.equal(NOTHING)
  })
})
