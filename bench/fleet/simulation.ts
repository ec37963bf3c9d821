import { Leases } from '../../src/fleet/leases.ts'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { Pace } from '../../src/fleet/pace.ts'
import { atOnce } from '../../src/util/slices.ts'
import type { LeaseRequest } from '../../src/fleet/leases.ts'
import type { SyncAnswer } from '../../src/fleet/protocol.ts'

const KEY = '{p:simulation}'
const CONNS = 3

/** In ms, of the clock of the simulation */
const TICK = 10
const TTL = 5_000
const WARM_UP = 10_000
const DURATION = 30_000

/** How long connections last on average, in ms */
const LIFE = 5_000

export interface Load {
  nodes: number

  /** Connections that each node is asked for in a second */
  rate: number

  /** How much of the limit is used on average if nothing is refused */
  use: number

  /** How long a call takes to the engine and back, in ms */
  delay: number
}

export interface Simulated {
  admitted: number
  calls: number

  /** Refused although the fleet had room */
  refused: number

  /** The most that was held, as a part of the limit */
  most: number
}

/**
 * A node as `SyncLoop` is one, on a clock of its own, with one limit
 */
class SimulatedNode {
  readonly leases = new Leases(0, 'refuse')
  readonly pace = new Pace(TTL)
  readonly id: string
  held = 0
  room = 0
  seq = 0
  callAt: number
  scanAt = 0
  answer?: { at: number, sentAt: number, request: LeaseRequest, answer: SyncAnswer }

  constructor (number: number, limit: number) {
    this.id = `node-${number}`
    // they have not all started at once
    this.callAt = Math.floor(number * 97 % (TTL / 4))
    this.leases.add({
      key: 'system',
      ahead: true,
      held: () => this.held,
      setRoom: (_, room) => { this.room = room },
      giveWay: () => {}
    }, [[CONNS, limit]])
  }

  wanted (now: number): void {
    this.callAt = Math.min(this.callAt, now + this.pace.delay(now))
  }
}

/**
 * Random numbers that are the same each time
 */
function makeRandom (seed: number): () => number {
  let state = seed

  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0

    return state / 2 ** 32
  }
}

/**
 * Nodes that are asked for connections, and an engine that is some way off
 */
export function simulate ({ delay, nodes: count, rate, use }: Load): Simulated {
  const random = makeRandom(count)
  const limit = Math.ceil(count * rate * LIFE / 1_000 / use)
  const nodes = Array.from({ length: count }, (_, i) => new SimulatedNode(i, limit))
  const ends = new Map<number, SimulatedNode[]>()
  const result: Simulated = { admitted: 0, calls: 0, refused: 0, most: 0 }
  let now = 0
  let total = 0
  const engine = new MemoryEngine(() => {}, () => now, true)

  const call = (node: SimulatedNode): void => {
    // it has little to scan, so it does so before each call
    atOnce(slice => node.leases.scan(slice))
    node.scanAt = now + TTL / 4

    const request = node.leases.request(now, TTL)
    const answer = JSON.parse(engine.run('sync', KEY, [JSON.stringify({ id: node.id, seq: ++node.seq, ttl: TTL, policy: 0, sum: '', ...request })]))

    node.pace.called(now)
    node.answer = { at: now + delay, sentAt: now, request, answer }
    node.callAt = Infinity
    result.calls += now >= WARM_UP ? 1 : 0
  }

  const open = (node: SimulatedNode): void => {
    const fits = node.held < node.room || (node.leases.short('system', CONNS) && node.held < node.room)
    const counts = now >= WARM_UP

    if (!fits) {
      node.answer === undefined && node.wanted(now)
      result.refused += counts && total < limit ? 1 : 0
      return
    }

    node.held++
    total++
    result.admitted += counts ? 1 : 0

    const end = Math.ceil((now - Math.log(1 - random()) * LIFE) / TICK) * TICK + TICK

    ends.set(end, [...ends.get(end) ?? [], node])
  }

  for (; now < WARM_UP + DURATION; now += TICK) {
    for (const node of ends.get(now) ?? []) {
      node.held--
      total--
    }

    ends.delete(now)

    for (const node of nodes) {
      if (node.answer !== undefined && now >= node.answer.at) {
        const { answer, request, sentAt } = node.answer

        node.answer = undefined
        node.leases.answered(request, answer, sentAt)
        node.callAt = node.scanAt
        node.leases.due && node.wanted(now)
      }

      now >= node.callAt && call(node)
      random() < rate * TICK / 1_000 && open(node)
    }

    result.most = Math.max(result.most, total / limit)
  }

  return result
}
