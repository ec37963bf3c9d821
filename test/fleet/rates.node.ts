import { expect } from 'aegir/chai'
import { fleet } from '../../src/fleet.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { Arrivals } from './arrivals.ts'
import { CONNECT_REDIS } from './clients.ts'
import { useFleet } from './fixtures.ts'
import { RedisServer } from './redis-server.ts'
import type { Member } from './fixtures.ts'
import type { FleetClient, FleetInit, FleetLimits } from '../../src/fleet.ts'

const TTL = 1_000

/** How long to wait for what takes several of a `ttl`, in ms */
const PATIENCE = 60_000

describe('fleet/rates', () => {
  const { engine, members } = useFleet()

  async function three (limits: FleetLimits, init: Partial<FleetInit> = {}, client = (): FleetClient => engine.client()): Promise<Member[]> {
    return Promise.all(Array.from({ length: 3 }, async () => members.add(client(), { ttl: 10_000, limits, ...init })))
  }

  it('should give all of a burst to whoever needs it', async () => {
    const [one] = await three({ rates: { global: { rate: 0.001, burst: 30 } } })
    const arrivals = new Arrivals()

    await eventually(() => {
      arrivals.come(one, '/ip4/192.0.2.1/tcp/1')

      // two stay with each of the others, who have them ready
      return arrivals.admitted >= 24
    }, 'all of the burst')
    expect(arrivals.admitted).to.be.at.most(30)
  })

  it('should refuse all where the burst is 0, and nobody of a network that is unlimited', async () => {
    const all = await three({ rates: { global: { rate: 1, burst: 0 }, prefixes: [{ network: '198.51.100.0/24', rate: 'unlimited' }, { network: '127.0.0.0/8', rate: 1, burst: 0 }] } })
    const arrivals = new Arrivals()

    for (let i = 0; i < 20; i++) {
      expect(arrivals.come(all[i % 3], '/ip4/192.0.2.1/tcp/1')).to.equal(false)
      expect(arrivals.come(all[i % 3], '/ip4/127.0.0.1/tcp/1')).to.equal(false)
      expect(arrivals.come(all[i % 3], '/ip6/::1/tcp/1')).to.equal(true)
      expect(arrivals.come(all[i % 3], '/ip4/198.51.100.1/tcp/1')).to.equal(true)
    }
  })

  it('should not count whom the node dials, who is trusted, and who has no address', async () => {
    const [one] = await three({ rates: { global: { rate: 1, burst: 0 } } })

    await one.fleet.allow('/ip4/192.0.2.1')
    one.manager.openConnection('inbound', false, '/ip4/192.0.2.1/tcp/1').done()
    one.manager.openConnection('outbound', false, '/ip4/192.0.2.2/tcp/1').done()
    one.manager.openConnection('inbound', false).done()
    expect(() => one.manager.openConnection('inbound', false, '/ip4/192.0.2.2/tcp/1')).to.throw('rate limit exceeded')
  })

  it('should limit subnets, and let each have what a node may use before it has asked', async () => {
    const all = await three({ rates: { ipv4: [{ prefixLength: 24, rate: 0.001, burst: 8 }] } })
    const arrivals = new Arrivals()

    // as many as an eighth, rounded up
    expect(all.map(member => arrivals.come(member, '/ip4/192.0.2.1/tcp/1'))).to.deep.equal([true, true, true])
    expect(all.map(member => arrivals.come(member, '/ip4/192.0.2.2/tcp/1'))).to.deep.equal([false, false, false])
    await eventually(() => {
      all.forEach(member => { arrivals.come(member, '/ip4/192.0.2.2/tcp/1') })
      expect(arrivals.admitted).to.be.at.most(8)

      return arrivals.admitted >= 6
    }, 'most of the burst')

    // others are not concerned
    expect(arrivals.come(all[0], '/ip4/192.0.3.1/tcp/1')).to.equal(true)
  })

  it('should let a subnet have nothing before the node has asked, if told so', async () => {
    const [one] = await three({ rates: { ipv6: [{ prefixLength: 56, rate: 1, burst: 8 }] } }, { allowance: 0 })
    const arrivals = new Arrivals()

    expect(arrivals.come(one, '/ip6/2001:db8::1/tcp/1')).to.equal(false)
    await eventually(() => arrivals.come(one, '/ip6/2001:db8::1/tcp/1'), 'the tokens')
  })

  it('should have other rates when they are set, and none when they are taken back', async () => {
    const all = await three({ rates: { global: { rate: 1, burst: 0 } } })
    const arrivals = new Arrivals()
    const everybody = (): boolean => all.every(member => arrivals.come(member, '/ip4/192.0.2.1/tcp/1'))

    expect(everybody()).to.equal(false)
    await all[0].fleet.setLimits({ rates: { global: { rate: 1_000, burst: 1_000 } } })
    await eventually(everybody, 'the other rate')
    await all[1].fleet.setLimits({ rates: { global: { rate: 1, burst: 0 } } })
    await eventually(() => all.every(member => !arrivals.come(member, '/ip4/192.0.2.1/tcp/1')), 'the first rate')
    await all[2].fleet.setLimits({})
    await eventually(everybody, 'the end of the rates')
  })

  it('should share the rate when the engine is lost, and go on when it is back', async function () {
    this.timeout(4 * PATIENCE)

    // long enough that no node is lost before the engine is
    const all = await three({ rates: { global: { rate: 0.001, burst: 30 } } }, { ttl: 5_000 })
    const before = new Arrivals()

    await eventually(() => {
      all.forEach(member => { before.come(member, '/ip4/192.0.2.1/tcp/1') })

      return before.admitted >= 30
    }, 'all of the burst', PATIENCE)
    engine.failure = new Error('gone')
    await eventually(() => all.every(({ fleet }) => fleet.view().state === 'lost'), 'the loss', PATIENCE)

    const arrivals = all.map(() => new Arrivals())

    await eventually(() => {
      all.forEach((member, i) => { arrivals[i].come(member, '/ip4/192.0.2.1/tcp/1') })

      return arrivals.every(({ admitted }) => admitted >= 10)
    }, 'the share of each', PATIENCE)

    for (const [i, member] of all.entries()) {
      expect(arrivals[i].come(member, '/ip4/192.0.2.1/tcp/1')).to.equal(false)
    }

    engine.failure = undefined
    await eventually(() => all.every(({ fleet }) => fleet.view().state === 'joined'), 'the fleet', PATIENCE)
    await all[0].fleet.setLimits({ rates: { global: { rate: 1_000, burst: 1_000 } } })
    await eventually(() => all.every(member => arrivals[0].come(member, '/ip4/192.0.2.1/tcp/1')), 'the tokens', PATIENCE)
  })

  it('should give a subnet nothing anew, however often limits are set that leave its rate as it is', async () => {
    const rates: FleetLimits['rates'] = { ipv4: [{ prefixLength: 24, rate: 0.001, burst: 8 }] }
    const all = await three({ rates })
    const arrivals = new Arrivals()

    for (let i = 1; i <= 10; i++) {
      all.forEach(member => { arrivals.come(member, '/ip4/192.0.2.1/tcp/1') })
      await all[i % 3].fleet.setLimits({ rates, peerDefault: { conns: 1_000 + i } })
      await eventually(() => all.every(({ fleet }) => fleet.view().version === all[i % 3].fleet.view().version), 'the limits')
    }

    await eventually(() => {
      all.forEach(member => { arrivals.come(member, '/ip4/192.0.2.1/tcp/1') })

      return arrivals.admitted >= 6
    }, 'most of the burst', PATIENCE)
    // and an allowance of one for each node
    expect(arrivals.admitted).to.be.at.most(8 + 3)
  })

  it('should say what is wrong with rates', () => {
    const client = engine.client()
    const make = (rates: any): unknown => fleet({ client, name: 'test', limits: { rates } })

    expect(() => make(5)).to.throw('limits.rates')
    expect(() => make({ ipv4: 5 })).to.throw('limits.rates.ipv4')
    expect(() => make({ perSecond: 5 })).to.throw('limits.rates.perSecond')
    expect(() => make({ global: { rate: 0 } })).to.throw('limits.rates.global.rate: expected a number greater than 0, or "unlimited", got 0')
    expect(() => make({ global: { rate: 1, burst: 1e10 } })).to.throw('limits.rates.global.burst: expected at most 1000000000, got 10000000000')
    expect(() => make({ ipv4: [{ prefixLength: 40, rate: 1 }] })).to.throw('limits.rates.ipv4[0].prefixLength')
    expect(() => make({ prefixes: [{ network: 'here', rate: 1 }] })).to.throw('limits.rates.prefixes[0].network')
    expect(() => make({ prefixes: Array.from({ length: 129 }, (_, i) => ({ network: `10.0.${i}.0/24`, rate: 1 })) })).to.throw('limits.rates.prefixes: expected at most 128 entries, got 129')
    expect(() => make({ maxSubnets: 0 })).to.throw('limits.rates.maxSubnets')
    expect(() => fleet({ client, name: 'test', limits: { rateLimits: {} } as any })).to.throw('limits.rateLimits: a fleet has no such limit (did you mean limits.rates?)')
  })

  it('should keep the last good rates where those in the engine cannot be read', async () => {
    const all = await three({ rates: { global: { rate: 1, burst: 0 } } })
    const text = JSON.stringify({ allow: [], block: [], limits: { rates: { global: { rate: -1 } } } })

    engine.engine.run('decide', '{libp2p-rm:test}', [JSON.stringify({ policy: 1, next: 7, text })])
    await eventually(() => engine.engine.run('read', '{libp2p-rm:test}', ['']).includes('"policy":7'), 'the decision')
    await all[0].fleet.block('203.0.113.1')
    await eventually(() => all.every(({ fleet }) => fleet.view().blocked === 1), 'a later one')
    expect(new Arrivals().come(all[1], '/ip4/192.0.2.1/tcp/1')).to.equal(false)
  })

  for (const connect of CONNECT_REDIS) {
    it(`should keep the rate over any time, with a real server and ${connect.name}`, async function () {
      this.timeout(120_000)

      const server = await RedisServer.start()
      // each of the members has its own, as each process has, and one is for what is looked at
      const clients = await Promise.all(Array.from({ length: 4 }, async () => connect(server.url)))
      const [client, ...others] = clients

      try {
        const limits: FleetLimits = { rates: { global: { rate: 40, burst: 20 }, ipv4: [{ prefixLength: 24, rate: 20, burst: 8 }] } }
        let next = 0
        const all = await three(limits, { ttl: TTL, onLoss: 'refuse' }, () => others[next++].client)
        const [everybody, subnet] = [new Arrivals(), new Arrivals()]
        let host = 0

        await eventually(() => {
          for (const member of all) {
            // one subnet that wants all that it can get from all nodes, and many that come once
            subnet.come(member, '/ip4/192.0.2.1/tcp/1') && everybody.come(member, `/ip4/10.${host >> 8 & 255}.${host++ & 255}.1/tcp/1`)
          }

          return subnet.admitted >= 60
        }, 'sixty', 60_000)

        expect(subnet.excess(20)).to.be.at.most(8 + 20 * TTL / 1_000 + 3)
        expect(everybody.excess(40)).to.be.at.most(20 + 40 * TTL / 1_000)
        expect(subnet.refused).to.be.above(0)
        await members.stop()

        for (const key of await client.keys()) {
          // -2: it has ended meanwhile
          expect(await client.expiry(key)).to.not.equal(-1)
        }
      } finally {
        await members.stop()
        await Promise.all(clients.map(async ({ close }) => close()))
        await server.stop()
      }
    })
  }
})
