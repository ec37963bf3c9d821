import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { FleetRates } from '../../src/fleet/fleet-rates.ts'
import { resolveFleetRates } from '../../src/fleet/fleet-traffic-limits.ts'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { parseIP } from '../../src/util/parse-ip.ts'
import { startQuietly } from './fixtures.ts'
import { LateMessages } from './late-messages.ts'
import type { RatesAnswer, RatesRequest } from '../../src/fleet/rates-protocol.ts'
import type { OnLoss } from '../../src/fleet/without-lease.ts'
import type { IPAddress } from '../../src/util/ip-address.ts'

const KEY = '{p:model}'
const TTL = 1_000
const NODES = 4

const RATE = 8
const BURST = 12
const SUBNET_BURST = 8

const LIMITS = resolveFleetRates('limits.rates', {
  global: { rate: RATE, burst: BURST },
  ipv4: [{ prefixLength: 24, rate: RATE / 2, burst: SUBNET_BURST }],
  prefixes: [{ network: '198.51.100.0/24', rate: RATE, burst: BURST }]
})

/** Of the global rate and a subnet, of the global rate and another subnet, and of a network */
const ADDRESSES = ['192.0.2.1', '192.0.3.1', '198.51.100.1'].map(text => parseIP(text) as IPAddress)

/**
 * A node as `NodeRates` and `RatesCalls` make it, with a clock that is moved by hand
 */
class ModelNode {
  readonly id: string
  readonly rates: FleetRates
  seq = 0
  syncs = 0
  nodes = 0

  constructor (id: string, onLoss: OnLoss, allowance: number, now: () => number) {
    this.id = id
    this.rates = new FleetRates({ limits: LIMITS, allowance, onLoss, nodes: () => this.nodes, now, wanted: () => {} })
  }
}

interface Call {
  node: ModelNode
  sentAt: number
  request: RatesRequest
}

interface Answer extends Call {
  answer: RatesAnswer
}

interface Arrival {
  at: number
  address: number
}

class World {
  now = 1_000_000
  readonly engine = new MemoryEngine(() => {}, () => this.now)
  readonly nodes: ModelNode[]
  readonly messages = new LateMessages<Call, Answer>(call => this.#call(call), answer => { this.#answer(answer) })
  readonly admitted: Arrival[] = []

  /** How many nodes there have been */
  count = 0
  readonly #make: () => ModelNode

  constructor (onLoss: OnLoss, allowance: number) {
    this.#make = () => new ModelNode(`n.${this.count++}`, onLoss, allowance, () => this.now)
    startQuietly(this.engine, KEY, TTL, duration => { this.now += duration })
    this.nodes = Array.from({ length: NODES }, this.#make)
  }

  step (operation: string, pick: number): void {
    const node = this.nodes[pick % NODES]

    if (this.messages.step(operation, pick)) {
      return
    }

    switch (operation) {
      case 'ask':
        this.#ask(node)
        break
      case 'round':
        this.#ask(node)
        this.messages.round()
        break
      case 'come':
        this.come(node, pick >> 3)
        break
      case 'many come':
        for (let i = 0; i < 6; i++) {
          this.come(node, pick >> 3)
        }
        break
      case 'wait':
        this.now += pick * 7 % (TTL / 2)
        break
      case 'crash':
        this.nodes[pick % NODES] = this.#make()
        break
      case 'leave':
        this.engine.run('leave', KEY, [node.id])
        this.nodes[pick % NODES] = this.#make()
        break
      default:
        this.engine.clear()
    }
  }

  come (node: ModelNode, pick: number): boolean {
    const address = pick % ADDRESSES.length
    const admitted = node.rates.take(ADDRESSES[address]) === undefined

    admitted && this.admitted.push({ at: this.now, address })

    return admitted
  }

  #ask (node: ModelNode): void {
    // what the node is asked to be a member by
    this.engine.run('sync', KEY, [JSON.stringify({ id: node.id, seq: ++node.syncs, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [] })])

    const request: RatesRequest = { id: node.id, seq: ++node.seq, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }

    node.rates.ask(request, this.now)
    this.messages.calls.push({ node, sentAt: this.now, request: structuredClone(request) })
  }

  #call (call: Call): Answer {
    return { ...call, answer: JSON.parse(this.engine.run('rates', KEY, [JSON.stringify(call.request)])) }
  }

  #answer ({ answer, node, request, sentAt }: Answer): void {
    if (answer.status === 'ok' && request.seq === node.seq && sentAt + TTL > this.now) {
      node.rates.answered(request, answer, { now: this.now, validUntil: sentAt + TTL })
      node.nodes = answer.nodes ?? 0
      // an answer counts once
      node.seq++
    }
  }

  /**
   * The most that there was above a rate in any window
   */
  excess (rate: number, counts: (address: number) => boolean): number {
    let level = 0
    let before = 0
    let most = 0

    for (const { at } of this.admitted.filter(({ address }) => counts(address))) {
      level = Math.max(0, level - (at - before) * rate / 1_000) + 1
      before = at
      most = Math.max(most, level)
    }

    return most
  }
}

const schedule = fc.array(fc.tuple(
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('round', 'round', 'round', 'come', 'many come', 'many come') },
    { weight: 5, arbitrary: fc.constantFrom('ask', 'call', 'answer', 'wait', 'wait', 'call twice', 'answer twice') },
    { weight: 1, arbitrary: fc.constantFrom('lose call', 'lose answer', 'crash', 'leave') }
  ),
  fc.nat(1_000)
), { minLength: 50, maxLength: 400 })

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

    expect([...node.rates.entries()].map(({ name }) => name)).to.have.members(['global', 'network:198.51.100.0/24'])
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

describe('fleet/rates of very many subnets', () => {
  it('should know no more than it may, and let those that there is no room for share one part', () => {
    const limits = resolveFleetRates('limits.rates', { ipv6: [{ prefixLength: 64, rate: 1, burst: 8 }], maxSubnets: 10 })
    let now = 0
    const rates = new FleetRates({ limits, allowance: 0.25, onLoss: 'refuse', nodes: () => 4, now: () => now, wanted: () => {} })
    const answer: RatesAnswer = { status: 'ok', nodes: 4 }

    rates.answered({ id: 'a', seq: 1, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }, answer, { now, validUntil: Infinity })

    let admitted = 0

    for (let i = 0; i < 1_000; i++) {
      now++
      admitted += rates.take(parseIP(`2001:db8:${i.toString(16)}::1`) as IPAddress) === undefined ? 1 : 0
    }

    expect(rates.size).to.equal(10)
    // ten that are known, and a quarter of a burst and of a second for all others
    expect(admitted).to.equal(10 + 2)
  })
})
