import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { FleetRates } from '../../src/fleet/fleet-rates.ts'
import { resolveFleetRates } from '../../src/fleet/fleet-traffic-limits.ts'
import { parseIP } from '../../src/util/parse-ip.ts'
import { ADDRESSES, BURST, NODES, RATE, scheduleOf, SUBNET_BURST, TTL, World } from './rates-world.ts'
import type { ModelNode } from './rates-world.ts'
import type { RatesAnswer, RatesRequest } from '../../src/fleet/rates-protocol.ts'
import type { IPAddress } from '../../src/util/ip-address.ts'

const schedule = scheduleOf('set limits')

const SLACK = 1e-3

describe('fleet/rates, in any order of calls, answers, losses, crashes and arrivals', () => {
  it('should never admit more than rate × (window + ttl) and the burst where nothing is used in advance', () => {
    let most = 0

    fc.assert(fc.property(schedule, steps => {
      const world = new World('refuse', 0)

      for (const [operation, pick] of steps) {
        world.step(operation, pick)
      }

      const global = world.excess(RATE, address => address !== 2)

      most = Math.max(most, global)
      expect(global).to.be.at.most(BURST + RATE * TTL / 1_000 + SLACK)
      expect(world.excess(RATE, address => address === 2)).to.be.at.most(BURST + RATE * TTL / 1_000 + SLACK)
      expect(world.excess(RATE / 2, address => address === 0)).to.be.at.most(SUBNET_BURST + RATE / 2 * TTL / 1_000 + SLACK)
    }), { numRuns: 300 })

    // otherwise it would say nothing
    expect(most).to.be.above(BURST / 2)
  })

  it('should have no more than the allowance of each node above that', () => {
    let most = 0

    fc.assert(fc.property(schedule, steps => {
      const world = new World('refuse', 0.25)

      for (const [operation, pick] of steps) {
        world.step(operation, pick)
      }

      const subnet = world.excess(RATE / 2, address => address === 0)

      most = Math.max(most, subnet)
      expect(subnet).to.be.at.most(SUBNET_BURST + RATE / 2 * TTL / 1_000 + world.count * SUBNET_BURST / 4 + SLACK)
      // which is never used of what all share
      expect(world.excess(RATE, address => address !== 2)).to.be.at.most(BURST + RATE * TTL / 1_000 + SLACK)
    }), { numRuns: 300 })

    expect(most).to.be.above(SUBNET_BURST / 2)
  })

  it('should have no more than one more burst each time that the engine is wiped', () => {
    fc.assert(fc.property(schedule, fc.integer({ min: 1, max: 3 }), (steps, wipes) => {
      const world = new World('refuse', 0)

      steps.forEach(([operation, pick], i) => {
        if (i % Math.ceil(steps.length / wipes) === 0) {
          world.step('wipe', 0)
        }

        world.step(operation, pick)
      })
      expect(world.excess(RATE, address => address !== 2)).to.be.at.most((1 + wipes) * BURST + RATE * TTL / 1_000 + SLACK)
    }), { numRuns: 200 })
  })

  for (const busy of [1, NODES]) {
    it(`should let ${busy} of ${NODES} nodes have all of the rate`, () => {
      const world = new World('refuse', 0)
      const seconds = 60

      for (let step = 0; step < seconds * 20; step++) {
        world.now += 50

        for (let i = 0; i < NODES; i++) {
          // those who are not busy ask now and then
          (i < busy || step % 5 === 0) && world.step('round', i)
          i < busy && world.come(world.nodes[i], 2)
        }
      }

      // 3/4 of it for one: the others keep a quarter of the burst ready all the time, which costs nothing in the long run
      expect(world.admitted.length).to.be.within(0.97 * seconds * RATE, seconds * RATE + BURST + RATE * TTL / 1_000)
    })
  }

  it('should let honest ones who come slowly, at once, or in large groups be as they were with one node', () => {
    const world = new World('refuse', 0.25)
    let refused = 0

    // half of what the subnet may have, in the long run, with any node and in groups
    for (let group = 0; group < 100; group++) {
      for (let i = 0; i < 4; i++) {
        for (let tries = 0; !world.come(world.nodes[group % NODES], 0); tries++) {
          // somebody comes again a moment later
          refused++
          world.now += 50
          world.step('round', group % NODES)
          expect(tries).to.be.below(10)
        }
      }

      for (let step = 0; step < 8; step++) {
        world.now += TTL / 4
        world.nodes.forEach((_, i) => { world.step('round', i) })
      }
    }

    expect(world.admitted).to.have.lengthOf(400)
    // one of a group for the rate of all, and one for that of its subnet
    expect(refused).to.be.at.most(200)
  })

  it('should forget subnets, here and in the engine, when they could have all of their burst again', () => {
    const world = new World('refuse', 0.25)
    const [node] = world.nodes

    world.step('round', 0)

    for (let i = 0; i < 200; i++) {
      node.rates.take(parseIP(`10.0.${i}.1`) as IPAddress)
      world.now += 200
      world.step('round', 0)
    }

    for (let i = 0; i < 40; i++) {
      world.now += TTL / 4
      world.step('round', 0)
    }

    expect([...node.rates.leases.entries()].map(({ name }) => name)).to.have.members(['global', 'network:198.51.100.0/24'])
  })
})

describe('fleet/rates without the engine', () => {
  function admits (node: ModelNode, count: number): number {
    return Array.from({ length: count }, () => node.rates.take(ADDRESSES[2])).filter(refusal => refusal === undefined).length
  }

  it('should have the share of a node, nothing, or what the node itself says', () => {
    for (const [onLoss, admitted] of [['share', BURST / NODES], ['refuse', 0], ['local', 20]] as const) {
      const world = new World(onLoss, 0)

      for (let i = 0; i < 2 * NODES; i++) {
        world.step('round', i)
      }

      world.now += TTL
      expect(admits(world.nodes[0], 20)).to.equal(admitted)
      expect(world.nodes[0].rates.peek(ADDRESSES[2]) === undefined).to.equal(onLoss === 'local')
    }
  })

  it('should have nothing of which it does not know how much it is', () => {
    expect(admits(new World('share', 1).nodes[0], 5)).to.equal(0)
    expect(admits(new World('local', 1).nodes[0], 5)).to.equal(5)
  })

  it('should go on with the rest of the share when it is lost again', () => {
    const world = new World('share', 0)
    const round = (): void => { world.nodes.forEach((_, i) => { world.step('round', i) }) }

    round()
    round()

    for (let i = 0; i < 5; i++) {
      world.now += TTL
      admits(world.nodes[0], 20)
      round()
      // from now on all of them are there again
      round()
    }

    world.now += TTL
    // two a second, each time
    expect(admits(world.nodes[0], 20)).to.be.at.most(4)
  })

  it('should say whose rate it is', () => {
    const refusal = new World('share', 1).nodes[0].rates.take(ADDRESSES[0])

    expect(refusal?.settingPath).to.deep.equal(['fleet', 'limits', 'rates', 'ipv4'])
    expect(refusal?.scope).to.equal('subnet:192.0.2.0/24')
    expect(refusal?.resource).to.equal('rate')
  })
})

describe('fleet/rates when limits are set', () => {
  const ANSWER: RatesAnswer = { status: 'ok', nodes: 4 }

  function make (rate: number): FleetRates {
    const limits = resolveFleetRates('limits.rates', { ipv4: [{ prefixLength: 24, rate, burst: 8 }], maxSubnets: 2 })
    const rates = new FleetRates({ limits, allowance: 0.25, onLoss: 'refuse', nodes: () => 4, now: () => 0, wanted: () => {} })

    rates.leases.answered({ id: 'a', seq: 1, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }, ANSWER, { now: 0, validUntil: Infinity })

    return rates
  }

  /** Two subnets that there is room for, and one that there is none for */
  function admits (rates: FleetRates): number[] {
    return ['192.0.2.1', '192.0.3.1', '192.0.4.1'].map(text => Array.from({ length: 8 }, () => rates.take(parseIP(text) as IPAddress)).filter(refusal => refusal === undefined).length)
  }

  it('should not give a subnet anew what it has used, however often others are set', () => {
    let rates = make(1)

    expect(admits(rates)).to.deep.equal([2, 2, 2])

    for (let i = 0; i < 5; i++) {
      const before = rates

      rates = make(1)
      rates.inherit(before)
      expect(rates.leases.size).to.equal(2)
      expect(admits(rates)).to.deep.equal([0, 0, 0])
    }

    // and has not forgotten what the engine was not told yet
    const request: RatesRequest = { id: 'a', seq: 2, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }

    rates.leases.ask(request, 0)
    expect(request.tokens.map(([name,,,,,,, debt]) => [name, debt])).to.have.deep.members([['subnet:192.0.2.0/24 8/1000', 2], ['subnet:192.0.3.0/24 8/1000', 2]])
  })

  it('should begin anew where it is another rate', () => {
    const before = make(1)
    const rates = make(2)

    admits(before)
    rates.inherit(before)
    expect(rates.leases.size).to.equal(0)
    expect(admits(rates)).to.deep.equal([2, 2, 2])
  })

  it('should forget a subnet that it has taken over, and know it anew when it comes again', () => {
    const before = make(1)
    const rates = make(1)

    before.take(parseIP('192.0.2.1') as IPAddress)
    rates.inherit(before)

    const request: RatesRequest = { id: 'a', seq: 2, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }

    rates.leases.ask(request, 0)
    rates.leases.answered(request, { ...ANSWER, tokens: [[0, 1]] }, { now: 0, validUntil: Infinity })
    expect(rates.leases.size).to.equal(1)

    const last: RatesRequest = { ...request, seq: 3, tokens: [] }

    rates.leases.ask(last, 2_000)
    rates.leases.answered(last, { ...ANSWER, tokens: [[0, 0]] }, { now: 2_000, validUntil: Infinity })
    expect(rates.leases.size).to.equal(0)
    expect(admits(rates)).to.deep.equal([2, 2, 2])
  })
})

describe('fleet/rates of very many subnets', () => {
  it('should know no more than it may, and let those that there is no room for share one part', () => {
    const limits = resolveFleetRates('limits.rates', { ipv6: [{ prefixLength: 64, rate: 1, burst: 8 }], maxSubnets: 10 })
    let now = 0
    const rates = new FleetRates({ limits, allowance: 0.25, onLoss: 'refuse', nodes: () => 4, now: () => now, wanted: () => {} })
    const answer: RatesAnswer = { status: 'ok', nodes: 4 }

    rates.leases.answered({ id: 'a', seq: 1, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }, answer, { now, validUntil: Infinity })

    let admitted = 0

    for (let i = 0; i < 1_000; i++) {
      now++
      admitted += rates.take(parseIP(`2001:db8:${i.toString(16)}::1`) as IPAddress) === undefined ? 1 : 0
    }

    expect(rates.leases.size).to.equal(10)
    // ten that are known, and a quarter of a burst and of a second for all others
    expect(admitted).to.equal(10 + 2)
  })
})
