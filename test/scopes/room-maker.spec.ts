import { expect } from 'aegir/chai'
import { ConcreteLimiter } from '../../src/limits/limiter.ts'
import { Core } from '../../src/manager/core.ts'
import { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import { Refusal } from '../../src/scopes/refusal.ts'
import { ScopeGraph } from '../../src/scopes/scope-graph.ts'
import { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import { peerA, peerB, PROTOCOL, SERVICE, unlimitedBut } from './fixtures.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { OwnedScope } from '../../src/scopes/owned-scope.ts'

/**
 * A graph in which the first of some scopes gives way whenever something does not fit
 */
function createGraph (limits: PartialLimitConfig): { graph: ScopeGraph, opener: Core, giving: OwnedScope[], asked: string[], refused: Refusal[] } {
  const refused: Refusal[] = []
  const graph = new ScopeGraph({
    limiter: new ConcreteLimiter(unlimitedBut(limits)),
    enforce: true,
    captureStackTraces: false,
    observer: { onRefusal: (refusal) => { refused.push(refusal) }, onEviction: () => {}, onOverRelease: () => {} }
  })
  const giving: OwnedScope[] = []
  const asked: string[] = []

  graph.roomMakers.push({
    makeRoom: (refusal) => {
      asked.push(refusal.message)
      giving[0]?.done()

      return giving.shift() != null
    }
  })

  return { graph, opener: new Core(graph), giving, asked, refused }
}

function openStream (opener: Core, peer = peerA): DefaultStreamScope {
  const stream = opener.openStream(peer, 'inbound')

  expect(stream).to.be.instanceOf(DefaultStreamScope)

  return stream as DefaultStreamScope
}

describe('room makers', () => {
  it('should not be asked while there is room', () => {
    const { opener, asked } = createGraph({ system: { streams: 1, conns: 1 } })

    openStream(opener)
    expect(opener.openConnection('inbound', false)).to.be.instanceOf(DefaultConnectionScope)
    expect(asked).to.be.empty()
  })

  it('should make room for what is opened', () => {
    const { graph, opener, giving, asked, refused } = createGraph({ system: { streams: 1, conns: 1 } })

    giving.push(openStream(opener))
    openStream(opener, peerB)

    giving.push(opener.openConnection('inbound', false) as DefaultConnectionScope)
    expect(opener.openConnection('inbound', false)).to.be.instanceOf(DefaultConnectionScope)

    expect(asked).to.deep.equal([
      'stream-2: system: cannot reserve stream: resource limit exceeded',
      'conn-2: system: cannot reserve connection: resource limit exceeded'
    ])
    expect(graph.normal.system).to.include({ streamsInbound: 1, connsInbound: 1 })
    expect(refused).to.be.empty()
  })

  it('should be asked again until there is room in every scope', () => {
    const { opener, giving, asked } = createGraph({ transient: { streams: 1 } })
    const named = openStream(opener)

    named.setProtocol(PROTOCOL)

    const unnamed = openStream(opener)

    giving.push(named, unnamed)
    openStream(opener, peerB)

    expect(asked).to.have.lengthOf(2)
    expect(named.closed).to.be.true()
    expect(unnamed.closed).to.be.true()
  })

  it('should leave a refusal when nothing gives way any more', () => {
    const { graph, opener, asked, refused } = createGraph({ system: { streams: 1 } })

    openStream(opener)

    expect(opener.openStream(peerB, 'inbound')).to.be.instanceOf(Refusal)
    expect(asked).to.have.lengthOf(1)
    expect(refused).to.have.lengthOf(1)
    expect(graph.normal.system.streamsInbound).to.equal(1)
  })

  for (const [kind, limits] of Object.entries({ protocol: { protocolDefault: { streams: 1 } }, service: { serviceDefault: { streams: 1 } } })) {
    it(`should make room in a ${kind}`, () => {
      const { graph, opener, giving } = createGraph(limits)
      const move = (stream: DefaultStreamScope): void => {
        stream.setProtocol(PROTOCOL)
        stream.setService(SERVICE)
      }
      const first = openStream(opener)

      move(first)
      giving.push(first)
      move(openStream(opener, peerB))

      expect(first.closed).to.be.true()
      expect(graph.services.get(SERVICE)?.streamsInbound).to.equal(1)
    })
  }

  it('should make room for memory', () => {
    const { graph, opener, giving } = createGraph({ system: { memory: 100 } })
    const first = openStream(opener)
    const second = openStream(opener, peerB)

    first.reserveMemory(100)
    giving.push(first)
    second.reserveMemory(60)

    expect(graph.normal.system.memory).to.equal(60)
    expect(() => { second.reserveMemory(41) }).to.throw().with.property('name', 'MemoryLimitExceededError')
  })

  it('should not let in what was ended meanwhile', () => {
    const { graph, opener, giving } = createGraph({ system: { memory: 100 }, protocolDefault: { streams: 1 } })
    const first = openStream(opener)
    const second = openStream(opener, peerB)

    first.setProtocol(PROTOCOL)
    giving.push(second)

    expect(() => { second.setProtocol(PROTOCOL) }).to.throw().with.property('name', 'ResourceScopeClosedError')
    expect(graph.protocols.get(PROTOCOL)?.streamsInbound).to.equal(1)

    giving.push(first)
    expect(() => { first.reserveMemory(101) }).to.throw().with.property('name', 'ResourceScopeClosedError')
    expect(graph.normal.system).to.include({ memory: 0, streamsInbound: 0 })
  })
})

describe('a scope that has ended', () => {
  it('should not keep who held it, as refusals that are remembered keep scopes', () => {
    const { opener } = createGraph({})

    for (const scope of [openStream(opener), opener.openConnection('inbound', false) as DefaultConnectionScope]) {
      scope.holder = { evict: () => true } as any
      scope.done()
      expect(scope.holder).to.equal(undefined)
    }
  })
})
