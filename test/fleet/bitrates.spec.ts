import { expect } from 'aegir/chai'
import { FleetBitrates } from '../../src/fleet/fleet-bitrates.ts'
import { resolveFleetSessions } from '../../src/fleet/fleet-traffic-limits.ts'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { peerA } from '../scopes/fixtures.ts'
import { startQuietly } from './fixtures.ts'
import type { RatesAnswer, RatesRequest } from '../../src/fleet/rates-protocol.ts'
import type { OnLoss } from '../../src/fleet/without-lease.ts'
import type { AggregateScope } from '../../src/scopes/aggregate-scope.ts'
import type { ByteBudget } from '../../src/sessions/byte-budget.ts'

const KEY = '{p:model}'
const TTL = 5_000

/** 30 Mbit/s */
const LIMIT = 30_000_000

/** In ms */
const STEP = 10

/**
 * A node whose streams send as much as they may, or what they have
 */
class ModelNode {
  readonly id: string
  readonly bitrates: FleetBitrates
  readonly peer: AggregateScope
  seq = 0
  nodes = 0

  /** What it would send, in bit/s, and what it has sent of that, in bytes */
  wants = 0
  sent = 0
  #waiting = false
  readonly #budgets: ByteBudget[]
  #owed = 0

  constructor (id: string, onLoss: OnLoss, now: () => number, limits = resolveFleetSessions('limits.sessions', { throttle: { system: { maxTxBitrate: LIMIT } } })) {
    this.id = id
    this.peer = { key: String(peerA), closed: false } as any
    this.bitrates = new FleetBitrates({ allowance: 1 / 8, onLoss, measure: () => 0, nodes: () => this.nodes, now, wanted: () => {} })
    this.bitrates.setLimits(limits)
    this.#budgets = this.bitrates.ofStream(this.peer).flatMap(({ tx }) => tx ?? [])
  }

  step (): void {
    // as a stream that has more to send than its connection takes: it keeps a second
    this.#owed = Math.min(this.wants / 8, this.#owed + this.wants / 8 * STEP / 1_000)

    const bytes = Math.max(0, Math.min(this.#owed, ...this.#budgets.map(({ available }) => available)))

    this.#budgets.forEach(budget => { budget.spend(bytes) })
    this.#owed -= bytes
    this.sent += bytes

    if (this.#owed > 1 && !this.#waiting) {
      this.#waiting = true
      this.#budgets[0].wait(this.#turn)
    } else if (this.#owed <= 1 && this.#waiting) {
      this.#waiting = false
      this.#budgets[0].cancel(this.#turn)
    }
  }

  readonly #turn = (): void => { this.#waiting = false }

  close (): void {
    this.#budgets.forEach(budget => { budget.cancel(this.#turn) })
  }
}

class World {
  now = 1_000_000
  readonly engine = new MemoryEngine(() => {}, () => this.now)
  readonly nodes: ModelNode[]
  answers = true

  constructor (onLoss: OnLoss = 'share', limits?: ReturnType<typeof resolveFleetSessions>) {
    startQuietly(this.engine, KEY, TTL, duration => { this.now += duration })
    this.nodes = [0, 1, 2].map(i => new ModelNode(`n.${i}`, onLoss, () => this.now, limits))
    this.nodes.forEach((_, i) => { this.sync(i) })
    this.run(TTL)
  }

  sync (i: number): void {
    const { id, seq } = this.nodes[i]

    this.engine.run('sync', KEY, [JSON.stringify({ id, seq: seq + 1, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [] })])
  }

  /**
   * @param duration
   * @param never - whether all together must never be allowed more than the limit
   * @returns What each node has sent, in bit/s
   */
  run (duration: number, never = true): number[] {
    const before = this.nodes.map(({ sent }) => sent)

    for (let time = 0; time < duration; time += STEP) {
      this.now += STEP

      this.nodes.forEach((node, i) => {
        // not all at the same time
        if ((this.now / STEP + i * 41) % (TTL / 4 / STEP) === 0 && this.answers) {
          this.#ask(node)
        }

        node.bitrates.expired(this.now)
        node.step()
      })
      never && expect(this.total).to.be.at.most(LIMIT)
    }

    return this.nodes.map(({ sent }, i) => (sent - before[i]) * 8 / duration * 1_000)
  }

  /** What all may send now, in bit/s */
  get total (): number {
    return this.nodes.reduce((sum, { bitrates }) => {
      return sum + [...bitrates.entries()].filter(({ name }) => name === 'system tx').reduce((sum, { bitrate }) => sum + bitrate, 0)
    }, 0)
  }

  #ask (node: ModelNode): void {
    const request: RatesRequest = { id: node.id, seq: ++node.seq, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }

    node.bitrates.ask(request, this.now)

    const answer: RatesAnswer = JSON.parse(this.engine.run('rates', KEY, [JSON.stringify(request)]))

    if (answer.status === 'ok') {
      node.nodes = answer.nodes ?? 0
      node.bitrates.answered(request, answer, { now: this.now, validUntil: this.now + TTL })
    }
  }

  close (): void {
    this.nodes.forEach(node => { node.close() })
  }
}

describe('fleet/bitrates', () => {
  let world: World

  afterEach(() => {
    world.close()
  })

  it('should let one busy node have nearly all', () => {
    world = new World()
    world.nodes[0].wants = 2 * LIMIT
    world.run(2 * TTL)

    const [one] = world.run(2 * TTL)

    // the two others keep a 48th each, to begin with
    expect(one / LIMIT).to.be.within(0.93, 1)
    // it says so itself, and those that are idle say that they use nothing
    expect(world.nodes.map(({ bitrates }) => [...bitrates.shared()].map(({ used }) => used / LIMIT > 0.9))).to.deep.equal([[true], [false], [false]])
    expect([...world.nodes[1].bitrates.shared()]).to.have.nested.property('[0].used', 0)
  })

  it('should divide it where all are busy, and never stop one meanwhile', () => {
    world = new World()
    world.nodes[0].wants = 2 * LIMIT
    world.run(2 * TTL)
    world.nodes[1].wants = 2 * LIMIT
    world.nodes[2].wants = 2 * LIMIT

    for (let i = 0; i < 20; i++) {
      const [one] = world.run(TTL / 10)

      // from nearly all to a third, and never below
      expect(one / LIMIT).to.be.within(0.3, 1)
    }

    for (const bitrate of world.run(2 * TTL)) {
      expect(bitrate / LIMIT).to.be.within(0.31, 0.34)
    }
  })

  it('should give those who need little what they need, and the others the same', () => {
    world = new World()
    world.nodes[0].wants = 3_000_000
    world.nodes[1].wants = 2 * LIMIT
    world.nodes[2].wants = 2 * LIMIT
    world.run(3 * TTL)

    const [small, ...large] = world.run(2 * TTL)

    expect(small).to.be.within(2_900_000, 3_100_000)

    for (const bitrate of large) {
      expect(bitrate / LIMIT).to.be.within(0.4, 0.46)
    }
  })

  it('should follow honest traffic that comes in bursts and long pauses', () => {
    world = new World()

    let sent = 0

    for (let i = 0; i < 12; i++) {
      world.nodes.forEach((node, j) => { node.wants = i % 3 === j ? LIMIT * 0.8 : 0 })
      sent += world.run(2 * TTL).reduce((sum, bitrate) => sum + bitrate, 0)
    }

    // it takes half a ttl until a node that begins has what another one had
    expect(sent / 12 / LIMIT).to.be.above(0.55)
  })

  function lose (onLoss: OnLoss, part: number): void {
    world = new World(onLoss)
    world.nodes[0].wants = 2 * LIMIT
    world.run(TTL)
    world.answers = false
    // not all of them know it at the same time
    world.run(2 * TTL, false)
    expect(world.run(TTL)[0] / LIMIT).to.be.closeTo(part, 0.02)

    world.nodes.forEach((_, i) => { world.sync(i) })
    world.answers = true
    world.run(4 * TTL, false)
    expect(world.run(TTL)[0] / LIMIT).to.be.within(0.93, 1)
  }

  it('should have the share of a node when the engine is lost, and go on when it is back', () => {
    lose('share', 1 / 3)
  })

  it('should have nothing then where it must not be exceeded', () => {
    lose('refuse', 0)
  })

  it('should have none when it is taken back, and another one when that is set', () => {
    world = new World()
    world.nodes[0].wants = 2 * LIMIT
    world.run(TTL)
    world.nodes[0].bitrates.setLimits()
    expect(world.run(TTL)[0] / LIMIT).to.be.within(1.98, 2.45)
    world.nodes.forEach(({ bitrates }) => { bitrates.setLimits(resolveFleetSessions('limits.sessions', { throttle: { system: { maxTxBitrate: LIMIT / 10 } } })) })
    world.run(TTL)
    expect(world.run(TTL)[0] / LIMIT).to.be.within(0.08, 0.1)
  })

  it('should let a peer have its allowance on each node, and then together what it may have', () => {
    world = new World('share', resolveFleetSessions('limits.sessions', { throttle: { peer: { maxTxBitrate: LIMIT / 10 } } }))
    world.nodes.forEach(node => { node.wants = LIMIT })
    world.run(2 * TTL)
    expect(world.run(2 * TTL).reduce((sum, bitrate) => sum + bitrate, 0) / LIMIT).to.be.within(0.09, 0.101)
    expect([...world.nodes[0].bitrates.entries()].map(({ name }) => name)).to.deep.equal([`peer:${peerA} tx`])
    // remotes decide how many of these there are
    expect([...world.nodes[0].bitrates.shared()]).to.deep.equal([])
  })

  it('should forget closed peers, also where nobody is asked', () => {
    world = new World()

    const bitrates = new FleetBitrates({ allowance: 1 / 8, onLoss: 'share', measure: () => 0, nodes: () => 1, now: () => 0, wanted: () => {} })
    const scopes = Array.from({ length: 1_000 }, (_, i) => ({ key: `peer-${i}`, closed: false }))

    bitrates.setLimits(resolveFleetSessions('limits.sessions', { throttle: { peer: { maxTxBitrate: LIMIT } } }))

    for (const [i, scope] of scopes.entries()) {
      bitrates.ofStream(scope as any)
      // every hundredth stays
      scope.closed = i % 100 !== 0
    }

    const names = [...bitrates.entries()].map(({ name }) => name)

    expect(names).to.have.length.below(20)
    expect(names).to.include.members(Array.from({ length: 10 }, (_, i) => `peer:peer-${100 * i} tx`))
  })

  it('should say what is wrong with bit rates', () => {
    world = new World()

    const resolve = (sessions: any): unknown => resolveFleetSessions('limits.sessions', sessions)

    expect(() => resolve(5)).to.throw('limits.sessions')
    expect(() => resolve({ collector: {} })).to.throw('limits.sessions.collector')
    expect(() => resolve({ throttle: { system: { maxRxBitrate: 'fast' } } })).to.throw('limits.sessions.throttle.system.maxRxBitrate')
    expect(() => resolve({ throttle: { system: { rx: 5 } } })).to.throw('limits.sessions.throttle.system.rx')
    expect(() => resolve({ throttle: { system: { maxRxBitrate: 5 }, peer: { maxRxBitrate: 6 } } })).to.throw('limits.sessions.throttle.peer.maxRxBitrate: expected at most limits.sessions.throttle.system.maxRxBitrate (5), got 6')
    expect(() => resolve({ collectors: { 'libp2p.ping': {}, libp2pPing: {} } })).to.not.throw()
    expect(() => resolve({ collectors: { 'libp2p.ping': { maxRxBitrate: 5 }, libp2pPing: { maxRxBitrate: 5 } } })).to.throw('each once')
    expect(() => resolve({ collectors: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${i}`, { maxRxBitrate: 1 }])) })).to.throw('limits.sessions.collectors: expected at most 64 entries, got 65')
  })
})
