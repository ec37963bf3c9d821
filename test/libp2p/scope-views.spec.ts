import { expect } from 'aegir/chai'
import { createResourceManager, getConnectionScope, getStreamScope, ResourceScopeClosedError } from '../../src/index.ts'
import { peerA } from '../scopes/fixtures.ts'
import { eventuallyEqual } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { held, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'

/**
 * What a user of a connection or stream may do with its scope. The rest is for its owner: with
 * it, a slip of a handler makes a stream that is open an uncounted one.
 */
const VIEWED = ['name', 'limit', 'allowlisted', 'peerScope', 'serviceScope', 'setService', 'reserveMemory', 'releaseMemory', 'beginSpan', 'stat']
const OWNED = ['done', 'release', 'setPeer', 'setProtocol', 'setLimit', 'tryReserveMemory', 'graph', 'closed', Symbol.dispose]

describe('what users get of a scope', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should have nothing that closes, moves or loosens it', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes)
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    await connection.newStream(PROTOCOL)

    const stream = await inbox.next()
    const remote = await otherEnd(connection, dialer, listener)

    for (const scope of [
      getStreamScope(stream),
      getConnectionScope(remote),
      listener.services.resourceManager.getStreamScope(stream),
      listener.services.resourceManager.getConnectionScope(remote),
      // where no manager is
      getStreamScope({} as any),
      getConnectionScope({} as any)
    ]) {
      for (const name of VIEWED) {
        expect(name in scope, name).to.equal(true)
      }

      for (const name of OWNED) {
        expect(name in scope, String(name)).to.equal(false)
      }

      // nor is there a way round by what it is made of
      expect(Reflect.ownKeys(scope)).to.deep.equal([])
    }
  })

  it('should leave a stream counted and limited, whatever its handler does with it', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { manager: { limits: { protocolDefault: { streamsInbound: 2 } } } }
    })
    let handled = 0

    await listener.handle(PROTOCOL, stream => {
      const scope: any = getStreamScope(stream)

      handled++
      scope.done?.()
      scope.release?.()
      scope[Symbol.dispose]?.()
      expect(() => scope.setProtocol('/other/1.0.0')).to.throw(TypeError)
    }, { maxInboundStreams: 100 })

    const connection = await dialer.dial(address)

    for (let i = 0; i < 10; i++) {
      await connection.newStream(PROTOCOL, { maxOutboundStreams: 100 })
    }

    await eventuallyEqual(() => listener.services.resourceManager.refusals().reduce((sum, { count }) => sum + count, 0), 8, 'refusals')
    expect(handled).to.equal(2)
    expect(held(listener)[PROTOCOL]).to.deep.equal({ numStreamsInbound: 2 })
  })

  it('should do what the scope does', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes)
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    await connection.newStream(PROTOCOL)

    const stream = await inbox.next()
    const scope = getStreamScope(stream)

    scope.reserveMemory(1000)
    scope.releaseMemory(400)
    scope.setService('mail')

    const span = scope.beginSpan()

    span.reserveMemory(100)
    expect(scope.stat()).to.include({ memory: 700, numStreamsInbound: 1 })
    expect(held(listener)['mail']).to.deep.equal({ memory: 700, numStreamsInbound: 1 })
    expect(scope.serviceScope).to.have.property('service', 'mail')
    expect(scope.protocolScope).to.have.property('protocol', PROTOCOL)
    span.done()

    stream.abort(new Error('enough'))
    await eventuallyEqual(() => scope.stat().numStreamsInbound, 0, 'streams')
    expect(() => { scope.reserveMemory(1) }).to.throw(ResourceScopeClosedError)
    expect(() => { scope.beginSpan() }).to.throw(ResourceScopeClosedError)
    scope.releaseMemory(1)
  })

  it('should stand for its connection where a manager is asked', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { manager: { limits: { system: { streamsInbound: 0 } }, allowlist: [] } }
    })
    const connection = await dialer.dial(address)
    const remote = await otherEnd(connection, dialer, listener)
    const manager = listener.services.resourceManager
    const view = getConnectionScope(remote)

    expect(() => manager.openStream(dialer.peerId, 'inbound', view)).to.throw().with.property('name', 'StreamLimitExceededError')
    expect(manager.explain({ resource: 'stream', direction: 'inbound', peer: dialer.peerId, connection: view })).to.include({ fits: false, refusedBy: 'system' })

    // one of somebody else's is a connection like any other
    expect(createResourceManager().openStream(peerA, 'inbound', view).stat()).to.include({ numStreamsInbound: 1 })
  })
})
