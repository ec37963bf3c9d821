import { expect } from 'aegir/chai'
import { createManager, errorOf, peerA, PEER_A, peerB, PROTOCOL, SERVICE } from './fixtures.ts'
import type { ResourceManager, ResourceScopeSpan } from '../../src/index.ts'

/**
 * Uses up numbers, so that those in the messages cannot be right by accident
 */
function skip (manager: ResourceManager, connections: number, streams: number): void {
  for (let i = 0; i < connections; i++) {
    manager.openConnection('outbound', false).done()
  }

  for (let i = 0; i < streams; i++) {
    manager.openStream(peerB, 'outbound').done()
  }
}

function messageOf (fn: () => unknown): string {
  return errorOf(fn).message
}

describe('names', () => {
  it('should say which scope it is', () => {
    const manager = createManager()

    expect(manager.viewSystem(scope => scope.name)).to.equal('system')
    expect(manager.viewTransient(scope => scope.name)).to.equal('transient')
    expect(manager.viewService(SERVICE, scope => scope.name)).to.equal(`service:${SERVICE}`)
    expect(manager.viewService(SERVICE, scope => scope.service)).to.equal(SERVICE)
    expect(manager.viewProtocol(PROTOCOL, scope => scope.name)).to.equal(`protocol:${PROTOCOL}`)
    expect(manager.viewProtocol(PROTOCOL, scope => scope.protocol)).to.equal(PROTOCOL)
    expect(manager.viewPeer(peerA, scope => scope.name)).to.equal(PEER_A)
    expect(manager.viewPeer(peerA, scope => scope.peer)).to.equal(peerA)
  })

  it('should number connections and streams separately, from 1', () => {
    const manager = createManager()

    expect(manager.openConnection('inbound', false).name).to.equal('conn-1')
    expect(manager.openStream(peerA, 'inbound').name).to.equal('stream-1')
    expect(manager.openConnection('inbound', false).name).to.equal('conn-2')
    expect(manager.openStream(peerB, 'inbound').name).to.equal('stream-2')
  })

  it('should use up a number for what is refused', () => {
    const manager = createManager({ system: { connsInbound: 0, streamsInbound: 0 } })

    expect(() => manager.openConnection('inbound', false)).to.throw()
    expect(() => manager.openStream(peerA, 'inbound')).to.throw()
    expect(manager.openConnection('outbound', false).name).to.equal('conn-2')
    expect(manager.openStream(peerA, 'outbound').name).to.equal('stream-2')
  })

  it('should number the spans of each owner from 1, and never twice', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')
    const first = stream.beginSpan()

    first.done()
    expect(first.name).to.equal('stream-1.span-1')
    expect(stream.beginSpan().name).to.equal('stream-1.span-2')
    expect(stream.beginSpan().beginSpan().name).to.equal('stream-1.span-3.span-1')
    expect(manager.viewPeer(peerA, scope => scope.beginSpan().name)).to.equal(`${PEER_A}.span-1`)
    expect(manager.openService(SERVICE).name).to.equal(`service:${SERVICE}.span-1`)
    expect(manager.viewService(SERVICE, scope => scope.beginSpan().name)).to.equal(`service:${SERVICE}.span-2`)
  })

  it('should not change when a scope moves or closes', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.done()
    expect(stream.name).to.equal('stream-1')
  })
})

describe('messages', () => {
  it('should chain the names from the asking scope to the refusing one', () => {
    const manager = createManager({ system: { connsInbound: 0 }, peer: { [peerA.toString()]: { streams: 0 } } })

    skip(manager, 6, 2)

    expect(messageOf(() => manager.openConnection('inbound', false))).to.equal('conn-7: system: cannot reserve inbound connection: resource limit exceeded')
    expect(messageOf(() => manager.openStream(peerA, 'outbound'))).to.equal(`stream-3: ${PEER_A}: cannot reserve stream: resource limit exceeded`)
  })

  it('should name only the refusing scope when something does not fit where it is moved', () => {
    const manager = createManager({ protocolPeer: { [PROTOCOL]: { streamsInbound: 0 } }, servicePeer: { [SERVICE]: { streams: 0 } }, peer: { [peerA.toString()]: { connsOutbound: 0 } } })
    const stream = manager.openStream(peerA, 'inbound')
    const other = manager.openStream(peerA, 'outbound')
    const connection = manager.openConnection('outbound', false)

    other.setProtocol(PROTOCOL)

    expect(messageOf(() => { stream.setProtocol(PROTOCOL) })).to.equal(`protocol:${PROTOCOL}.${PEER_A}: cannot reserve inbound stream: resource limit exceeded`)
    expect(messageOf(() => { other.setService(SERVICE) })).to.equal(`service:${SERVICE}.${PEER_A}: cannot reserve stream: resource limit exceeded`)
    expect(messageOf(() => { connection.setPeer(peerA) })).to.equal(`${PEER_A}: cannot reserve outbound connection: resource limit exceeded`)
  })

  it('should go through the owners of spans', () => {
    const manager = createManager({ system: { memory: 10 } })

    skip(manager, 0, 2)

    const stream = manager.openStream(peerA, 'inbound')
    const span = stream.beginSpan()
    const reserveIn = (scope: ResourceScopeSpan): string => messageOf(() => { scope.reserveMemory(11) })

    expect(reserveIn(stream)).to.equal('stream-3: system: resource limit exceeded')
    expect(reserveIn(span)).to.equal('stream-3.span-1: stream-3: system: resource limit exceeded')
    expect(reserveIn(span.beginSpan())).to.equal('stream-3.span-1.span-1: stream-3.span-1: stream-3: system: resource limit exceeded')
  })

  it('should end where it is refused', () => {
    const manager = createManager({ stream: { memory: 10 } })
    const stream = manager.openStream(peerA, 'inbound')
    const span = stream.beginSpan()

    expect(messageOf(() => { stream.reserveMemory(11) })).to.equal('stream-1: resource limit exceeded')
    expect(messageOf(() => { span.reserveMemory(11) })).to.equal('stream-1.span-1: resource limit exceeded')
    stream.reserveMemory(5)
    expect(messageOf(() => { span.reserveMemory(6) })).to.equal('stream-1.span-1: stream-1: resource limit exceeded')
  })

  it('should go from a shared scope to system', () => {
    const manager = createManager({ system: { memory: 10 }, service: { [SERVICE]: { memory: 5 } } })

    manager.viewProtocol(PROTOCOL, scope => {
      expect(messageOf(() => { scope.reserveMemory(11) })).to.equal(`protocol:${PROTOCOL}: system: resource limit exceeded`)
      expect(messageOf(() => { scope.beginSpan().reserveMemory(11) })).to.equal(`protocol:${PROTOCOL}.span-1: protocol:${PROTOCOL}: system: resource limit exceeded`)
    })
    manager.viewService(SERVICE, scope => {
      expect(messageOf(() => { scope.reserveMemory(11) })).to.equal(`service:${SERVICE}: resource limit exceeded`)
    })
    manager.viewSystem(scope => {
      expect(messageOf(() => { scope.reserveMemory(11) })).to.equal('system: resource limit exceeded')
      expect(messageOf(() => { scope.beginSpan().reserveMemory(11) })).to.equal('system.span-1: resource limit exceeded')
      scope.reserveMemory(1)
      expect(messageOf(() => { scope.beginSpan().reserveMemory(10) })).to.equal('system.span-2: system: resource limit exceeded')
    })
  })

  for (const [limit, what] of [['connsInbound', 'inbound connection'], ['conns', 'connection'], ['fd', 'file descriptor']]) {
    it(`should say that it was the ${what}`, () => {
      const manager = createManager({ transient: { [limit]: 0 } })

      expect(messageOf(() => manager.openConnection('inbound', true))).to.equal(`conn-1: transient: cannot reserve ${what}: resource limit exceeded`)
    })
  }

  for (const [limit, what] of [['streamsOutbound', 'outbound stream'], ['streams', 'stream']]) {
    it(`should say that it was the ${what}`, () => {
      const manager = createManager({ transient: { [limit]: 0 } })

      expect(messageOf(() => manager.openStream(peerA, 'outbound'))).to.equal(`stream-1: transient: cannot reserve ${what}: resource limit exceeded`)
    })
  }

  it('should say that a scope is closed, and which one', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')
    const span = stream.beginSpan()
    const inner = span.beginSpan()

    span.done()
    expect(messageOf(() => { span.reserveMemory(1) })).to.equal('stream-1.span-1: resource scope closed')
    expect(messageOf(() => { inner.reserveMemory(1) })).to.equal('stream-1.span-1.span-1: stream-1.span-1: resource scope closed')
    stream.done()
    expect(messageOf(() => { stream.setProtocol(PROTOCOL) })).to.equal('stream-1: resource scope closed')
    expect(messageOf(() => stream.beginSpan())).to.equal('stream-1: resource scope closed')
  })
})

describe('scopes as text', () => {
  it('should say what they hold, with what remotes chose escaped', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol('/a\n\u001b[2J')
    stream.reserveMemory(1000)

    const held = 'memory 1000 B, streams 1 in 0 out, conns 0 in 0 out, fd 0'

    expect(String(stream)).to.equal(`stream-1: ${held}`)
    expect(manager.viewSystem(String)).to.equal(`system: ${held}`)
    expect(String(stream.protocolScope)).to.equal(`protocol:/a\\u000a\\u001b[2J: ${held}`)
    stream.done()
    expect(String(stream)).to.equal('stream-1: memory 0 B, streams 0 in 0 out, conns 0 in 0 out, fd 0')
  })
})
