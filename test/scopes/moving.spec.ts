import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError, MemoryLimitExceededError, ResourceScopeStateError, StreamLimitExceededError } from '../../src/index.ts'
import { createManager, errorOf, NOTHING, peerA, PEER_A, peerB, PROTOCOL, SERVICE } from './fixtures.ts'
import type { ConnectionManagementScope, ResourceManager, ScopeStat, StreamManagementScope } from '../../src/index.ts'
import type { ResourceLimits } from '../../src/limits/limit.ts'

interface Move {
  /** Opens what moves, and makes it ready for the move */
  open(manager: ResourceManager): ConnectionManagementScope & StreamManagementScope
  move(scope: ConnectionManagementScope & StreamManagementScope): void

  /** The scopes that have to have room, in the order in which they are checked */
  scopes: Array<{ limit: string, name: string }>
}

const PEER = { limit: 'peerDefault', name: PEER_A }
const SERVICES = [{ limit: 'serviceDefault', name: `service:${SERVICE}` }, { limit: 'servicePeerDefault', name: `service:${SERVICE}.${PEER_A}` }]
const PROTOCOLS = [{ limit: 'protocolDefault', name: `protocol:${PROTOCOL}` }, { limit: 'protocolPeerDefault', name: `protocol:${PROTOCOL}.${PEER_A}` }]

const CONNECTION_MOVES: Record<string, Move> = {
  setPeer: {
    open: manager => manager.openConnection('inbound', true) as any,
    move: connection => { connection.setPeer(peerA) },
    scopes: [PEER]
  },
  'setService of a connection': {
    open: manager => {
      const connection = manager.openConnection('inbound', true)
      connection.setPeer(peerA)
      return connection as any
    },
    move: connection => { connection.setService(SERVICE) },
    scopes: SERVICES
  }
}

const STREAM_MOVES: Record<string, Move> = {
  setProtocol: {
    open: manager => manager.openStream(peerA, 'inbound') as any,
    move: stream => { stream.setProtocol(PROTOCOL) },
    scopes: PROTOCOLS
  },
  'setService of a stream': {
    open: manager => {
      const stream = manager.openStream(peerA, 'inbound')
      stream.setProtocol(PROTOCOL)
      return stream as any
    },
    move: stream => { stream.setService(SERVICE) },
    scopes: SERVICES
  }
}

const MOVES = { ...CONNECTION_MOVES, ...STREAM_MOVES }

/**
 * What everything holds once the scopes are gone that a refused move has created
 */
function settled (manager: ResourceManager): unknown {
  manager.gc()

  const { services, ...stat } = manager.stat()

  Object.values(services).forEach(stat => { expect(stat).to.deep.equal(NOTHING) })

  return stat
}

function expectRefused (move: Move, limits: Record<string, ResourceLimits>, scope: string, error: new (...args: any[]) => Error, resource: string): void {
  const manager = createManager(limits)
  const moved = move.open(manager)

  using span = moved.beginSpan()
  moved.reserveMemory(50)
  span.reserveMemory(50)

  const before = settled(manager)
  const attached = (): unknown[] => [moved.peerScope, moved.protocolScope, moved.serviceScope].map(scope => scope?.name)
  const attachedBefore = attached()

  // the second refusal is the same as the first
  for (let i = 0; i < 2; i++) {
    expect(errorOf(() => { move.move(moved) })).to.be.an.instanceOf(error).that.includes({ scope, resource })
    expect(settled(manager)).to.deep.equal(before)
    expect(attached()).to.deep.equal(attachedBefore)
  }

  moved.done()
  manager.gc()
  expect(manager.stat()).to.deep.include({ system: NOTHING, transient: NOTHING, protocols: {}, peers: {} })
}

describe('moving', () => {
  for (const [name, move] of Object.entries(MOVES)) {
    it(`should take along memory and that of open spans with ${name}`, () => {
      const manager = createManager(Object.fromEntries(move.scopes.map(({ limit }) => [limit, { memory: 100 }])))
      const moved = move.open(manager)
      const span = moved.beginSpan()
      const inner = span.beginSpan()

      moved.reserveMemory(10)
      span.reserveMemory(20)
      inner.reserveMemory(70)
      move.move(moved)

      const shared = (): ScopeStat[] => {
        const { services, protocols, peers } = manager.stat()

        return [services, protocols, peers].flatMap(stats => Object.values(stats))
      }

      const { system, transient } = manager.stat()

      expect(system.memory).to.equal(100)
      expect(transient).to.deep.equal(NOTHING)
      shared().forEach(stat => { expect(stat).to.deep.equal(system) })

      // what is reserved and released from now on goes there too
      expect(() => { inner.reserveMemory(1) }).to.throw(MemoryLimitExceededError)
      inner.done()
      span.reserveMemory(70)
      shared().forEach(stat => { expect(stat).to.deep.equal(system) })

      moved.done()
      expect(manager.stat().system).to.deep.equal(NOTHING)
      shared().forEach(stat => { expect(stat).to.deep.equal(NOTHING) })
    })

    it(`should change nothing when ${name} is refused for memory`, () => {
      for (const { limit, name: scope } of move.scopes) {
        expectRefused(move, { [limit]: { memory: 99 } }, scope, MemoryLimitExceededError, 'memory')
      }
    })

    it(`should check the scopes of ${name} in order`, () => {
      move.scopes.forEach(({ name: scope }, index) => {
        const limits = Object.fromEntries(move.scopes.slice(index).map(({ limit }) => [limit, { memory: 99 }]))

        expectRefused(move, limits, scope, MemoryLimitExceededError, 'memory')
      })
    })
  }

  for (const [name, move] of Object.entries(CONNECTION_MOVES)) {
    for (const field of ['connsInbound', 'conns', 'fd']) {
      it(`should change nothing when ${name} is refused for ${field}`, () => {
        for (const { limit, name: scope } of move.scopes) {
          expectRefused(move, { [limit]: { [field]: 0 } }, scope, ConnectionLimitExceededError, field === 'fd' ? 'fd' : 'connection')
        }
      })
    }
  }

  for (const [name, move] of Object.entries(STREAM_MOVES)) {
    for (const field of ['streamsInbound', 'streams']) {
      it(`should change nothing when ${name} is refused for ${field}`, () => {
        for (const { limit, name: scope } of move.scopes) {
          expectRefused(move, { [limit]: { [field]: 0 } }, scope, StreamLimitExceededError, 'stream')
        }
      })
    }
  }

  it('should move memory at the highest priority', () => {
    const manager = createManager({ peerDefault: { memory: 100 } })
    const connection = manager.openConnection('inbound', false)

    connection.reserveMemory(100, 0)
    connection.setPeer(peerA)
    expect(manager.stat().peers[peerA.toString()].memory).to.equal(100)
  })

  it('should work after a refusal, once there is room', () => {
    const manager = createManager({ peerDefault: { conns: 1 } })
    const first = manager.openConnection('inbound', false)
    const second = manager.openConnection('inbound', false)

    first.setPeer(peerA)
    expect(() => { second.setPeer(peerA) }).to.throw(ConnectionLimitExceededError)
    first.done()
    second.setPeer(peerA)
    expect(manager.stat()).to.deep.include({ transient: NOTHING })
  })

  it('should allow another peer, protocol or service after a refusal', () => {
    const manager = createManager({
      peer: { [peerA.toString()]: { conns: 0 } },
      protocol: { '/blocked': { streams: 0 } },
      service: { blocked: { streams: 0 } }
    })
    const connection = manager.openConnection('inbound', false)
    const stream = manager.openStream(peerA, 'inbound')

    expect(() => { connection.setPeer(peerA) }).to.throw(ConnectionLimitExceededError)
    connection.setPeer(peerB)
    expect(() => { stream.setProtocol('/blocked') }).to.throw(StreamLimitExceededError)
    stream.setProtocol(PROTOCOL)
    expect(() => { stream.setService('blocked') }).to.throw(StreamLimitExceededError)
    stream.setService(SERVICE)

    expect([connection.peerScope?.peer, stream.protocolScope?.protocol, stream.serviceScope?.service]).to.deep.equal([peerB, PROTOCOL, SERVICE])
  })

  it('should report memory first, then streams, then connections, then file descriptors', () => {
    const manager = createManager()

    manager.openStream(peerA, 'inbound')
    manager.viewPeer(peerA, scope => { scope.setLimit({ memory: 0, streams: 0, conns: 0, fd: 0 }) })

    const connection = manager.openConnection('inbound', true)
    connection.reserveMemory(1)

    const refusal = (): string => errorOf(() => { connection.setPeer(peerA) }).message
    const lift = (limits: ResourceLimits): void => { manager.viewPeer(peerA, scope => { scope.setLimit(limits) }) }

    expect(refusal()).to.equal(`${PEER_A}: resource limit exceeded`)
    lift({ memory: 'unlimited' })
    // the peer has more streams than it may have by now
    expect(refusal()).to.equal(`${PEER_A}: cannot reserve stream: resource limit exceeded`)
    lift({ streams: 'unlimited' })
    expect(refusal()).to.equal(`${PEER_A}: cannot reserve connection: resource limit exceeded`)
    lift({ conns: 'unlimited' })
    expect(refusal()).to.equal(`${PEER_A}: cannot reserve file descriptor: resource limit exceeded`)
    lift({ fd: 'unlimited' })
    connection.setPeer(peerA)
  })

  it('should refuse a connection for the streams of a peer that has too many of them', () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', false)

    manager.openStream(peerA, 'inbound')
    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 0 }) })
    expect(() => { connection.setPeer(peerA) }).to.throw(StreamLimitExceededError).that.deep.includes({ current: 1, attempted: 0, limit: 0 })
  })

  it('should refuse a stream for the connections of a service that has too many of them', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')
    const service = manager.openService(SERVICE)

    service.reserveConnection('inbound')
    service.serviceScope.setLimit({ conns: 0 })
    stream.setProtocol(PROTOCOL)
    expect(() => { stream.setService(SERVICE) }).to.throw(ConnectionLimitExceededError).that.deep.includes({ current: 1, attempted: 0, limit: 0 })
    service.releaseConnection('inbound')
    stream.setService(SERVICE)
  })

  it('should not check what constrains the stream already', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    manager.viewSystem(scope => { scope.setLimit({ streams: 0, memory: 0 }) })
    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 0, memory: 0 }) })
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    expect(manager.stat().transient).to.deep.equal(NOTHING)
  })

  it('should be an error to set the peer, protocol or service again, even to the same', () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', false)
    const stream = manager.openStream(peerA, 'inbound')

    connection.setPeer(peerA)
    connection.setService(SERVICE)
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)

    const before = manager.stat()

    for (const [again, message] of [
      [() => { connection.setPeer(peerA) }, 'connection scope already attached to a peer'],
      [() => { connection.setPeer(peerB) }, 'connection scope already attached to a peer'],
      [() => { connection.setService(SERVICE) }, 'connection scope already attached to a service'],
      [() => { connection.setService('other') }, 'connection scope already attached to a service'],
      [() => { stream.setProtocol(PROTOCOL) }, 'stream scope already attached to a protocol'],
      [() => { stream.setProtocol('/other') }, 'stream scope already attached to a protocol'],
      [() => { stream.setService(SERVICE) }, 'stream scope already attached to a service'],
      [() => { stream.setService('other') }, 'stream scope already attached to a service']
    ] as const) {
      expect(errorOf(again)).to.be.an.instanceOf(ResourceScopeStateError).that.includes({ message, name: 'ResourceScopeStateError' })
    }

    // none of the others has been created
    expect(manager.stat()).to.deep.equal(before)
  })

  it('should be an error to set the service again, whatever else is known of the scope', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    stream.setLimit({ memory: 10 })

    expect(() => { stream.setService(SERVICE) }).to.throw(ResourceScopeStateError)

    const other = manager.openStream(peerA, 'inbound')

    // a limit and spans of the one, and not of the other
    other.setProtocol(PROTOCOL)
    other.beginSpan()
    other.setService(SERVICE)

    expect(() => { other.setService(SERVICE) }).to.throw(ResourceScopeStateError)
    expect(other.beginSpan().name).to.equal(`${other.name}.span-2`)
    expect(stream.limit.memory).to.equal(10)
    expect(other.limit.memory).to.not.equal(10)
  })

  it('should be an error to set the service too early', () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', false)
    const stream = manager.openStream(peerA, 'inbound')
    const before = manager.stat()

    expect(() => { connection.setService(SERVICE) }).to.throw(ResourceScopeStateError, 'connection scope not attached to a peer')
    expect(() => { stream.setService(SERVICE) }).to.throw(ResourceScopeStateError, 'stream scope not attached to a protocol')
    expect(manager.stat()).to.deep.equal(before)
  })
})
