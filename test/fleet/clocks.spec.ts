import { expect } from 'aegir/chai'
import delay from 'delay'
import fc from 'fast-check'
import { ClusterEngine } from '../../src/fleet/cluster-engine.ts'
import { callOf } from '../../src/fleet/cluster-messages.ts'
import { fill, Members, TestEngine } from './fixtures.ts'
import { BURST, NODES, RATE, scheduleOf, SUBNET_BURST, TTL, World } from './rates-world.ts'
import type { Member } from './fixtures.ts'

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const TARGETS = ['192.0.2.1', '192.0.2.2', '198.51.100.1']

const SLACK = 1e-3

/**
 * Two clocks of this process that are moved by hand: the time of day, which somebody may set, and
 * the one that never goes back
 */
class Clocks {
  now = 1_000_000_000

  /** How far the time of day here is ahead of that of the engine, in ms */
  ahead = 0
  readonly #dateNow = Date.now
  readonly #performance = Object.getOwnPropertyDescriptor(globalThis, 'performance')

  replace (): void {
    Date.now = () => this.now + this.ahead
  }

  /**
   * What is made meanwhile has the clock that never goes back from here
   */
  async while <T> (make: () => Promise<T>): Promise<T> {
    // in Node.js it is a getter
    Object.defineProperty(globalThis, 'performance', { configurable: true, value: { now: () => this.now } })

    try {
      return await make()
    } finally {
      Reflect.deleteProperty(globalThis, 'performance')
      this.#performance !== undefined && Object.defineProperty(globalThis, 'performance', this.#performance)
    }
  }

  restore (): void {
    Date.now = this.#dateNow
  }
}

type Step = ['block', member: number, target: number, seconds: number] | ['unblock', member: number, target: number] | ['wait', ms: number] | ['set clock', ms: number]

const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  fc.tuple(fc.constant('block' as const), fc.nat(1), fc.nat(TARGETS.length - 1), fc.integer({ min: 1, max: 3_600 })),
  fc.tuple(fc.constant('unblock' as const), fc.nat(1), fc.nat(TARGETS.length - 1)),
  fc.tuple(fc.constant('wait' as const), fc.integer({ min: 1, max: 2_000 * SECOND })),
  fc.tuple(fc.constant('set clock' as const), fc.constantFrom(-2 * HOUR, -30 * SECOND, -1, 0, 30 * SECOND, 2 * HOUR))
), { minLength: 5, maxLength: 25 })

function isBlocked ({ manager }: Member, target: string): boolean {
  return !manager.explain({ resource: 'connection', direction: 'inbound', address: `/ip4/${target}/tcp/1` }).fits
}

/**
 * Looks at no clock, as those are moved
 */
async function until (probe: () => boolean, what: string): Promise<void> {
  for (let i = 0; !probe(); i++) {
    expect(i, `waited in vain for ${what}`).to.be.below(20_000)
    await delay(1)
  }
}

describe('fleet/clocks, which are not the same', function () {
  this.timeout(300_000)

  it('should have blocks end when the engine says so, whenever somebody sets the time of day', async () => {
    let blocks = 0
    let ended = 0

    await fc.assert(fc.asyncProperty(steps, async steps => {
      const clocks = new Clocks()
      const members = new Members()
      const ends = new Map<string, number>()

      clocks.replace()

      try {
        const engine = new TestEngine(() => clocks.now)
        // of which the clock of the engine is not asked: it is a second ahead of `now`, see TestEngine
        const engineNow = (): number => JSON.parse(engine.engine.run('read', '{libp2p-rm:test}', [''])).now
        const all = await clocks.while(async () => Promise.all([0, 1].map(async () => members.add(engine.client(), { ttl: 600_000 }))))

        for (const [operation, ...values] of steps) {
          switch (operation) {
            case 'block': {
              const [member, target, seconds] = values as number[]

              await all[member].fleet.block(TARGETS[target], { for: `${seconds}s` })
              ends.set(TARGETS[target], engineNow() + seconds * SECOND)
              blocks++
              break
            }
            case 'unblock':
              await all[values[0]].fleet.unblock(TARGETS[values[1] as number])
              ends.delete(TARGETS[values[1] as number])
              break
            case 'wait':
              clocks.now += values[0]
              break
            default:
              clocks.ahead = values[0]
          }

          await until(() => all.every(({ fleet }) => fleet.view().version === Math.max(...all.map(({ fleet }) => fleet.view().version))), 'the decisions')

          for (const target of TARGETS) {
            const goesOn = (ends.get(target) ?? 0) > engineNow()

            ended += ends.has(target) && !goesOn ? 1 : 0
            expect(all.map(member => isBlocked(member, target)), `${target} after ${operation}`).to.deep.equal([goesOn, goesOn])
          }

          all.forEach(({ fleet }) => { expect(fleet.view().age).to.be.at.least(0) })
        }
      } finally {
        await members.stop()
        clocks.restore()
      }
    }), { numRuns: 60 })

    // otherwise it would say nothing
    expect(blocks).to.be.above(20)
    expect(ended).to.be.above(5)
  })

  it('should keep rates where the clock of each node is another one', () => {
    let most = 0

    fc.assert(fc.property(scheduleOf('set limits'), fc.array(fc.integer({ min: -30 * SECOND, max: 30 * SECOND }), { minLength: NODES, maxLength: NODES }), (steps, ahead) => {
      const world = new World('refuse', 0.25, ahead)

      steps.forEach(([operation, pick]) => { world.step(operation, pick) })

      const global = world.excess(RATE, address => address !== 2)

      most = Math.max(most, global)
      expect(global).to.be.at.most(BURST + RATE * TTL / 1_000 + SLACK)
      expect(world.excess(RATE / 2, address => address === 0)).to.be.at.most(SUBNET_BURST + RATE / 2 * TTL / 1_000 + world.count * SUBNET_BURST / 4 + SLACK)
    }), { numRuns: 200 })

    expect(most).to.be.above(BURST / 2)
  })

  it('should let those be served as well whose clocks are behind or ahead', () => {
    const world = new World('refuse', 0, [30 * SECOND, -30 * SECOND, 0, 1])
    const seconds = 30

    for (let step = 0; step < seconds * 20; step++) {
      world.now += 50
      world.nodes.forEach((node, i) => {
        world.step('round', i)
        world.come(node, 2)
      })
    }

    expect(world.admitted.length).to.be.within(0.9 * seconds * RATE, seconds * RATE + BURST + RATE * TTL / 1_000)
  })

  it('should not end leases in a primary whose clock is set while others use them', () => {
    const clocks = new Clocks()
    const ttl = 600 * SECOND
    const answers: string[] = []
    let calls = 0

    clocks.replace()

    try {
      // with the clock that it has by itself
      const engine = new ClusterEngine<object>((_, message) => { 'answer' in message && answers.push(String(message.answer)) })
      const sync = (worker: object, id: string, claim: number, held: number, want: number): any => {
        engine.received(worker, callOf(++calls, 'sync', '{p:clocks}', JSON.stringify({ id, seq: calls, ttl, policy: 0, sum: '', gone: [], scopes: [['system', [[0, 4, claim, held, want]]]] })))

        return JSON.parse(answers.at(-1) ?? '')
      }
      const [one, other] = [{}, {}]

      expect(sync(one, 'a', 0, 0, 4).grants).to.deep.equal([[4]])
      expect(sync(other, 'b', 0, 0, 4).grants).to.deep.equal([[0]])

      // in two steps, so that only one would have told it a short time ago
      for (let i = 0; i < 2; i++) {
        clocks.ahead += ttl / 2 + SECOND
        expect(sync(other, 'b', 0, 0, 4)).to.deep.include({ status: 'ok', grants: [[0]], nodes: 2 })
      }

      clocks.ahead = -HOUR
      expect(sync(other, 'b', 0, 0, 4)).to.deep.include({ status: 'ok', grants: [[0]], quiet: 0 })
      // and what is given back can be had at once
      expect(sync(one, 'a', 1, 1, 1).grants).to.deep.equal([[1]])
      expect(sync(other, 'b', 0, 0, 4).grants).to.deep.equal([[3]])
    } finally {
      clocks.restore()
    }
  })

  it('should say how old the view is by no time of day', async () => {
    const clocks = new Clocks()
    const members = new Members()

    clocks.replace()

    try {
      const engine = new TestEngine(() => clocks.now)
      const member = await clocks.while(async () => members.add(engine.client(), { ttl: 600_000, limits: { system: { conns: 80 } } }))
      const { age } = member.fleet.view()

      expect(fill(member.manager, 1)).to.have.lengthOf(1)

      for (const ahead of [30 * SECOND, -30 * SECOND, HOUR, -HOUR]) {
        clocks.ahead = ahead
        expect(member.fleet.view()).to.include({ age, state: 'joined' })
        expect(fill(member.manager, 1)).to.have.lengthOf(1)
      }

      clocks.now += 7 * SECOND
      expect(member.fleet.view().age).to.equal(age + 7 * SECOND)
    } finally {
      await members.stop()
      clocks.restore()
    }
  })
})
