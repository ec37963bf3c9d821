import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { createManager, errorOf, fakePeer, peerA, peerB } from '../scopes/fixtures.ts'
import type { ResourceManager } from '../../src/index.ts'

const CAPACITY = 256
const NOW = 1_700_000_000_000

// who was refused lately is what an operator asks first. It is remembered during an attack,
// so it must neither grow nor cost anything that grows

describe('recent refusals', () => {
  let clock: sinon.SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers(NOW)
  })

  afterEach(() => {
    clock.restore()
  })

  function refuse (manager: ResourceManager, times: number, from = 0): void {
    for (let i = from; i < from + times; i++) {
      errorOf(() => manager.openStream(fakePeer(i), 'inbound'))
    }
  }

  function wait (ms: number): void {
    clock.tick(ms)
  }

  function peers (manager: ResourceManager): Array<string | undefined> {
    return manager.recentRefusals().map(({ peer }) => peer)
  }

  it('should be none at first', () => {
    expect(createManager().recentRefusals()).to.deep.equal([])
    expect(createManager().recentRefusals({ peer: peerA, address: '192.0.2.1', since: 0 })).to.deep.equal([])
  })

  it('should say when, whose, by what, how full it was and which setting to change', () => {
    const manager = createManager({ peerDefault: { streamsInbound: 0 } })

    clock.tick(5)
    errorOf(() => manager.openStream(peerA, 'inbound'))

    expect(manager.recentRefusals()).to.deep.equal([{
      time: NOW + 5,
      kind: 'peer',
      scope: `peer:${peerA}`,
      resource: 'stream',
      direction: 'inbound',
      current: 0,
      attempted: 1,
      limit: 0,
      priority: undefined,
      setting: 'PeerDefault.StreamsInbound',
      peer: String(peerA)
    }])
  })

  it('should be listed latest first, and a copy', () => {
    const manager = createManager({ system: { streams: 0 } })

    refuse(manager, 3)
    manager.recentRefusals().pop()

    expect(peers(manager)).to.deep.equal(['peer-2', 'peer-1', 'peer-0'])
  })

  for (const times of [CAPACITY - 1, CAPACITY, CAPACITY + 1, 2 * CAPACITY + 1]) {
    it(`should be the last 256 of ${times}`, () => {
      const manager = createManager({ system: { streams: 0 } })

      for (let i = 0; i < times; i += 100) {
        // in another interval, so that all of them are looked at
        wait(10_000)
        refuse(manager, Math.min(100, times - i), i)
      }

      const kept = Math.min(times, CAPACITY)

      expect(peers(manager)).to.deep.equal(Array.from({ length: kept }, (_, i) => `peer-${times - 1 - i}`))
    })
  }

  it('should keep what came before a flood a little longer', () => {
    const manager = createManager({ system: { streams: 0, conns: 0 } })

    errorOf(() => manager.openConnection('inbound', false, multiaddr('/ip4/192.0.2.1/tcp/1')))
    refuse(manager, CAPACITY - 1)
    expect(manager.recentRefusals({ address: '192.0.2.1' })).to.have.lengthOf(1)

    refuse(manager, 10 * CAPACITY)
    expect(manager.recentRefusals()).to.have.lengthOf(CAPACITY)
    expect(peers(manager)).to.include(`peer-${CAPACITY - 2}`)
  })

  it('should be those of a peer', () => {
    const manager = createManager({ system: { streams: 0 } })

    errorOf(() => manager.openStream(peerA, 'inbound'))
    errorOf(() => manager.openStream(peerB, 'outbound'))

    for (const peer of [peerB, String(peerB)]) {
      expect(manager.recentRefusals({ peer }).map(({ peer }) => peer)).to.deep.equal([String(peerB)])
    }

    expect(manager.recentRefusals({ peer: 'nobody' })).to.be.empty()
  })

  it('should be those of an address, whatever its port, and of addresses without an IP', () => {
    const manager = createManager({ system: { conns: 0 } })
    const addresses = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.1/udp/2/quic-v1', '/ip6/::ffff:192.0.2.1/tcp/3', '/ip4/192.0.2.2/tcp/1', '/memory/a']

    addresses.forEach(address => { errorOf(() => manager.openConnection('inbound', false, multiaddr(address))) })

    for (const address of ['192.0.2.1', '192.0.2.1:5', '/ip4/192.0.2.1', '/ip4/192.0.2.1/tcp/9', multiaddr('/ip4/192.0.2.1/tcp/1'), '::ffff:192.0.2.1']) {
      expect(manager.recentRefusals({ address }), String(address)).to.have.lengthOf(3)
    }

    expect(manager.recentRefusals({ address: '/memory/a' })).to.have.lengthOf(1)
    expect(manager.recentRefusals({ address: '/memory/b' })).to.be.empty()
  })

  it('should be those since a time', () => {
    const manager = createManager({ system: { streams: 0 } })

    refuse(manager, 1)
    clock.tick(1_000)
    refuse(manager, 1, 1)

    expect(manager.recentRefusals({ since: NOW })).to.have.lengthOf(2)
    expect(manager.recentRefusals({ since: NOW + 1 })).to.have.lengthOf(1)
    expect(manager.recentRefusals({ since: NOW + 1_001 })).to.be.empty()
  })

  it('should refuse options that cannot be used', () => {
    const manager = createManager()

    for (const options of [{ since: NaN }, { since: '1' }, { peer: '' }, { peer: null }, { address: 'nowhere' }, { address: '' }, { address: '/ip4/1.2.3' }, { address: 5 }, { address: null }]) {
      expect(() => manager.recentRefusals(options as any), JSON.stringify(options)).to.throw(`${Object.keys(options)[0]}: expected`)
        .with.property('name', 'InvalidParametersError')
    }
  })

  it('should have the time and the setting of the last one where they are counted', () => {
    const manager = createManager({ peer: { [String(peerA)]: { streams: 0 } }, peerDefault: { streams: 0 } })

    errorOf(() => manager.openStream(peerA, 'inbound'))
    clock.tick(60_000)
    errorOf(() => manager.openStream(peerB, 'outbound'))

    expect(manager.refusals()).to.deep.equal([
      { kind: 'peer', resource: 'stream', direction: undefined, count: 2, setting: 'PeerDefault.Streams', lastTime: NOW + 60_000 }
    ])
  })
})
