import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { resolveFairness } from '../../src/fairness/fairness-init.ts'
import { HandshakeBudget } from '../../src/fairness/handshake-budget.ts'

/** Per second */
const BUDGET = 100

class World {
  now = 0
  readonly budget = new HandshakeBudget(BUDGET, resolveFairness(), () => this.now)

  /**
   * Whether it was let through
   */
  knock (ip: string): boolean {
    const address = multiaddr(ip)

    if (this.budget.find(address) != null) {
      return false
    }

    this.budget.begin(address)

    return true
  }

  /**
   * How many were let through of those who knock once each, in turn, for some milliseconds
   */
  flood (ips: string[], ms: number): Map<string, number> {
    const begun = new Map(ips.map(ip => [ip, 0]))

    for (let i = 0; i < ms; i++) {
      this.now++
      ips.forEach(ip => { this.knock(ip) && begun.set(ip, (begun.get(ip) ?? 0) + 1) })
    }

    return begun
  }
}

function ip (network: number, subnet = 1, host = 1): string {
  return `/ip4/${1 + network}.1.${subnet}.${host}/tcp/1`
}

describe('the budget of handshakes', () => {
  it('should tell nobody apart while there is enough', () => {
    const world = new World()

    for (let i = 0; i < BUDGET / 4 - 1; i++) {
      expect(world.knock(ip(1))).to.equal(true)
    }

    expect(world.budget.contended).to.equal(false)
    world.knock(ip(1))
    expect(world.budget.contended).to.equal(true)
  })

  it('should give one that is alone half of it, and leave the rest to others', () => {
    const world = new World()
    const begun = world.flood([ip(1)], 10_000).get(ip(1)) ?? 0

    expect(begun / 10).to.be.within(0.4 * BUDGET, 0.55 * BUDGET)
    expect(world.knock(ip(2))).to.equal(true)
  })

  it('should share it by network, however many hosts a network has', () => {
    const world = new World()
    const many = Array.from({ length: 50 }, (_, i) => ip(1, 1 + i % 5, 1 + i))
    const begun = world.flood([...many, ip(2)], 10_000)
    const ofMany = many.reduce((sum, ip) => sum + (begun.get(ip) ?? 0), 0)

    expect((begun.get(ip(2)) ?? 0) / ofMany).to.be.within(0.8, 1.25)
  })

  it('should share what a network has by subnet and host', () => {
    for (const other of [ip(1, 2), ip(1, 1, 2)]) {
      const world = new World()

      // ten times as often as the other
      const greedy = Array.from({ length: 10 }, () => ip(1))

      world.flood(greedy, 5_000)
      expect(world.knock(other), other).to.equal(true)
    }
  })

  it('should always have something for a newcomer, whoever floods', () => {
    for (const networks of [1, 4, 16, 64]) {
      const world = new World()
      const hostile = Array.from({ length: networks }, (_, i) => ip(10 + i))
      let served = 0

      world.flood(hostile, 3_000)

      // once in a second, while the others go on: no more than its share
      for (let i = 0; i < 20; i++) {
        world.flood(hostile, 1_000)
        served += world.knock(ip(1)) ? 1 : 0
      }

      // with 64 networks there is little more than one a second for each
      expect(served, `${networks} networks`).to.be.at.least(networks < 64 ? 20 : 15)
    }
  })

  it('should never let more through than there is, and never less than nothing', () => {
    const step = fc.record({ network: fc.nat(5), host: fc.nat(3), wait: fc.nat(50), times: fc.nat(60) })

    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const world = new World()

      for (const { host, network, times, wait } of steps) {
        world.now += wait

        for (let i = 0; i < times; i++) {
          world.knock(ip(network, 1, 1 + host))
          expect(world.budget.level).to.be.within(0, BUDGET + 1e-6)
        }
      }

      // all is forgotten in time
      world.now += 20_000
      expect(world.knock(ip(1))).to.equal(true)
      expect(world.budget.contended).to.equal(false)
    }), { numRuns: 50 })
  })

  it('should shrink with its share, and be a budget for those without an IP address too', () => {
    const world = new World()

    world.budget.share = 0.5
    expect(world.budget.limit).to.equal(BUDGET / 2)
    expect(world.flood(['/memory/a'], 5_000).get('/memory/a')).to.be.within(5 * 20, 5 * 32)
  })

  it('should keep a bounded number of groups', () => {
    const world = new World()

    for (let i = 0; i < 40; i++) {
      world.knock(ip(1))
    }

    // 20,000 networks, as IPv6 has them
    for (let i = 0; i < 20_000; i++) {
      world.now += 10
      world.knock(`/ip6/2001:${i.toString(16)}::1/tcp/1`)
    }

    expect(world.budget.level).to.be.at.most(BUDGET)
  })
})
