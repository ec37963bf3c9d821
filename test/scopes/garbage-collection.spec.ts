import { expect } from 'aegir/chai'
import { spy, stub, useFakeTimers } from 'sinon'
import { createManager, fakePeer, NOTHING, peerA, peerB, peerC, PROTOCOL, SERVICE } from './fixtures.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { SinonFakeTimers } from 'sinon'

const MINUTE = 60_000

/**
 * A flood this large is collected before the minute is over
 */
const FLOOD = 20_000

function lists (manager: ResourceManager): { peers: string[], protocols: string[], services: string[] } {
  return {
    peers: manager.listPeers().map(peer => peer.toString()),
    protocols: manager.listProtocols(),
    services: manager.listServices()
  }
}

function useOnce (manager: ResourceManager, index: number): void {
  const stream = manager.openStream(fakePeer(index), 'inbound')

  stream.setProtocol(`/protocol/${index}`)
  stream.setService(SERVICE)
  stream.done()
}

describe('garbage collection', () => {
  it('should drop peers and protocols that hold nothing, and keep services', () => {
    const manager = createManager()

    useOnce(manager, 1)
    manager.viewPeer(peerA, () => {})
    manager.viewProtocol(PROTOCOL, () => {})
    expect(lists(manager)).to.deep.equal({ peers: ['peer-1', peerA.toString()], protocols: ['/protocol/1', PROTOCOL], services: [SERVICE] })

    manager.gc()
    expect(lists(manager)).to.deep.equal({ peers: [], protocols: [], services: [SERVICE] })
    manager.gc()
    expect(manager.stat()).to.deep.include({ system: NOTHING, peers: {}, protocols: {}, services: { [SERVICE]: NOTHING } })
  })

  it('should drop what a refused request has created', () => {
    const manager = createManager({ peerDefault: { streams: 1, conns: 0 }, protocolDefault: { streams: 0 } })
    const stream = manager.openStream(peerA, 'inbound')
    const connection = manager.openConnection('inbound', false)

    expect(() => manager.openStream(peerA, 'inbound')).to.throw()
    expect(() => { connection.setPeer(peerB) }).to.throw()
    expect(() => { stream.setProtocol(PROTOCOL) }).to.throw()

    manager.gc()
    expect(lists(manager)).to.deep.equal({ peers: [peerA.toString()], protocols: [], services: [] })
  })

  it('should keep what is in use', () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', false)
    const stream = manager.openStream(peerB, 'inbound')
    const span = manager.viewPeer(peerC, scope => scope.beginSpan())

    connection.setPeer(peerA)
    stream.setProtocol(PROTOCOL)
    manager.viewProtocol('/memory', scope => { scope.reserveMemory(1) })
    manager.gc()

    const kept = { peers: [peerA, peerB, peerC].map(String), protocols: [PROTOCOL, '/memory'], services: [] }

    expect(lists(manager)).to.deep.include({ protocols: kept.protocols }).and.to.have.property('peers').with.members(kept.peers)

    // each of them goes when it is no longer in use
    connection.done()
    stream.done()
    span.done()
    manager.viewProtocol('/memory', scope => { scope.releaseMemory(1) })
    manager.gc()
    expect(lists(manager)).to.deep.equal({ peers: [], protocols: [], services: [] })
  })

  it('should keep a peer whose span is nested, until the outermost has ended', () => {
    const manager = createManager()
    const span = manager.viewPeer(peerA, scope => scope.beginSpan())
    const inner = span.beginSpan()

    inner.reserveMemory(1)
    inner.done()
    manager.gc()
    expect(manager.listPeers()).to.deep.equal([peerA])
    span.done()
    inner.done()
    span.done()
    manager.gc()
    expect(manager.listPeers()).to.be.empty()
  })

  it('should give limits anew to a scope that was dropped', () => {
    const limits = { peer: { [peerA.toString()]: { streams: 1 } }, protocolPeer: { [PROTOCOL]: { streams: 1 } } }
    const manager = createManager(limits)

    for (let i = 0; i < 3; i++) {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(PROTOCOL)
      expect(() => manager.openStream(peerA, 'inbound')).to.throw()
      stream.done()
      manager.gc()
    }
  })

  it('should not mix up the shares of a peer when only the protocol was dropped', () => {
    const manager = createManager({ protocolPeer: { [PROTOCOL]: { streams: 1 } } })
    const other = manager.openStream(peerA, 'inbound')

    for (let i = 0; i < 3; i++) {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(PROTOCOL)
      stream.done()
      manager.gc()
      expect(lists(manager)).to.deep.equal({ peers: [peerA.toString()], protocols: [], services: [] })
    }

    other.setProtocol(PROTOCOL)
    expect(manager.stat().protocols[PROTOCOL].numStreamsInbound).to.equal(1)
  })
})

describe('garbage collection in the background', () => {
  let clock: SinonFakeTimers

  beforeEach(() => {
    clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })

  afterEach(() => {
    clock.restore()
  })

  it('should drop what is idle within a minute', () => {
    const manager = createManager()

    useOnce(manager, 1)
    clock.tick(MINUTE)
    expect(lists(manager)).to.deep.equal({ peers: [], protocols: [], services: [SERVICE] })
  })

  it('should drop within a minute what becomes idle while others wait', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    clock.tick(MINUTE / 4)
    manager.viewPeer(peerB, () => {})
    clock.tick(MINUTE / 4)
    stream.done()
    clock.tick(MINUTE)
    expect(manager.listPeers()).to.be.empty()
  })

  it('should keep what is in use or has a limit of its own, for as long as it does', async () => {
    const manager = createManager()
    const { promise, resolve } = Promise.withResolvers<void>()
    const span = manager.viewProtocol(PROTOCOL, scope => scope.beginSpan())
    const view = manager.viewPeer(peerA, async () => promise)

    manager.viewPeer(peerB, scope => { scope.setLimit({ streams: 1 }) })
    clock.tick(10 * MINUTE)
    expect(lists(manager)).to.deep.equal({ peers: [peerA.toString(), peerB.toString()], protocols: [PROTOCOL], services: [] })

    resolve()
    await view
    span.done()
    clock.tick(MINUTE)
    expect(lists(manager)).to.deep.equal({ peers: [peerB.toString()], protocols: [], services: [] })
  })

  it('should not have a timer when nothing is idle', () => {
    const manager = createManager()

    expect(clock.countTimers()).to.equal(0)

    const stream = manager.openStream(peerA, 'inbound')
    stream.setProtocol(PROTOCOL)
    clock.tick(MINUTE)
    expect(clock.countTimers()).to.equal(0)

    stream.done()
    expect(clock.countTimers()).to.equal(1)
    clock.tick(MINUTE)
    expect(clock.countTimers()).to.equal(0)

    useOnce(manager, 1)
    manager.gc()
    expect(clock.countTimers()).to.equal(0)
  })

  it('should stop with the manager and go on when it is started again', () => {
    const manager = createManager()

    useOnce(manager, 1)
    void manager.stop()
    expect(clock.countTimers()).to.equal(0)
    useOnce(manager, 2)
    expect(clock.countTimers()).to.equal(0)
    void manager.start()
    clock.tick(MINUTE)
    expect(lists(manager)).to.deep.equal({ peers: [], protocols: [], services: [SERVICE] })
  })

  it('should not keep a churn of 100,000 peers', () => {
    const manager = createManager()
    let most = 0

    for (let i = 0; i < 100_000; i++) {
      useOnce(manager, i)

      if (i % 1000 === 0) {
        // a minute has long not passed
        clock.tick(1)
        most = Math.max(most, manager.listPeers().length)
      }
    }

    expect(most).to.be.below(FLOOD)
    clock.tick(MINUTE)
    expect(lists(manager)).to.deep.equal({ peers: [], protocols: [], services: [SERVICE] })
    expect(clock.countTimers()).to.equal(0)
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should not wait for a minute when a flood of peers has come and gone', () => {
    const manager = createManager()

    for (let i = 0; i < FLOOD; i++) {
      useOnce(manager, i)
    }

    clock.tick(1)
    expect(lists(manager)).to.deep.equal({ peers: [], protocols: [], services: [SERVICE] })
  })

  it('should let the event loop go on in between when there is much to drop', () => {
    const manager = createManager()

    for (let i = 0; i < FLOOD; i++) {
      useOnce(manager, i)
    }

    // every reading of the fake clock shows that 2 ms have passed
    let now = 0
    let slices = 0
    performance.now = () => {
      now += 2

      return now
    }

    // to list them takes much longer than to drop some
    let left = manager.listPeers().length

    while (left > 0) {
      const before = left

      clock.next()
      slices++
      left = manager.listPeers().length
      expect(before - left).to.be.below(200)
    }

    expect(slices).to.be.above(100)
  })
})

describe('the timer of garbage collection', () => {
  for (const [where, timer] of [['Node.js', { unref: spy() }], ['a browser', 42]] as const) {
    it(`should not keep a process alive in ${where}`, () => {
      const manager = createManager()
      const set = stub(globalThis, 'setTimeout').returns(timer as any)
      const clear = stub(globalThis, 'clearTimeout')

      try {
        manager.viewPeer(peerA, () => {})
        manager.gc()
        expect(set.callCount).to.equal(1)
        expect(clear.calledWith(timer as any)).to.be.true()
      } finally {
        set.restore()
        clear.restore()
      }

      if (typeof timer === 'object') {
        expect(timer.unref.callCount).to.equal(1)
      }
    })
  }
})
