import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { errorOf, fakePeer, peerA, peerB } from '../scopes/fixtures.ts'
import { HOUR, ip, nameOf, place, World } from './fixtures.ts'
import type { PeerId } from '@libp2p/interface'

const HOST = '192.0.2.1'
const HOST_BAN = 'host 192.0.2.1/32'
const SUBNET_BAN = 'subnet 192.0.2.0/24'

function banOf (peer: PeerId): string {
  return `peer ${peer}`
}

describe('bans', () => {
  it('should ban a peer that goes on for half a minute, and not for one burst', () => {
    const { keeper, ...world } = new World()
    const clock = new World()
    const strikeFor = (seconds: number): void => {
      for (let i = 0; i < seconds; i++) {
        // a thousand refusals in a second
        for (let j = 0; j < 1_000; j++) {
          clock.keeper.isDue(String(peerA)) && clock.keeper.strike(peerA, 'refusal', 'streams', place(HOST))
        }

        clock.ms += 1_000
      }
    }

    expect(world.began).to.deep.equal([])
    expect(keeper.list()).to.deep.equal([])
    strikeFor(30)
    expect(clock.banned).to.deep.equal([])
    strikeFor(10)
    expect(clock.banned).to.deep.equal([banOf(peerA)])
    expect(clock.keeper.list()[0]).to.include({ level: 'peer', target: String(peerA), by: 'strikes', address: HOST, reason: '30 strikes, last for streams' })
  })

  it('should ban with the strike that is one too many, and not with the one before', () => {
    const world = new World({ strikes: 3 })

    world.keeper.strike(peerA, 'eviction', 'a')
    world.keeper.strike(peerA, 'report', 'b')
    expect(world.banned).to.deep.equal([])
    world.keeper.strike(peerA, 'eviction', 'c')
    expect(world.banned).to.deep.equal([banOf(peerA)])
    expect(world.keeper.strikes).to.deep.equal({ refusal: 0, eviction: 2, report: 1 })

    // what it does now makes it no longer
    const [{ end }] = world.keeper.list()
    world.ms += 1_000
    world.banPeer(peerA)
    expect(world.keeper.list()[0].end).to.equal(end)
    expect(world.began).to.have.lengthOf(1)
  })

  it('should ban nobody by strikes where that is unlimited', () => {
    const world = new World({ strikes: Infinity })

    world.banPeers(10, HOST)
    expect(world.banned).to.deep.equal([])
    world.keeper.add(peerA)
    expect(world.banned).to.deep.equal([banOf(peerA)])
  })

  it('should last as long as it says, with a random part, and begin anew after that', () => {
    for (const [random, length] of [[0, HOUR], [0.5, 1.5 * HOUR], [1, 2 * HOUR]]) {
      const world = new World()

      world.random = random
      world.banPeer(peerA)
      expect(world.keeper.list()[0]).to.include({ begin: world.time, end: world.time + length })
      world.ms += length - 1
      expect(world.keeper.findPeer(String(peerA))).to.have.property('level', 'peer')
      world.ms += 1
      expect(world.keeper.findPeer(String(peerA))).to.equal(undefined)
      expect(world.ended).to.deep.equal([banOf(peerA)])
      expect(world.keeper.size).to.equal(0)
      world.keeper.strike(peerA, 'report', 'once')
      expect(world.banned, 'one strike is none of those before').to.deep.equal([])
    }
  })

  describe('of a host', () => {
    it('should need several peers, whatever one of them does', () => {
      const world = new World()

      for (let i = 0; i < 100; i++) {
        world.banPeer(peerA, HOST)
        world.ms += 3 * HOUR
      }

      expect(new Set(world.began)).to.deep.equal(new Set([banOf(peerA)]))
      world.banPeers(3, HOST)
      expect(world.banned).not.to.include(HOST_BAN)
      world.banPeer(fakePeer(3), HOST)
      expect(world.banned).to.include(HOST_BAN)
      expect(world.keeper.findAddress(ip(HOST))).to.have.property('reason', '4 of its peers are banned')
      expect(world.keeper.findAddress(ip('192.0.2.2'))).to.equal(undefined)
    })

    it('should not be there while others who have done nothing share the address', () => {
      const world = new World()

      // one good peer is more than a tenth of five, and not of ten
      world.good.set(`${HOST}/32`, 1)
      world.banPeers(8, HOST)
      expect(world.banned).not.to.include(HOST_BAN)
      world.banPeer(fakePeer(8), HOST)
      expect(world.banned).to.include(HOST_BAN)
    })

    it('should not be there where the operator says that many share the address', () => {
      const world = new World()

      world.shared.add(`${HOST}/32`)
      world.banPeers(100, HOST)
      expect(world.banned).to.have.lengthOf(100).and.not.include(HOST_BAN)
    })

    it('should count those who do not prove who they are as one more peer', () => {
      const world = new World()

      const strike = (): void => {
        for (let i = 0; i < 60; i++) {
          world.keeper.strikeUnproved(place(HOST))
          world.ms += 1_000
        }
      }

      strike()
      expect(world.banned).to.deep.equal([])
      world.banPeers(2, HOST)
      strike()
      expect(world.banned).not.to.include(HOST_BAN)
      world.banPeer(fakePeer(2), HOST)
      expect(world.banned).to.include(HOST_BAN)
    })

    it('should be the prefix that one has all addresses of', () => {
      const world = new World()

      for (let i = 0; i < 4; i++) {
        world.banPeer(fakePeer(i), `2001:db8::${i}`)
      }

      expect(world.banned).to.include('host 2001:db8::/56')
      expect(world.keeper.findAddress(ip('2001:db8:0:ff::1'))).to.have.property('level', 'host')
      expect(world.keeper.findAddress(ip('2001:db8:0:100::1'))).to.equal(undefined)
    })

    it('should not be there for those whose address is not known', () => {
      const world = new World()

      for (let i = 0; i < 100; i++) {
        world.banPeer(fakePeer(i))
      }

      expect(world.keeper.count()).to.deep.equal({ peer: 100, host: 0, subnet: 0 })
    })
  })

  it('should ban a subnet with several hosts that are banned, and hardly any others', () => {
    for (const good of [0, 1]) {
      const world = new World()

      world.good.set('192.0.2.0/24', good)

      for (let i = 1; i <= 4; i++) {
        expect(world.banned).not.to.include(SUBNET_BAN)
        world.banPeers(4, `192.0.2.${i}`, 4 * i)
      }

      expect(world.banned.includes(SUBNET_BAN)).to.equal(good === 0)
      expect(world.keeper.findAddress(ip('192.0.2.99')) == null).to.equal(good !== 0)
      expect(world.keeper.findAddress(ip('192.0.3.1'))).to.equal(undefined)
    }
  })

  it('should remain where a smaller network is not banned any more', () => {
    const world = new World()

    world.keeper.add(HOST, { duration: 1_000 })
    world.keeper.add('192.0.0.0/16', { duration: 2_000 })
    expect(world.keeper.findAddress(ip(HOST))).to.have.property('target', `${HOST}/32`)
    world.ms = 1_000
    expect(world.keeper.findAddress(ip(HOST))).to.have.property('target', '192.0.0.0/16')
    world.ms = 2_000
    expect(world.keeper.findAddress(ip(HOST))).to.equal(undefined)
    expect(world.ended).to.deep.equal([`host ${HOST}/32`, 'subnet 192.0.0.0/16'])
  })

  describe('by the operator', () => {
    it('should take peers, addresses and networks in every form', () => {
      const targets: Array<[any, string]> = [
        [peerA, banOf(peerA)], [String(peerA), banOf(peerA)], [`/p2p/${peerA}`, banOf(peerA)], [multiaddr(`/p2p/${peerA}`), banOf(peerA)],
        [HOST, HOST_BAN], [`/ip4/${HOST}`, HOST_BAN], [multiaddr(`/ip4/${HOST}/tcp/4001`), HOST_BAN],
        ['192.0.2.0/24', SUBNET_BAN], ['/ip4/192.0.2.0/ipcidr/24', SUBNET_BAN],
        ['2001:db8::/32', 'subnet 2001:db8::/32'], ['2001:db8::1', 'host 2001:db8::1/128'], ['::ffff:192.0.2.1', HOST_BAN]
      ]

      for (const [target, name] of targets) {
        const world = new World()

        expect(nameOf(world.keeper.add(target, { duration: 1_000, reason: 'spam' })), String(target)).to.equal(name)
        expect(world.keeper.list()).to.deep.equal([{ level: name.split(' ')[0], target: name.split(' ')[1], by: 'operator', reason: 'spam', begin: world.time, end: world.time + 1_000 }])
        expect(world.keeper.lift(target)).to.equal(true)
        expect(world.keeper.lift(target)).to.equal(false)
        expect(world.banned).to.deep.equal([])
        expect(world.ended).to.deep.equal([name])
      }
    })

    it('should list peers first, then hosts, then subnets, and give away nothing of its own', () => {
      const world = new World()

      world.keeper.add('192.0.2.0/24')
      world.keeper.add(HOST)
      world.keeper.add(peerA)
      expect(world.banned).to.deep.equal([banOf(peerA), HOST_BAN, SUBNET_BAN])
      world.keeper.list()[0].end = 0
      expect(world.keeper.findPeer(String(peerA))).to.have.property('by', 'operator')
    })

    it('should take the place of the ban that there was', () => {
      const world = new World()

      world.banPeer(peerA)
      world.keeper.add(peerA, { duration: 1 })
      expect(world.keeper.list()).to.have.lengthOf(1)
      expect(world.keeper.list()[0]).to.include({ by: 'operator', end: world.time + 1 })
    })

    it('should forget the strikes that have led to a ban', () => {
      const world = new World({ strikes: 3 })

      world.keeper.strike(peerA, 'report', 'a', undefined, 2)
      expect(world.keeper.lift(peerA)).to.equal(false)
      world.keeper.strike(peerA, 'report', 'a', undefined, 2)
      expect(world.banned).to.deep.equal([])
    })

    it('should refuse what is nobody by name, and change nothing', () => {
      const world = new World()

      world.allowlisted.add(String(peerB))

      for (const [call, message] of [
        [() => world.keeper.add('nobody'), 'target: expected a peer id, an IP address'],
        [() => world.keeper.add(''), 'target: expected a peer id, an IP address'],
        [() => world.keeper.add(undefined as any), 'target: expected a peer id, an IP address'],
        [() => world.keeper.add({} as any), 'target: expected a peer id, an IP address'],
        [() => world.keeper.add('1.2.3.4/33'), 'target: expected a prefix length from 0 to 32, got "1.2.3.4/33"'],
        [() => world.keeper.add('1.2.3'), 'target: expected a network'],
        [() => world.keeper.add(`/ip4/1.2.3.4/p2p/${peerA}`), 'target: expected a peer id, an IP address'],
        [() => world.keeper.add('/dns4/example.com'), 'target: expected a peer id, an IP address'],
        [() => world.keeper.lift('/nothing'), 'target: expected a peer id, an IP address'],
        [() => world.keeper.add(peerB), `target: expected somebody who is not allowlisted, got "${peerB}"`],
        [() => world.keeper.add(peerA, { duration: 0 }), 'duration: expected a whole number from 1 to'],
        [() => world.keeper.add(peerA, { duration: Infinity }), 'duration: expected a whole number from 1 to'],
        [() => world.keeper.add(peerA, { reason: '' }), 'reason: expected a non-empty string'],
        [() => world.keeper.add(peerA, { durations: 1 } as any), 'options.durations: unknown option (did you mean duration?)'],
        [() => { world.keeper.set({ strikes: 0 }) }, 'bans.strikes: expected a whole number from 1, or Infinity, got 0'],
        [() => { world.keeper.set({ peers: 1 }) }, 'bans.peers: expected a whole number from 2, or Infinity, got 1'],
        [() => { world.keeper.set({ hosts: 1.5 }) }, 'bans.hosts: expected a whole number from 2'],
        [() => { world.keeper.set({ duration: Infinity }) }, 'bans.duration: expected a whole number from 1 to'],
        [() => { world.keeper.set({ halfLife: 0 }) }, 'bans.halfLife: expected a whole number from 1 to'],
        [() => { world.keeper.set({ peer: 5 } as any) }, 'bans.peer: unknown option (did you mean peers?)'],
        [() => { world.keeper.set(5 as any) }, 'bans: expected an object, got 5'],
        [() => new World({ strikes: '5' as any }), 'bans.strikes: expected a whole number from 1']
      ] as const) {
        expect(errorOf(call as () => unknown)).to.have.property('name', 'InvalidParametersError')
        expect(call as () => unknown).to.throw(message)
      }

      expect(world.banned).to.deep.equal([])
      world.keeper.strike(peerA, 'report', 'a', undefined, 29)
      expect(world.banned).to.deep.equal([])
      world.keeper.strike(peerA, 'report', 'a')
      expect(world.banned).to.have.lengthOf(1)
    })

    it('should change what is left in, while the node runs', () => {
      const world = new World({ strikes: 3, duration: 1_000 })

      world.keeper.set({ strikes: 5, duration: undefined })
      world.keeper.strike(peerA, 'report', 'a', undefined, 4)
      expect(world.banned).to.deep.equal([])
      world.keeper.strike(peerA, 'report', 'a')
      expect(world.keeper.list()[0].end).to.equal(world.time + 1_000)
    })
  })

  it('should cut a reason that a remote may have made long', () => {
    const world = new World()

    world.keeper.strike(peerA, 'report', 'x'.repeat(100_000), undefined, 1_000)
    expect(world.keeper.list()[0].reason.length).to.be.at.most(256)
  })

  it('should be bounded in memory, end in time, and never be for those who are allowlisted', function () {
    const act = fc.record({
      kind: fc.constantFrom('strike', 'unproved', 'add', 'lift', 'time'),
      peer: fc.nat(20),
      host: fc.integer({ min: 1, max: 6 }),
      count: fc.integer({ min: 1, max: 40 })
    })

    fc.assert(fc.property(fc.array(act, { maxLength: 100 }), fc.nat(20), (acts, friend) => {
      const world = new World({ peers: 2, hosts: 2 })
      const allowlisted = String(fakePeer(friend))

      world.random = 0.999
      world.allowlisted.add(allowlisted)

      for (const { count, host, kind, peer } of acts) {
        const at = `192.0.2.${host}`

        if (kind === 'strike') {
          world.keeper.strike(fakePeer(peer), 'report', 'a', place(at), count)
        } else if (kind === 'unproved') {
          world.keeper.strikeUnproved(place(at))
        } else if (kind === 'add' && peer !== friend) {
          world.keeper.add(fakePeer(peer))
        } else if (kind === 'lift') {
          world.keeper.lift(at)
        } else {
          world.ms += count * 60_000
        }

        expect(world.banned).not.to.include(`peer ${allowlisted}`)

        for (const { begin, by, end } of world.keeper.list()) {
          expect(end).to.be.greaterThan(world.time)
          expect(by === 'operator' || end - begin <= 2 * HOUR).to.equal(true)
        }
      }

      world.ms += 2 * HOUR
      expect(world.banned).to.deep.equal([])
      expect(world.keeper.size).to.equal(0)
      // what has begun has ended, or has begun anew
      expect(world.ended.length).to.be.at.most(world.began.length)
    }), { numRuns: 100 })
  })

  it('should ban only so many of each level, and let those go first that would go first', () => {
    const world = new World({ strikes: 1, peers: 2 })

    for (let i = 0; i < 5_000; i++) {
      world.ms = i
      world.banPeer(fakePeer(i))
    }

    expect(world.keeper.count().peer).to.equal(4096)
    expect(world.keeper.findPeer(String(fakePeer(0)))).to.equal(undefined)
    expect(world.keeper.findPeer(String(fakePeer(4_999)))).to.have.property('level', 'peer')
    // what the operator does is not counted
    world.keeper.add(fakePeer(6_000))
    expect(world.keeper.count().peer).to.equal(4097)
  }).timeout(60_000)
})
