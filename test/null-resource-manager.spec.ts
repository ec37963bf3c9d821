import { expect } from 'aegir/chai'
import { createResourceManager, getConnectionScope, getStreamScope, NullResourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits/infinite-limits.ts'
import { createManager, NOTHING, peerA, PROTOCOL, SERVICE } from './scopes/fixtures.ts'
import type { ConnectionScope, ResourceManager, StreamScope } from '../src/index.ts'
import type { Connection, Stream } from '@libp2p/interface'

describe('scopes that nothing limits', () => {
  const connection = { timeline: { open: 1 } } as unknown as Connection
  const stream = { id: 'a stream' } as unknown as Stream
  const manager = createManager()

  function expectAcceptsEverything (scope: ConnectionScope | StreamScope): void {
    scope.reserveMemory(Number.MAX_SAFE_INTEGER)
    scope.reserveMemory(1, 0)
    scope.releaseMemory(5)
    scope.setService(SERVICE)
    scope.setService(SERVICE)

    {
      using span = scope.beginSpan()
      using inner = span.beginSpan()
      inner.reserveMemory(1)
      expect(inner.stat()).to.deep.equal(NOTHING)
    }

    expect(scope.limit.memory).to.equal(Infinity)
    expect(scope.stat()).to.deep.equal(NOTHING)
    expect(scope.allowlisted).to.be.false()
    expect(scope.peerScope).to.be.undefined()
    expect(scope.serviceScope).to.be.undefined()
  }

  it('should accept everything and remember nothing', () => {
    for (const scope of [getConnectionScope(connection), manager.getConnectionScope(connection)]) {
      expectAcceptsEverything(scope)
    }

    for (const scope of [getStreamScope(stream), manager.getStreamScope(stream)]) {
      expect(scope.protocolScope).to.be.undefined()
      expectAcceptsEverything(scope)
    }

    expect(manager.stat().system).to.deep.equal(NOTHING)
  })
})

describe('no resource manager', () => {
  for (const [what, create] of Object.entries({
    'the null resource manager': () => new NullResourceManager(),
    'a manager that is not enabled': () => createResourceManager({ enabled: false, limits: { system: { conns: 'blockAll', streams: 'blockAll', memory: 'blockAll' } } })
  })) {
    it(`should limit and count nothing with ${what}`, async () => {
      const manager: ResourceManager = create()

      expect(manager).to.be.an.instanceOf(NullResourceManager)
      await manager.start()

      const connection = manager.openConnection('inbound', true)
      const stream = manager.openStream(peerA, 'inbound')
      const service = manager.openService(SERVICE)

      connection.setPeer(peerA)
      connection.setService(SERVICE)
      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)
      expect(stream.peerScope?.peer).to.equal(peerA)
      expect(service.serviceScope.service).to.equal(SERVICE)
      service.reserveStream('inbound')
      service.reserveConnection('inbound', true)
      service.releaseStream('inbound')
      service.releaseConnection('inbound', true)

      for (const scope of [connection, stream, service]) {
        scope.reserveMemory(Number.MAX_SAFE_INTEGER)
        expect(scope.stat()).to.deep.equal(NOTHING)
        expect(scope.limit).to.deep.equal(InfiniteLimits.system)
        scope.setLimit({ memory: 0 })
        scope.release()
        scope.done()
        scope.done()
        expect(scope.limit).to.deep.equal(InfiniteLimits.system)
      }

      expect(manager.stat()).to.deep.equal({ system: NOTHING, transient: NOTHING, allowlistedSystem: NOTHING, allowlistedTransient: NOTHING, services: {}, protocols: {}, peers: {} })
      expect([manager.listServices(), manager.listProtocols(), manager.listPeers(), manager.refusals()]).to.deep.equal([[], [], [], []])
      expect(manager.limits).to.deep.equal(InfiniteLimits)
      expect(manager.systemState()).to.match(/^system: memory 0 B of unlimited/)
      expect(manager.serviceState(SERVICE)).to.match(/^service:test-service: memory 0 B of unlimited/)
      manager.gc()
      await manager.stop()
    })

    it(`should run views with scopes that say what they are for with ${what}`, async () => {
      const manager: ResourceManager = create()

      expect(manager.viewPeer(peerA, scope => scope.peer)).to.equal(peerA)
      expect(manager.viewProtocol(PROTOCOL, scope => scope.protocol)).to.equal(PROTOCOL)
      expect(manager.viewService(SERVICE, scope => scope.service)).to.equal(SERVICE)
      expect(manager.viewSystem(scope => scope.stat())).to.deep.equal(NOTHING)
      await expect(manager.viewTransient(async scope => scope.limit.memory)).to.eventually.equal(Infinity)
      expect(() => manager.viewSystem(() => { throw new Error('the function failed') })).to.throw('the function failed')
    })
  }
})
