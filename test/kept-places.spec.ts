import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { ConnectionLimitExceededError } from '../src/index.ts'
import { createManager, errorOf, fakePeer, peerA, peerB } from './scopes/fixtures.ts'
import type { ConnectionManagementScope, ResourceManager } from '../src/index.ts'
import type { PartialLimitConfig } from '../src/limits/limit-config.ts'

const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/1')

/**
 * Full with one connection of a stranger, with four places for those that are trusted, of
 * which those have one who have to prove it
 */
const FULL: PartialLimitConfig = { system: { conns: 1 }, allowlistedSystem: { conns: 4 } }

describe('places kept for peers wherever they are', () => {
  function create (limits: PartialLimitConfig = FULL, init: object = {}): ResourceManager {
    const manager = createManager(limits, { allowlist: [`/p2p/${peerA}`], rateLimits: false, ...init })

    manager.openConnection('inbound', false, ADDRESS)

    return manager
  }

  function held (manager: ResourceManager): number[] {
    const { allowlistedSystem, allowlistedTransient, system, transient } = manager.stat()

    return [system, transient, allowlistedSystem, allowlistedTransient].map(({ numConnsInbound, numConnsOutbound }) => numConnsInbound + numConnsOutbound)
  }

  it('should be taken by a peer that proves who it is, from any address, while the system is full', () => {
    for (const address of [ADDRESS, multiaddr('/ip6/2001:db8::1/udp/1/quic-v1'), undefined]) {
      const manager = create()
      const connection = manager.openConnection('inbound', false, address)

      expect(connection.allowlisted, 'nothing is proved yet').to.equal(false)
      expect(held(manager)).to.deep.equal([1, 2, 1, 0])
      connection.setPeer(peerA)
      expect(connection.allowlisted).to.equal(true)
      expect(held(manager)).to.deep.equal([1, 1, 1, 0])
      connection.done()
      expect(held(manager)).to.deep.equal([1, 1, 0, 0])
    }
  })

  it('should not be taken by somebody else', () => {
    const manager = create()
    const impostor = manager.openConnection('inbound', false, ADDRESS)
    const error: any = errorOf(() => { impostor.setPeer(peerB) })

    expect(error).to.be.an.instanceOf(ConnectionLimitExceededError)
    expect(error).to.include({ scope: 'system', setting: 'System.Conns', peer: peerB.toString() })
    impostor.done()
    expect(held(manager)).to.deep.equal([1, 1, 0, 0])
  })

  it('should not be in the way of somebody else for whom there is room again', () => {
    const manager = createManager(FULL, { allowlist: [`/p2p/${peerA}`], rateLimits: false, subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 2 }] } })
    const first = manager.openConnection('inbound', false, ADDRESS)
    const connection = manager.openConnection('inbound', false, ADDRESS)

    first.done()
    connection.setPeer(peerB)
    expect(connection.allowlisted).to.equal(false)
    expect(held(manager)).to.deep.equal([1, 0, 0, 0])

    // it counts at its address once, and until it is closed
    manager.setLimits({ system: { conns: 10 } })
    const second = manager.openConnection('inbound', false, ADDRESS)
    expect(errorOf(() => manager.openConnection('inbound', false, ADDRESS))).to.have.property('resource', 'subnet')
    second.done()
    connection.done()
    manager.openConnection('inbound', false, ADDRESS)
    manager.openConnection('inbound', false, ADDRESS)
  })

  it('should leave the limits of the address, which apply until the peer is known', () => {
    const manager = create(FULL, { subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 2 }] } })
    const connection = manager.openConnection('inbound', false, ADDRESS)

    expect(errorOf(() => manager.openConnection('inbound', false, ADDRESS))).to.have.property('setting', 'subnetLimits.ipv4')
    connection.setPeer(peerA)
    // it does not count there any more, and is refused for another reason
    manager.openConnection('inbound', false, ADDRESS)
  })

  it('should leave some of the allowlisted system, however many have to prove who they are', () => {
    const manager = create()
    const first = manager.openConnection('inbound', false, ADDRESS)
    const refused: any = errorOf(() => manager.openConnection('inbound', false, ADDRESS))

    expect(refused).to.include({ scope: 'system', setting: 'System.Conns' })
    expect(held(manager)).to.deep.equal([1, 2, 1, 0])
    first.setPeer(peerA)
    manager.openConnection('inbound', false, ADDRESS)
    expect(held(manager)).to.deep.equal([1, 2, 2, 0])
  })

  it('should not be there with 0, and any number where nothing is limited', () => {
    const none = create({ ...FULL, allowlistedSystem: { conns: 0 } })
    expect(errorOf(() => none.openConnection('inbound', false, ADDRESS))).to.have.property('scope', 'system')

    const any = create({ system: { conns: 1 } })
    Array.from({ length: 100 }, () => any.openConnection('inbound', false)).forEach(connection => { connection.setPeer(peerA) })
    expect(held(any)).to.deep.equal([1, 1, 100, 0])
  })

  it('should not help where transient is full, or a peer has all that it may have', () => {
    const transient = create({ ...FULL, transient: { conns: 1 } })
    expect(errorOf(() => transient.openConnection('inbound', false, ADDRESS))).to.have.property('scope', 'transient')

    const peer = create({ ...FULL, peerDefault: { conns: 0 } })
    const connection = peer.openConnection('inbound', false, ADDRESS)
    expect(errorOf(() => { connection.setPeer(peerA) })).to.have.property('scope', `peer:${peerA}`)
    connection.done()
    expect(held(peer)).to.deep.equal([1, 1, 0, 0])
  })

  it('should be taken by dials of the peers, and by no other dials', () => {
    const manager = create()
    const dial = manager.openConnection('outbound', false, ADDRESS.encapsulate(`/p2p/${peerA}`))

    expect(errorOf(() => manager.openConnection('outbound', false, ADDRESS.encapsulate(`/p2p/${peerB}`)))).to.have.property('scope', 'system')
    expect(errorOf(() => manager.openConnection('outbound', false, ADDRESS))).to.have.property('scope', 'system')
    dial.setPeer(peerA)
    expect(dial.allowlisted).to.equal(true)
  })

  it('should be for the streams of the peer as well', () => {
    const manager = create({ ...FULL, system: { conns: 1, streams: 0 } })
    const connection = manager.openConnection('inbound', false, ADDRESS)

    connection.setPeer(peerA)
    manager.openStream(peerA, 'inbound', connection)
    expect(manager.stat().allowlistedSystem.numStreamsInbound).to.equal(1)
    expect(errorOf(() => manager.openStream(peerB, 'inbound'))).to.have.property('scope', 'system')

    // a connection for which there was room is worth as much
    const roomy = createManager({ system: { streams: 0 } }, { allowlist: [`/p2p/${peerA}`] })
    const normal = roomy.openConnection('inbound', false, ADDRESS)
    normal.setPeer(peerA)
    expect(normal.allowlisted).to.equal(false)
    roomy.openStream(peerA, 'inbound', normal)
    expect(roomy.stat().allowlistedSystem.numStreamsInbound).to.equal(1)
  })

  it('should change while the manager runs', () => {
    const manager = create(FULL, { allowlist: [] })
    const predicate = (): boolean => true

    expect(errorOf(() => manager.openConnection('inbound', false, ADDRESS))).to.have.property('scope', 'system')
    manager.allowlist.add(predicate)
    const connection = manager.openConnection('inbound', false, ADDRESS)
    manager.allowlist.remove(predicate)
    // what counts is what is allowed when it is proved
    expect(errorOf(() => { connection.setPeer(peerA) })).to.have.property('scope', 'system')
  })

  it('should be known to explain, and to people', () => {
    const manager = create(FULL, { allowlist: [`/p2p/${peerA}`, `/dnsaddr/example.com/p2p/${peerB}`, { tag: 'friend' }, () => false] })
    const ask = (peer = peerA): object => manager.explain({ resource: 'connection', direction: 'inbound', address: ADDRESS, peer })

    expect(String(manager)).to.match(/\nplaces kept wherever they are: 2 peers, 1 tag, 1 predicate$/)
    expect(ask()).to.include({ fits: true })
    expect(ask()).to.have.deep.property('headroom').that.deep.includes({ scope: 'allowlistedSystem', headroom: 4 })
    expect(ask(fakePeer(1))).to.include({ fits: false, refusedBy: 'system' })
    manager.openConnection('inbound', false, ADDRESS)
    expect(ask(), 'those who have to prove who they are have what they may have').to.include({ fits: false, refusedBy: 'system' })
    expect(String(create(FULL, { allowlist: ['/ip4/1.2.3.4'] }))).not.to.include('places kept')
  })

  it('should never be lost or held by anybody else, whatever is opened, proved and closed', () => {
    const steps = fc.array(fc.record({ act: fc.constantFrom('in', 'out', 'trusted', 'stranger', 'close'), at: fc.nat(20) }), { maxLength: 60 })

    fc.assert(fc.property(steps, steps => {
      const manager = createManager({ system: { conns: 2 }, allowlistedSystem: { conns: 8 } }, { allowlist: [`/p2p/${peerA}`], rateLimits: false, subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 10 }] } })
      let open: ConnectionManagementScope[] = []

      for (const { act, at } of steps) {
        const connection = open[at % Math.max(1, open.length)]

        try {
          if (act === 'in' || act === 'out') {
            open.push(manager.openConnection(act === 'in' ? 'inbound' : 'outbound', false, act === 'in' ? ADDRESS : ADDRESS.encapsulate(`/p2p/${peerA}`)))
          } else if (act === 'close') {
            connection?.done()
            open = open.filter(other => other !== connection)
          } else {
            connection?.setPeer(act === 'trusted' ? peerA : peerB)
          }
        } catch (err: any) {
          expect(err.name).to.be.oneOf(['ConnectionLimitExceededError', 'SubnetLimitExceededError', 'ResourceScopeStateError'])
        }

        const [system, , allowlisted] = held(manager)

        expect(system).to.be.at.most(2)
        expect(allowlisted).to.be.at.most(8)
        expect(system + allowlisted).to.equal(open.length)
        // of those whose peer is known, only peerA has a place there
        expect(open.filter(({ allowlisted, peerScope }) => allowlisted && peerScope?.peer !== peerA)).to.deep.equal([])
        expect(open.filter(({ peerScope }) => peerScope?.peer === peerB).length).to.be.at.most(2)
      }

      open.forEach(connection => { connection.done() })
      expect(held(manager)).to.deep.equal([0, 0, 0, 0])
      // the places of those who prove who they are are free again: a quarter of 8
      Array.from({ length: 4 }, () => manager.openConnection('inbound', false, ADDRESS))
      expect(errorOf(() => manager.openConnection('inbound', false, ADDRESS))).to.have.property('scope', 'system')
    }), { numRuns: 100 })
  })
})
