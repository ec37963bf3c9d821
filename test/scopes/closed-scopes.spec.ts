import { expect } from 'aegir/chai'
import { ResourceScopeClosedError } from '../../src/index.ts'
import { createManager, errorOf, NOTHING, peerA, PROTOCOL, recordingLogger, SERVICE } from './fixtures.ts'
import type { ResourceManager, ResourceScope, ResourceScopeSpan } from '../../src/index.ts'

const HOLDERS: Record<string, (manager: ResourceManager) => ResourceScopeSpan> = {
  connection: manager => manager.openConnection('inbound', true),
  stream: manager => manager.openStream(peerA, 'inbound'),
  'owned service scope': manager => manager.openService(SERVICE),
  span: manager => manager.viewSystem(scope => scope.beginSpan())
}

function expectClosed (fn: () => unknown): void {
  expect(errorOf(fn)).to.be.an.instanceOf(ResourceScopeClosedError).with.property('name', 'ResourceScopeClosedError')
}

describe('closed scopes', () => {
  for (const [what, open] of Object.entries(HOLDERS)) {
    it(`should not reserve or begin anything in a closed ${what}`, () => {
      const manager = createManager()
      const holder = open(manager)

      holder.done()
      expectClosed(() => { holder.reserveMemory(1) })
      expectClosed(() => { holder.reserveMemory(0) })
      expectClosed(() => holder.beginSpan())
      expect(manager.stat().system).to.deep.equal(NOTHING)
    })

    it(`should do nothing when something is released in a closed ${what}`, () => {
      const { logger, errors } = recordingLogger()
      const manager = createManager({}, { logger })
      const holder = open(manager)

      // would be taken away from if releasing did something
      manager.viewSystem(scope => { scope.reserveMemory(100) })
      holder.reserveMemory(10)
      holder.done()
      holder.releaseMemory(10)
      holder.release()
      holder.done()
      holder[Symbol.dispose]()

      expect(holder.stat()).to.deep.equal(NOTHING)
      expect(manager.stat().system).to.deep.equal({ ...NOTHING, memory: 100 })
      expect(errors).to.be.empty()
    })
  }

  it('should say closed rather than full', () => {
    const manager = createManager({ conn: { memory: 0 } })
    const connection = manager.openConnection('inbound', false)

    connection.done()
    expectClosed(() => { connection.reserveMemory(1) })
  })

  it('should not move a closed connection or stream, and create nothing', () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', false)
    const stream = manager.openStream(peerA, 'inbound')
    const attached = manager.openStream(peerA, 'inbound')

    attached.setProtocol(PROTOCOL)
    connection.done()
    stream.done()
    attached.done()
    manager.gc()

    expectClosed(() => { connection.setPeer(peerA) })
    expectClosed(() => { connection.setService(SERVICE) })
    expectClosed(() => { stream.setProtocol(PROTOCOL) })
    expectClosed(() => { stream.setService(SERVICE) })
    expectClosed(() => { attached.setProtocol(PROTOCOL) })
    expectClosed(() => { attached.setService(SERVICE) })
    expect(manager.stat()).to.deep.include({ system: NOTHING, transient: NOTHING, services: {}, protocols: {}, peers: {} })
  })

  it('should still say what a closed stream was attached to', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    stream.done()
    expect([stream.peerScope?.peer, stream.protocolScope?.protocol, stream.serviceScope?.service]).to.deep.equal([peerA, PROTOCOL, SERVICE])
  })

  it('should not reserve streams or connections in a closed service scope', () => {
    const manager = createManager()
    const service = manager.openService(SERVICE)

    service.reserveStream('inbound')
    service.reserveConnection('inbound', true)
    service.done()
    expectClosed(() => { service.reserveStream('inbound') })
    expectClosed(() => { service.reserveConnection('inbound') })
    service.releaseStream('inbound')
    service.releaseConnection('inbound', true)
    expect(manager.stat().services).to.deep.equal({ [SERVICE]: NOTHING })
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should treat a collected scope that somebody has kept as closed', () => {
    const manager = createManager()
    const kept: ResourceScope[] = [
      manager.viewPeer(peerA, scope => scope),
      manager.viewProtocol(PROTOCOL, scope => scope)
    ]

    manager.gc()

    for (const scope of kept) {
      expectClosed(() => { scope.reserveMemory(1) })
      expectClosed(() => scope.beginSpan())
      scope.releaseMemory(1)
      expect(scope.stat()).to.deep.equal(NOTHING)
    }

    // a new scope of the same name has nothing to do with it
    manager.viewPeer(peerA, scope => { scope.reserveMemory(5) })
    expectClosed(() => { kept[0].reserveMemory(1) })
    kept[0].releaseMemory(5)
    expect(manager.stat().peers[peerA.toString()].memory).to.equal(5)
  })
})
