import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { PROTECTED } from '../../src/fairness/fair-pool.ts'
import { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import { FairWorld, opened } from './fixtures.ts'
import type { MovableScope } from '../../src/scopes/movable-scope.ts'
import type { Refusal } from '../../src/scopes/refusal.ts'

const PROTOCOL = '/test/1.0.0'
const SERVICE = 'test-service'

/** Nobody is protected because of what its connection is like */
const PLAIN = { protect: 0 }

function names (scopes: MovableScope[]): string[] {
  return scopes.map(({ name }) => name)
}

function activate (scope: MovableScope, active: number): void {
  (scope.holder as { active: number }).active = active
}

/**
 * A full system, of one network with a connection of each of several peers
 *
 * @param worth - what each of them is worth, which is read when it matters
 * @param connsInbound
 */
function fullOfWorth (worth: Map<string, number>, connsInbound: number): FairWorld {
  const world = new FairWorld({ limits: { system: { connsInbound } }, fairness: PLAIN, worth: ({ peerScope }) => worth.get(peerScope?.key ?? '') ?? 0 })

  for (let i = 1; i <= connsInbound; i++) {
    opened(world.connect('1.1.1.1', i))
  }

  return world
}

describe('fair shares of connections', () => {
  it('should end nothing while there is room', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 4 } }, fairness: PLAIN })

    for (let i = 0; i < 4; i++) {
      opened(world.connect('1.1.1.1', i))
    }

    expect(world.evicted).to.be.empty()
    expect(world.shares.observed, 'nothing is followed before somebody is refused').to.equal(0)
    expect(world.graph.placements).to.equal(undefined)
  })

  it('should give the place of the youngest connection of the largest network to a stranger', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 4 } }, fairness: PLAIN })
    const held = ['1.1.1.1', '1.1.2.2', '1.1.3.3', '2.2.2.2'].map((ip, i) => opened(world.connect(ip, i)))

    opened(world.connect('3.3.3.3', 9))
    expect(names(world.evicted)).to.deep.equal([held[2].name])
    expect(world.graph.normal.system.connsInbound).to.equal(4)
    expect(world.graph.evictions.entries()).to.deep.equal([{ kind: 'system', resource: 'connection', count: 1 }])
    expect(world.refused).to.equal(0)
  })

  it('should refuse a stranger where everybody holds as much', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 3 } }, fairness: PLAIN })

    for (let i = 1; i <= 3; i++) {
      opened(world.connect(`${i}.1.1.1`, i))
    }

    expect(world.connect('9.9.9.9', 9)).to.have.property('kind', 'system')
    expect(world.evicted).to.be.empty()
  })

  it('should say that the system was full only where somebody wanted something of it', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 2 } }, fairness: PLAIN })

    const [first] = ['1.1.1.1', '1.1.1.2'].map(ip => opened(world.accept(ip)))

    expect(world.shares.full).to.equal(false)

    const refusal = world.accept('1.1.1.3') as Refusal

    expect(refusal).to.have.property('kind', 'system')
    expect(world.shares.full).to.equal(true)
    world.shares.full = false
    // as `explain` asks
    expect(world.shares.findVictim(refusal, 'connection', { network: '2.2.0.0/16', subnet: '2.2.2.0/24', host: '2.2.2.2' })).to.not.equal(undefined)
    expect(world.shares.findVictim(refusal, 'connection', world.shares.originOf(first))).to.equal(undefined)
    expect(world.shares.full).to.equal(false)
  })

  it('should share what a network has between its subnets, hosts and peers', () => {
    for (const [stranger, peer] of [['1.1.2.1', 9], ['1.1.1.2', 9], ['1.1.1.1', 9]] as const) {
      const world = new FairWorld({ limits: { system: { connsInbound: 2 } }, fairness: PLAIN })

      opened(world.connect('1.1.1.1', 1))
      opened(world.connect('1.1.1.1', 1))
      opened(world.connect(stranger, peer))
      expect(names(world.evicted), stranger).to.deep.equal(['conn-2'])
    }
  })

  it('should give up the oldest handshake of the largest network', () => {
    const world = new FairWorld({ limits: { transient: { connsInbound: 3 } } })

    for (let i = 1; i <= 3; i++) {
      opened(world.accept(`1.1.1.${i}`))
    }

    opened(world.connect('2.2.2.2', 1))
    expect(names(world.evicted)).to.deep.equal(['conn-1'])
  })

  it('should make room in transient and in the system for the same newcomer', () => {
    const world = new FairWorld({ limits: { transient: { connsInbound: 2 }, system: { connsInbound: 4 } }, fairness: PLAIN })

    opened(world.connect('1.1.1.1', 1))
    opened(world.connect('1.1.1.1', 1))
    opened(world.accept('1.1.1.2'))
    opened(world.accept('1.1.1.3'))
    opened(world.accept('2.2.2.2'))
    // what leaves transient leaves the system as well
    expect(names(world.evicted)).to.deep.equal(['conn-3'])
    expect(world.graph.normal.system.connsInbound).to.equal(4)
    expect(world.graph.normal.transient.connsInbound).to.equal(2)
  })

  it('should make room for file descriptors, for the total of both directions and for what it weighs', () => {
    for (const limits of [{ system: { fd: 2 } }, { system: { conns: 2 } }, { system: { memory: 250 } }]) {
      // inbound ones may fill 80% of the memory
      const world = new FairWorld({ limits, fairness: PLAIN, baseCosts: { connection: 90, stream: 0 } })

      opened(world.connect('1.1.1.1', 1))
      opened(world.connect('1.1.1.1', 1))
      opened(world.accept('2.2.2.2'))
      expect(names(world.evicted)).to.deep.equal(['conn-2'])
    }
  })

  it('should never end outbound connections', () => {
    const world = new FairWorld({ limits: { system: { conns: 3 } }, fairness: PLAIN })

    for (let i = 0; i < 3; i++) {
      world.dial('1.1.1.1', i)
    }

    expect(world.accept('2.2.2.2')).to.have.property('kind', 'system')
    expect(world.evicted).to.be.empty()
  })

  it('should end nothing for what this node opens', () => {
    const world = new FairWorld({ limits: { system: { conns: 3 } }, fairness: PLAIN })

    for (let i = 0; i < 3; i++) {
      opened(world.connect('1.1.1.1', i))
    }

    expect(() => world.dial('2.2.2.2', 9)).to.throw('refused')
    expect(world.evicted).to.be.empty()
  })

  it('should never end those that are worth too much, and those that are worth less first', () => {
    const worth = new Map([['peer-1', PROTECTED], ['peer-2', 50], ['peer-3', 10]])
    const world = fullOfWorth(worth, 4)

    opened(world.connect('2.1.1.1', 5))
    expect(world.evicted.map(({ peerScope }) => peerScope?.key)).to.deep.equal(['peer-4'])
    opened(world.connect('3.1.1.1', 6))
    expect(world.evicted.map(({ peerScope }) => peerScope?.key)).to.deep.equal(['peer-4', 'peer-3'])
  })

  it('should follow what a peer is worth now', () => {
    const worth = new Map<string, number>()
    const world = fullOfWorth(worth, 3)

    opened(world.connect('2.1.1.1', 5))
    expect(world.evicted.map(({ peerScope }) => peerScope?.key)).to.deep.equal(['peer-3'])

    worth.set('peer-2', PROTECTED)
    world.shares.worthChanged('peer-2')
    worth.set('peer-1', PROTECTED)
    world.shares.worthChanged('peer-1')
    // the network still holds two, and none of them gives way
    expect(world.connect('3.1.1.1', 6)).to.have.property('kind', 'system')
  })

  it('should not let those back at once who have just given way', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 4 } }, fairness: PLAIN })

    opened(world.connect('1.1.1.1', 1))
    opened(world.connect('1.1.1.2', 2))
    opened(world.connect('1.1.1.2', 2))
    const other = opened(world.connect('1.1.1.3', 3))

    opened(world.connect('2.1.1.1', 4))
    expect(names(world.evicted)).to.deep.equal(['conn-3'])

    // now its host holds less than another
    other.done()
    world.connections[1].done()
    opened(world.connect('1.1.1.1', 1))
    opened(world.connect('1.1.1.1', 1))
    expect(world.connect('1.1.1.2', 2)).to.have.property('kind', 'system')

    world.now = 10_001
    opened(world.connect('1.1.1.2', 2))
  })

  it('should not let a peer have its own connections give way as fast as it can', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 6 } }, fairness: PLAIN })

    for (let i = 0; i < 6; i++) {
      opened(world.connect('1.1.1.1', 1))
    }

    // nobody knows yet that it is the same peer
    for (let i = 0; i < 5; i++) {
      world.connect('1.1.1.1', 1)
    }

    expect(names(world.evicted)).to.deep.equal(['conn-6'])
  })

  it('should end nothing when that would not be enough', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 4 } }, fairness: PLAIN })

    for (let i = 0; i < 4; i++) {
      opened(world.connect('1.1.1.1', i))
    }

    world.graph.normal.system.setLimit({ connsInbound: 2 })
    expect(world.connect('2.2.2.2', 9)).to.have.property('kind', 'system')
    expect(world.evicted).to.be.empty()
  })

  it('should end nothing where limits are not enforced, and count what it would have', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 2 } }, fairness: PLAIN, enforce: false })

    opened(world.connect('1.1.1.1', 1))
    opened(world.connect('1.1.1.1', 2))
    opened(world.connect('2.2.2.2', 3))
    expect(world.evicted).to.be.empty()
    expect(world.graph.evictions.entries()).to.deep.equal([{ kind: 'system', resource: 'connection', count: 1 }])
  })

  it('should protect the fastest, the oldest and the useful, of different networks', () => {
    // of each kind there is one place, and with it one lot
    const world = new FairWorld({ limits: { system: { connsInbound: 8 } } })

    for (let i = 0; i < 8; i++) {
      opened(world.connect('1.1.1.1', i))
    }

    Object.assign(world.connections[5].holder as object, { rtt: 1 })
    Object.assign(world.connections[4].holder as object, { rtt: 2 })
    Object.assign(world.connections[7].holder as object, { useful: 9 })

    for (let i = 1; i <= 4; i++) {
      opened(world.connect(`${1 + i}.1.1.1`, 10 + i))
    }

    expect(names(world.evicted)).to.deep.equal(['conn-7', 'conn-5', 'conn-4', 'conn-3'])
    expect(world.connections.filter(({ closed, endpoint }) => !closed && String(endpoint).includes('/1.1.1.1/')).map(({ name }) => name))
      .to.deep.equal(['conn-1', 'conn-2', 'conn-6', 'conn-8'])
  })

  it('should protect no more than half of the slots', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 5 } }, fairness: { protect: 8 } })

    for (let i = 0; i < 5; i++) {
      opened(world.connect('1.1.1.1', i))
    }

    opened(world.connect('2.1.1.1', 5))
    opened(world.connect('3.1.1.1', 6))
    opened(world.connect('4.1.1.1', 7))
    expect(world.evicted, 'a place for each kind would be more than half').to.have.lengthOf(3)
  })

  it('should notice what has come and gone since it was full', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 6 } }, fairness: PLAIN })
    const first = Array.from({ length: 6 }, (_, i) => opened(world.connect('1.1.1.1', i)))

    opened(world.connect('2.2.2.2', 7))
    expect(world.shares.observed).to.equal(1)

    // half of it is gone
    first.slice(0, 4).forEach(scope => { scope.done() })
    expect(world.shares.observed).to.equal(0)
    expect(world.graph.placements).to.equal(undefined)

    for (let i = 0; i < 4; i++) {
      opened(world.connect('3.3.3.3', 20 + i))
    }

    opened(world.connect('4.4.4.4', 9))
    expect(world.evicted.at(-1)?.peerScope?.key).to.equal('peer-23')
    world.connections.forEach(scope => { scope.done() })
    expect(world.shares.observed).to.equal(0)
  })

  it('should end nothing more while something ends', () => {
    const world = new FairWorld({ limits: { system: { connsInbound: 4 } }, fairness: PLAIN })
    const nested: unknown[] = []

    for (let i = 0; i < 4; i++) {
      opened(world.connect('1.1.1.1', i))
    }

    // somebody takes the place that was meant for another, and then there is none
    world.onEvict = () => {
      world.onEvict = undefined
      nested.push(world.connect('5.5.5.5', 8), world.connect('6.6.6.6', 9))
    }
    opened(world.connect('2.2.2.2', 7))
    expect(nested[0]).to.be.instanceOf(DefaultConnectionScope)
    expect(nested[1]).to.have.property('kind', 'system')
    expect(world.evicted).to.have.lengthOf(2)
    expect(world.graph.normal.system.connsInbound).to.equal(4)
  })
})

describe('fair shares of streams', () => {
  it('should reset the oldest stream without a protocol of the peer that has most', () => {
    const world = new FairWorld({ limits: { transient: { streamsInbound: 3 } } })
    const hostile = opened(world.connect('1.1.1.1', 1))
    const honest = opened(world.connect('2.2.2.2', 2))

    for (let i = 0; i < 3; i++) {
      activate(opened(world.stream(hostile)), 3 - i)
    }

    opened(world.stream(honest, PROTOCOL))
    expect(names(world.evicted)).to.deep.equal(['stream-1'])
  })

  it('should reset the stream that has been idle for longest, in a protocol, a service and the system', () => {
    const cases = [
      { limits: { protocol: { [PROTOCOL]: { streamsInbound: 3 } } }, kind: 'protocol' },
      { limits: { service: { [SERVICE]: { streamsInbound: 3 } } }, kind: 'service' },
      { limits: { system: { streamsInbound: 3 } }, kind: 'system' }
    ]

    for (const { kind, limits } of cases) {
      const world = new FairWorld({ limits })
      const hostile = opened(world.connect('1.1.1.1', 1))
      const honest = opened(world.connect('2.2.2.2', 2))
      const held = Array.from({ length: 3 }, () => opened(world.stream(hostile, PROTOCOL, SERVICE)))

      held.forEach((stream, i) => { activate(stream, [5, 2, 9][i]) })
      opened(world.stream(honest, PROTOCOL, SERVICE))
      expect(names(world.evicted), kind).to.deep.equal([held[1].name])
      expect(world.graph.evictions.entries()).to.deep.equal([{ kind, resource: 'stream', count: 1 }])

      // and what is idle changes while it is followed
      activate(held[0], 10)
      opened(world.stream(opened(world.connect('3.3.3.3', 3)), PROTOCOL, SERVICE))
      expect(names(world.evicted), kind).to.deep.equal([held[1].name, held[2].name])
    }
  })

  it('should not examine all streams of one who keeps them active', () => {
    const count = 200
    const world = new FairWorld({ limits: { protocol: { [PROTOCOL]: { streamsInbound: count } } } })
    const hostile = opened(world.connect('1.1.1.1', 1))
    const held = Array.from({ length: count }, () => opened(world.stream(hostile, PROTOCOL)))
    let now = 0
    let examined = 0

    // each of them has been active since it was last examined
    const active = {
      get: () => {
        examined++

        return ++now
      }
    }

    held.forEach(({ holder }) => { Object.defineProperty(holder, 'active', active) })

    // finds out who holds what
    opened(world.stream(opened(world.connect('2.2.2.2', 2)), PROTOCOL))

    for (let i = 3; i < 20; i++) {
      examined = 0
      opened(world.stream(opened(world.connect(`${i}.1.1.1`, i)), PROTOCOL))
      expect(examined).to.be.at.most(20)
      expect(world.evicted).to.have.lengthOf(i - 1)
    }
  })

  it('should end nothing for a peer that is over a limit of its own', () => {
    const cases = [
      { protocol: { [PROTOCOL]: { streamsInbound: 3 } }, protocolPeerDefault: { streamsInbound: 0 } },
      { protocol: { [PROTOCOL]: { streamsInbound: 3 } }, servicePeerDefault: { streamsInbound: 0 } },
      { service: { [SERVICE]: { streamsInbound: 3 } }, servicePeerDefault: { streamsInbound: 0 } },
      { system: { streamsInbound: 3 } }
    ]

    for (const limits of cases) {
      const world = new FairWorld({ limits, services: { [PROTOCOL]: SERVICE } })
      const hostile = opened(world.connect('1.1.1.1', 1))
      const greedy = opened(world.connect('2.2.2.2', 2))

      for (const scope of [world.graph.getPeerChild(hostile.peerScope as any, world.graph.getProtocol(PROTOCOL)), world.graph.getPeerChild(hostile.peerScope as any, world.graph.getService(SERVICE))]) {
        scope.setLimit({ streamsInbound: 'unlimited' })
      }

      for (let i = 0; i < 3; i++) {
        opened(world.stream(hostile, PROTOCOL, SERVICE))
      }

      if (limits.system != null) {
        world.graph.getPeer(world.peer(2)).setLimit({ streamsInbound: 0 })
      }

      expect(world.stream(greedy, PROTOCOL, SERVICE)).not.to.be.instanceOf(DefaultStreamScope)
      expect(world.evicted).to.be.empty()
    }
  })

  it('should move streams that are followed with their protocol and service', () => {
    const world = new FairWorld({ limits: { transient: { streamsInbound: 2 }, protocol: { [PROTOCOL]: { streamsInbound: 2 } } } })
    const hostile = opened(world.connect('1.1.1.1', 1))
    const honest = opened(world.connect('2.2.2.2', 2))
    const pending = [opened(world.stream(hostile)), opened(world.stream(hostile))]

    opened(world.stream(honest)).done()
    expect(names(world.evicted)).to.deep.equal([pending[0].name])

    pending[1].setProtocol(PROTOCOL)
    opened(world.stream(hostile, PROTOCOL))
    opened(world.stream(honest, PROTOCOL))
    expect(names(world.evicted)).to.deep.equal([pending[0].name, pending[1].name])
    expect(world.graph.getProtocol(PROTOCOL).streamsInbound).to.equal(2)
  })
})

describe('fair shares, whatever happens', () => {
  const NETWORKS = 5
  const LIMITS = {
    transient: { connsInbound: 3, streamsInbound: 4 },
    system: { connsInbound: 6, streamsInbound: 10 },
    protocol: { [PROTOCOL]: { streamsInbound: 5 } },
    service: { [SERVICE]: { streamsInbound: 4 } }
  }

  const STEP = fc.oneof(
    fc.record({ do: fc.constant('accept' as const), network: fc.nat(NETWORKS - 1), host: fc.nat(1) }),
    fc.record({ do: fc.constant('connect' as const), network: fc.nat(NETWORKS - 1), host: fc.nat(1), peer: fc.nat(7) }),
    { weight: 3, arbitrary: fc.record({ do: fc.constant('stream' as const), which: fc.nat(), stage: fc.nat(2) }) },
    fc.record({ do: fc.constant('close' as const), which: fc.nat(), isStream: fc.boolean() }),
    fc.record({ do: fc.constant('bytes' as const), which: fc.nat(), active: fc.nat() }),
    fc.record({ do: fc.constant('time' as const), ms: fc.nat(15_000) })
  )

  function act (world: FairWorld, step: typeof STEP extends fc.Arbitrary<infer T> ? T : never): void {
    const openConnections = world.connections.filter(scope => !scope.closed && scope.peerScope !== undefined)
    const openStreams = world.streams.filter(scope => !scope.closed)

    switch (step.do) {
      case 'accept':
        world.accept(`${step.network + 1}.1.1.${step.host + 1}`)
        break
      case 'connect':
        world.connect(`${step.network + 1}.1.1.${step.host + 1}`, step.peer)
        break
      case 'stream':
        openConnections.length > 0 && world.stream(openConnections[step.which % openConnections.length], step.stage > 0 ? PROTOCOL : undefined, step.stage > 1 ? SERVICE : undefined)
        break
      case 'close': {
        const open = step.isStream ? openStreams : world.connections.filter(scope => !scope.closed)

        open[step.which % (open.length || 1)]?.done()
        break
      }
      case 'bytes':
        openStreams.length > 0 && activate(openStreams[step.which % openStreams.length], step.active)
        break
      default:
        world.now += step.ms
    }
  }

  it('should never exceed a limit, end what is protected, or end anything while there is room', () => {
    fc.assert(fc.property(fc.array(STEP, { maxLength: 120 }), (steps) => {
      // the first peer is worth too much to give way
      const world = new FairWorld({ limits: LIMITS, worth: ({ peerScope }) => peerScope?.key === 'peer-0' ? PROTECTED : 0 })
      const { graph } = world
      const scopes = [graph.normal.system, graph.normal.transient, graph.getProtocol(PROTOCOL), graph.getService(SERVICE)]

      for (const step of steps) {
        const evicted = world.evicted.length
        const held = [graph.normal.system, graph.normal.transient].map(({ connsInbound, streamsInbound }) => connsInbound + streamsInbound)

        act(world, step)

        for (const { connsInbound, limit, streamsInbound } of scopes) {
          expect(connsInbound).to.be.within(0, limit.connsInbound)
          expect(streamsInbound).to.be.within(0, limit.streamsInbound)
        }

        for (const scope of world.evicted.slice(evicted)) {
          expect(scope.peerScope?.key).not.to.equal('peer-0')
          expect(scope.inbound).to.equal(true)
        }

        // one newcomer never costs more than one of each scope that it has to pass
        expect(world.evicted.length - evicted).to.be.at.most(3)

        if (step.do === 'accept' && held[1] < 3 && world.graph.normal.system.connsInbound < 6) {
          expect(world.evicted).to.have.lengthOf(evicted)
        }
      }

      world.streams.forEach(scope => { scope.done() })
      world.connections.forEach(scope => { scope.done() })
      expect(world.shares.observed, 'nothing is kept').to.equal(0)
      expect(graph.placements).to.equal(undefined)
      scopes.forEach(({ empty }) => { expect(empty).to.equal(true) })
    }), { numRuns: 200 })
  })
})
