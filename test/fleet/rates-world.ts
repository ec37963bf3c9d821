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
export const TTL = 1_000
export const NODES = 4

export const RATE = 8
export const BURST = 12
export const SUBNET_BURST = 8

const LIMITS = resolveFleetRates('limits.rates', {
  global: { rate: RATE, burst: BURST },
  ipv4: [{ prefixLength: 24, rate: RATE / 2, burst: SUBNET_BURST }],
  prefixes: [{ network: '198.51.100.0/24', rate: RATE, burst: BURST }]
})

/** Of the global rate and a subnet, of the global rate and another subnet, and of a network */
export const ADDRESSES = ['192.0.2.1', '192.0.3.1', '198.51.100.1'].map(text => parseIP(text) as IPAddress)

/**
 * A node as `NodeRates` and `RatesCalls` make it, with a clock that is moved by hand
 */
export class ModelNode {
  readonly id: string
  readonly now: () => number
  rates: FleetRates
  seq = 0
  syncs = 0
  nodes = 0
  readonly #make: () => FleetRates

  constructor (id: string, onLoss: OnLoss, allowance: number, now: () => number) {
    this.id = id
    this.now = now
    this.#make = () => new FleetRates({ limits: LIMITS, allowance, onLoss, nodes: () => this.nodes, now, wanted: () => {} })
    this.rates = this.#make()
  }

  /**
   * The fleet has other limits, in which these are the same
   */
  setLimits (): void {
    const before = this.rates

    this.rates = this.#make()
    this.rates.inherit(before)
    // what was asked for was asked for others
    this.seq++
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

/**
 * Nodes of a fleet with rates, and their engine
 */
export class World {
  now = 1_000_000
  readonly engine = new MemoryEngine(() => {}, () => this.now)
  readonly nodes: ModelNode[]
  readonly messages = new LateMessages<Call, Answer>(call => this.#call(call), answer => { this.#answer(answer) })
  readonly admitted: Arrival[] = []

  /** How many nodes there have been */
  count = 0
  readonly #make: (place: number) => ModelNode

  /**
   * @param onLoss
   * @param allowance
   * @param ahead - how far the clock of each node is ahead of that of the engine, in ms
   */
  constructor (onLoss: OnLoss, allowance: number, ahead: number[] = []) {
    this.#make = place => new ModelNode(`n.${this.count++}`, onLoss, allowance, () => this.now + (ahead[place] ?? 0))
    startQuietly(this.engine, KEY, TTL, duration => { this.now += duration })
    this.nodes = Array.from({ length: NODES }, (_, place) => this.#make(place))
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
      case 'set limits':
        node.setLimits()
        break
      case 'crash':
        this.nodes[pick % NODES] = this.#make(pick % NODES)
        break
      case 'leave':
        this.engine.run('leave', KEY, [node.id])
        this.nodes[pick % NODES] = this.#make(pick % NODES)
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

    node.rates.leases.ask(request, node.now())
    this.messages.calls.push({ node, sentAt: node.now(), request: structuredClone(request) })
  }

  #call (call: Call): Answer {
    return { ...call, answer: JSON.parse(this.engine.run('rates', KEY, [JSON.stringify(call.request)])) }
  }

  #answer ({ answer, node, request, sentAt }: Answer): void {
    if (answer.status === 'ok' && request.seq === node.seq && sentAt + TTL > node.now()) {
      node.rates.leases.answered(request, answer, { now: node.now(), validUntil: sentAt + TTL })
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

/**
 * Steps of a world, at random
 *
 * @param seldom - what else happens now and then
 */
export function scheduleOf (...seldom: string[]): fc.Arbitrary<Array<[string, number]>> {
  return fc.array(fc.tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom('round', 'round', 'round', 'come', 'many come', 'many come') },
      { weight: 5, arbitrary: fc.constantFrom('ask', 'call', 'answer', 'wait', 'wait', 'call twice', 'answer twice') },
      { weight: 1, arbitrary: fc.constantFrom('lose call', 'lose answer', 'crash', 'leave', ...seldom) }
    ),
    fc.nat(1_000)
  ), { minLength: 50, maxLength: 400 })
}
