import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { ClusterEngine } from '../../src/fleet/cluster-engine.ts'
import { callOf } from '../../src/fleet/cluster-messages.ts'
import { Leases } from '../../src/fleet/leases.ts'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { atOnce } from '../../src/util/slices.ts'
import { LateMessages } from './late-messages.ts'
import type { LeasedScope } from '../../src/fleet/lease.ts'
import type { LeaseRequest } from '../../src/fleet/leases.ts'
import type { SyncAnswer } from '../../src/fleet/protocol.ts'
import type { OnLoss } from '../../src/fleet/without-lease.ts'

const KEY = '{p:model}'
const TTL = 1_000
const LIMIT = 20
const NODES = 4
const CONNS = 3

/** Leased before anything needs it, and when something does */
const SCOPES = [{ key: 'system' }, { key: 'peer:a' }]

/** What a step picks: the first node, and the second of these */
const OF_PEER = 8

/**
 * A node as `Fleet` is one, with nothing but numbers
 */
class ModelNode {
  readonly id: string
  readonly leases: Leases
  readonly held: Record<string, number> = { system: 0, 'peer:a': 0 }
  readonly room: Record<string, number> = {}
  readonly scopes = new Map<string, LeasedScope>()
  seq = 0
  acked = 0
  validUntil = -1

  constructor (id: string, onLoss: OnLoss, allowance: number, nodes: number) {
    this.id = id
    this.leases = new Leases(allowance, onLoss, nodes)
    SCOPES.forEach(({ key }) => { this.add(key) })
  }

  add (key: string): void {
    if (!this.leases.has(key)) {
      const scope: LeasedScope = {
        key,
        ahead: key === 'system',
        held: () => this.held[key],
        setRoom: (_, room) => { this.room[key] = room },
        giveWay: (_, to) => { this.held[key] = Math.min(this.held[key], to) }
      }

      this.scopes.set(key, scope)
      this.leases.add(scope, [[CONNS, LIMIT]])
    }
  }

  /**
   * It holds nothing, and needs no lease any more
   */
  remove (key: string): void {
    const scope = this.scopes.get(key)

    if (scope !== undefined && this.held[key] === 0) {
      this.leases.remove(scope)
      this.scopes.delete(key)
      this.room[key] = 0
    }
  }
}

interface Call {
  node: ModelNode
  seq: number
  acked: number
  sentAt: number
  request: LeaseRequest
}

interface Answer extends Call {
  answer: SyncAnswer
}

/**
 * An engine as the nodes see it
 */
interface ModelEngine {
  /** What it has leased */
  leased(): Map<string, number>
  sync(node: ModelNode, text: string): string | undefined
  leave(node: ModelNode): void

  /** The process of a node has ended */
  crashed(node: ModelNode): void

  /**
   * It forgets everything
   *
   * @returns Whether no node survives that
   */
  wipe(): boolean
}

function serverOf (now: () => number): ModelEngine {
  // all nodes have left in order: nobody can have an old lease
  const engine = new MemoryEngine(() => {}, now, true)

  return {
    leased: () => engine.leased(KEY),
    sync: (_, text) => engine.run('sync', KEY, [text]),
    leave: ({ id }) => { engine.run('leave', KEY, [id]) },
    crashed: () => {},
    wipe: () => {
      engine.clear()

      return false
    }
  }
}

/**
 * Nodes that are workers of a primary, which has them back when they crash. Their calls may come
 * after that.
 */
function primaryOf (now: () => number): ModelEngine {
  let answer: string | undefined
  const make = (): ClusterEngine<ModelNode> => new ClusterEngine((_, message) => { answer = 'answer' in message ? message.answer : undefined }, undefined, now)
  let engine = make()
  const call = (node: ModelNode, script: 'sync' | 'leave', argument: string): string | undefined => {
    answer = undefined
    engine.received(node, callOf(1, script, KEY, argument))

    return answer
  }

  return {
    leased: () => engine.engine.leased(KEY),
    sync: (node, text) => call(node, 'sync', text),
    leave: node => { call(node, 'leave', node.id) },
    crashed: node => { engine.ended(node) },
    wipe: () => {
      engine = make()

      return true
    }
  }
}

const ENGINES = { 'a server': serverOf, 'a primary': primaryOf }

/**
 * Nodes and their engine
 */
class World {
  now = 1_000_000
  readonly engine: ModelEngine
  readonly nodes: ModelNode[]
  readonly messages = new LateMessages<Call, Answer>(call => this.#call(call), answer => { this.#answer(answer) })
  readonly #make: () => ModelNode

  constructor (onLoss: OnLoss, allowance: number, known: boolean, makeEngine = serverOf) {
    let count = 0

    this.engine = makeEngine(() => this.now)

    this.#make = () => new ModelNode(`n${count++}`, onLoss, allowance, known ? NODES : 0)
    this.nodes = Array.from({ length: NODES }, this.#make)
  }

  step (operation: string, pick: number): void {
    const node = this.nodes[pick % NODES]
    const { key } = SCOPES[pick >> 3 & 1]

    if (this.messages.step(operation, pick)) {
      return
    }

    switch (operation) {
      case 'ask':
        // now and then only what did not fit is asked for
        pick % 5 === 4 || atOnce(slice => node.leases.scan(slice))
        this.messages.calls.push({ node, seq: ++node.seq, acked: node.acked, sentAt: this.now, request: structuredClone(node.leases.request(this.now, TTL)) })
        break
      case 'round':
        this.step('ask', pick)
        this.messages.round()
        break
      case 'remove':
        node.remove('peer:a')
        break
      case 'open':
        node.add(key)

        if (node.held[key] < node.room[key] || (node.leases.short(key, CONNS) && node.held[key] < node.room[key])) {
          node.held[key]++
        }
        break
      case 'close':
        node.held[key] = Math.max(0, node.held[key] - 1)
        break
      case 'wait':
        this.now += pick * 7 % (TTL / 2)
        this.#expire()
        break
      case 'crash':
        this.engine.crashed(node)
        this.nodes[pick % NODES] = this.#make()
        break
      case 'leave':
        this.engine.leave(node)
        this.nodes[pick % NODES] = this.#make()
        break
      default:
        if (this.engine.wipe()) {
          this.nodes.forEach((_, i) => { this.nodes[i] = this.#make() })
          this.messages.calls.splice(0)
        }
    }
  }

  #call (call: Call): Answer | undefined {
    const { acked, node, request, seq } = call
    const answer = this.engine.sync(node, JSON.stringify({ id: node.id, seq, acked, ttl: TTL, policy: 0, sum: '', ...request }))

    return answer === undefined ? undefined : { ...call, answer: JSON.parse(answer) }
  }

  #answer ({ answer, node, request, sentAt, seq }: Answer): void {
    if (answer.status === 'ok' && seq === node.seq && sentAt + TTL > this.now) {
      node.validUntil = sentAt + TTL
      node.acked = seq
      node.leases.answered(request, answer)
      answer.again === true && node.leases.askAgain()
    }
  }

  #expire (): void {
    for (const node of this.nodes) {
      if (!node.leases.lost && this.now >= node.validUntil) {
        node.leases.lose()
      }
    }
  }

  leased (key: string): number {
    return sum(this.nodes.filter(({ leases }) => !leases.lost), node => node.room[key])
  }

  held (key: string): number {
    return sum(this.nodes, node => node.held[key])
  }
}

function sum <T> (list: T[], of: (entry: T) => number): number {
  return list.reduce((total, entry) => total + of(entry), 0)
}

const schedule = fc.array(fc.tuple(
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('ask', 'call', 'answer', 'round', 'open', 'open') },
    { weight: 4, arbitrary: fc.constantFrom('close', 'wait', 'call twice', 'answer twice', 'remove') },
    { weight: 1, arbitrary: fc.constantFrom('lose call', 'lose answer', 'crash', 'leave', 'wipe') }
  ),
  fc.nat(1_000)
), { minLength: 50, maxLength: 400 })

describe('fleet/leases, in any order of calls, answers, losses, crashes and wipes', () => {
  for (const [name, makeEngine] of Object.entries(ENGINES)) {
    it(`should never lease more than the limit, with ${name}`, () => {
      let most = 0

      fc.assert(fc.property(schedule, steps => {
        const world = new World('refuse', 0, false, makeEngine)

        for (const [operation, pick] of steps) {
          world.step(operation, pick)

          for (const { key } of SCOPES) {
            most = Math.max(most, world.leased(key))
            expect(world.leased(key)).to.be.at.most(LIMIT)
          }
        }
      }), { numRuns: 300 })

      // otherwise it would say nothing
      expect(most).to.be.above(LIMIT / 4)
    })

    it(`should never hold more than the limit as long as no node comes back without a lease, with ${name}`, () => {
      let most = 0

      fc.assert(fc.property(schedule, steps => {
        const world = new World('refuse', 0, false, makeEngine)

        for (const [operation, pick] of steps.filter(([operation]) => operation !== 'wait')) {
          world.step(operation, pick)

          for (const { key } of SCOPES) {
            most = Math.max(most, world.held(key))
            expect(world.held(key)).to.be.at.most(LIMIT)
          }
        }
      }), { numRuns: 200 })

      expect(most).to.be.above(LIMIT / 4)
    })

    it(`should have no more than the allowance of each node above the limit, with ${name}`, () => {
      const allowance = 0.1
      let most = 0

      fc.assert(fc.property(schedule, steps => {
        const world = new World('refuse', allowance, false, makeEngine)

        // the first node has all of the limit, and what others have before they ask is above it
        for (let i = 0; i < 2 * LIMIT; i++) {
          world.step('round', OF_PEER)
          world.step('open', OF_PEER)
        }

        expect(world.held('peer:a')).to.equal(LIMIT)

        for (const [operation, pick] of steps.filter(([operation]) => operation !== 'wait')) {
          world.step(operation, pick)
          most = Math.max(most, world.held('peer:a'))
          expect(world.held('peer:a')).to.be.at.most(LIMIT + NODES * LIMIT * allowance)
          expect(world.leased('system')).to.be.at.most(LIMIT)
        }
      }), { numRuns: 200 })

      // otherwise nobody has used it
      expect(most).to.be.above(LIMIT)
    })
  }

  for (const [name, makeEngine] of Object.entries(ENGINES)) {
    it(`should have nothing leased in the end of what no node needs any more, with ${name}`, () => {
      fc.assert(fc.property(schedule, steps => {
        const world = new World('refuse', 0, false, makeEngine)

        for (const [operation, pick] of steps) {
          world.step(operation, pick)
        }

        for (const node of world.nodes) {
          node.held['peer:a'] = 0
          node.remove('peer:a')
        }

        // those that have crashed end meanwhile
        for (let i = 0; i < 8 * NODES; i++) {
          world.now += i % NODES === 0 ? TTL / 4 : 0
          world.step('round', i)
        }

        expect(world.engine.leased().get(`peer:a ${CONNS}`) ?? 0).to.equal(0)
      }), { numRuns: 300 })
    })
  }

  it('should not take the end of one node for that of all after a wipe', () => {
    const world = new World('refuse', 0, false)

    for (let i = 0; i < 40; i++) {
      world.step('round', 1)
      world.step('open', 1)
    }

    expect(world.held('system')).to.equal(LIMIT)
    world.step('wipe', 0)
    // the engine knows of nobody but this one, which leaves in order
    world.step('round', 0)
    world.step('leave', 0)

    for (let i = 0; i < 40; i++) {
      world.step('round', 0)
      world.step('open', 0)
    }

    expect(world.held('system')).to.equal(LIMIT)
    expect(world.nodes[0].held.system).to.equal(0)
  })

  it('should share the limit when the engine is lost', () => {
    const world = new World('share', 0, true)

    world.step('wipe', 0)

    for (let i = 0; i < 100; i++) {
      world.step('open', i % NODES)
    }

    expect(world.held('system')).to.equal(LIMIT)

    // the engine comes back, and everybody goes on with what it has
    for (const operation of ['ask', 'call', 'answer']) {
      for (let i = 0; i < NODES; i++) {
        world.step(operation, operation === 'ask' ? i : 0)
      }
    }

    expect(world.nodes.map(({ held, room }) => held.system <= room.system)).to.deep.equal([true, true, true, true])
    expect(world.leased('system')).to.equal(LIMIT)
  })

  it('should let one node have all that nobody else needs, and others have it back', () => {
    const world = new World('refuse', 0, false)
    const round = (nodes: number[]): void => {
      world.now += TTL / 4

      for (const i of nodes) {
        world.step('ask', i)
        world.step('call', 0)
        world.step('answer', 0)
      }
    }
    const all = [0, 1, 2, 3]

    // nobody may have more before nobody can have an old lease any more
    for (let i = 0; i < 6; i++) {
      round(all)
    }

    for (let i = 0; i < 200; i++) {
      world.step('open', 0)
      i % 4 === 0 && round(all)
    }

    expect(world.nodes[0].held.system).to.equal(LIMIT)

    for (let i = 0; i < 10; i++) {
      world.step('close', 0)
    }

    for (let i = 0; i < 200; i++) {
      world.step('open', 1)
      i % 4 === 0 && round(all)
    }

    expect(world.nodes[1].held.system).to.equal(10)
  })
})
