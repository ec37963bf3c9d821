/**
 * Several nodes under one set of limits and bans.
 *
 * In: what this node holds and asks for, what operators decide, and the answers of the engine in
 * which the nodes meet.
 * Out: leases, which are limits of the scopes and subnets of this node; bans and limits that were
 * decided elsewhere; sums over all nodes.
 * Fails: without an answer, leases end and `onLoss` says how the node goes on alone. A method that
 * needs the engine rejects. An option that cannot be used is an `InvalidParametersError`.
 * Costs: scopes are checked as without a fleet, subnets take a look-up more
 * (`node bench/fleet.ts`). All that the node holds is scanned at least four times a `ttl`, in slices.
 */

import { InvalidParametersError } from '@libp2p/interface'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { entryText, MAX_DECISION_TIME, targetText } from './decisions.ts'
import { parseDuration } from './duration.ts'
import { Engine } from './engine.ts'
import { randomName, resolveFleet } from './fleet-init.ts'
import { ResolvedFleetLimits } from './fleet-limits.ts'
import { fleetMetrics } from './fleet-metrics.ts'
import { Leases } from './leases.ts'
import { NodeLimits } from './node-limits.ts'
import { NodeRates } from './node-rates.ts'
import { MAX_BACK_OFF } from './pace.ts'
import { SharedDecisions } from './shared-decisions.ts'
import { SumsReader } from './sums-reader.ts'
import { SyncLoop } from './sync-loop.ts'
import type { FleetDecisions } from './decisions.ts'
import type { Duration } from './duration.ts'
import type { FleetConfig, FleetInit } from './fleet-init.ts'
import type { FleetLimits } from './fleet-limits.ts'
import type { FleetHolder, FleetStat, FleetSummary, FleetSums, LeaseStat } from './fleet-stat.ts'
import type { LeaseEntry } from './leases.ts'
import type { Admission } from '../admission/admission.ts'
import type { BanTarget } from '../bans/ban-target.ts'
import type { FleetLink, FleetMember } from '../manager/fleet-link.ts'
import type { GaugeFamily } from '../reporting/metric-family.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How many leases of peers, protocols and subnets are shown
 */
const SHOWN_LEASES = 100

/**
 * Options of `block`
 */
export interface BlockOptions {
  /**
   * How long, in ms or such as `'1h'`, up to a year
   *
   * @default a year
   */
  for?: Duration

  /**
   * For the log and for `decisions`
   *
   * @default 'by the operator'
   */
  reason?: string
}

/**
 * One node of a fleet: an option of its resource manager, with methods that decide for all
 * nodes.
 *
 * A change for the fleet is checked first and then written. It is in force on this node when
 * the promise resolves, and on the others about a second later.
 */
export class Fleet implements FleetLink {
  readonly #config: FleetConfig
  readonly #engine: Engine
  readonly #id: string
  readonly #leases: Leases
  readonly #rates: NodeRates
  readonly #decisions: SharedDecisions
  readonly #loop: SyncLoop
  readonly #sums: SumsReader
  #member?: FleetMember
  #ended = 0

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (init: FleetInit) {
    const config = resolveFleet(init)
    const engine = new Engine(config.client, `{${config.prefix}:${config.name}}`, config.timeout)
    const leases = new Leases(config.allowance, config.onLoss, config.nodes)
    const id = `${config.node}.${randomName()}`
    const rates = new NodeRates({ config, engine, id, policy: () => decisions.seen, nodes: () => leases.nodes, settled: () => { this.#loop.wakeIfSettled() } })
    const node = new NodeLimits({
      leases,
      rates,
      name: config.name,
      now: () => this.#loop.now,
      wanted: () => { this.#loop.wanted() },
      ended: () => { this.#ended++ }
    })
    const decisions: SharedDecisions = new SharedDecisions({ config, engine, node, now: () => this.#loop.now, decided: () => { this.#loop.decided() } })

    this.#config = config
    this.#id = id
    this.#engine = engine
    this.#leases = leases
    this.#rates = rates
    this.#decisions = decisions
    this.#sums = new SumsReader(engine)
    this.#loop = new SyncLoop({ config, engine, leases, decisions, node, id })
  }

  // FleetLink

  async start (member: FleetMember, admission?: Admission): Promise<void> {
    const problem = this.#config.client.problem?.()

    if (problem !== undefined) {
      throw new InvalidParametersError(`fleet.client: ${problem}`)
    }

    if (this.#member !== undefined) {
      throw new InvalidParametersError('fleet: expected one for each node, got one that another node uses')
    }

    this.#member = member
    this.#decisions.start(member, admission)
    this.#loop.start(member)

    const { nodes, timeout, ttl } = this.#config

    // the first node may have nothing before that, see docs/fleet.md
    await this.#loop.untilSettled(timeout + (nodes > 0 ? 0 : ttl))
  }

  async stop (): Promise<void> {
    if (this.#member === undefined) {
      return
    }

    this.#member = undefined
    this.#loop.stop()
    this.#decisions.stop()
    this.#leases.lose()
    this.#loop.wake()

    await Promise.allSettled([
      this.#engine.callInTime('leave', this.#id),
      this.#decisions.unlisten()
    ])
  }

  view (): FleetStat {
    return { ...this.#summary, ...this.#rates.view(), leases: take(this.#leases.entries(), SHOWN_LEASES).map(leaseStat) }
  }

  get metrics (): readonly GaugeFamily[] {
    return fleetMetrics(() => this.#summary, this.#leases, () => this.#rates.shared())
  }

  get #summary (): FleetSummary {
    const { name, node } = this.#config
    const { age, error, losses, state } = this.#loop
    const { current: { allow, block }, version } = this.#decisions
    const { calls, failures } = this.#engine

    return {
      name,
      node,
      state,
      age,
      nodes: this.#leases.nodes,
      ...error === undefined ? {} : { error },
      version,
      blocked: block.length,
      allowed: allow.length,
      calls,
      failures,
      losses,
      ended: this.#ended
    }
  }

  /**
   * Resolves when this node is part of the fleet and may lease room
   *
   * @throws {Error} if the engine does not answer in time, or cannot be used, saying why
   */
  async ready (timeout: Duration = MAX_BACK_OFF + this.#config.timeout + this.#config.ttl): Promise<void> {
    await this.#loop.untilSettled(parseDuration('timeout', timeout, 86_400_000))

    if (!this.#loop.settled) {
      throw new Error(`fleet ${this.#config.name}: ${this.#loop.error ?? 'not there yet'}`)
    }
  }

  // decisions

  /**
   * Trusts an address, a network, a peer there, or a peer at any address, as the option
   * `allowlist` of each node does
   *
   * @throws {InvalidParametersError} if it is none of these
   */
  async allow (entry: Multiaddr | string): Promise<void> {
    const text = entryText(entry)

    await this.#decisions.change(({ allow, ...others }) => ({ ...others, allow: allow.includes(text) ? allow : [...allow, text] }))
  }

  /**
   * Takes an entry back that `allow` has added, on all nodes
   *
   * @returns Whether it was there
   * @throws {InvalidParametersError} if it is no entry of an allowlist
   * @throws {Error} if the engine does not answer
   */
  async disallow (entry: Multiaddr | string): Promise<boolean> {
    const text = entryText(entry)
    let found = false

    await this.#decisions.change(({ allow, ...others }) => {
      found = allow.includes(text)

      return { ...others, allow: allow.filter(other => other !== text) }
    })

    return found
  }

  /**
   * Refuses a peer, an IP address or a network on all nodes, and ends what there is with it.
   * A block of an address does not affect allowlisted peers there.
   *
   * @throws {InvalidParametersError} if it is nobody, or naming the option that cannot be used
   */
  async block (target: BanTarget, options: BlockOptions = {}): Promise<void> {
    const text = targetText(target)
    const { for: duration = MAX_DECISION_TIME, reason = 'by the operator' } = options
    const length = parseDuration('for', duration, MAX_DECISION_TIME)

    await this.#decisions.change(({ block, ...others }, now) => ({
      ...others,
      block: [...block.filter(other => other.target !== text), { target: text, reason, begin: now, end: now + length }]
    }))
  }

  /**
   * Ends a block, on all nodes
   *
   * @returns Whether there was one
   * @throws {InvalidParametersError} if it is nobody
   * @throws {Error} if the engine does not answer
   */
  async unblock (target: BanTarget): Promise<boolean> {
    const text = targetText(target)
    let found = false

    await this.#decisions.change(({ block, ...others }) => {
      found = block.some(other => other.target === text)

      return { ...others, block: block.filter(other => other.target !== text) }
    })

    return found
  }

  /**
   * Replaces the limits of the fleet
   *
   * @throws {InvalidParametersError} listing every problem. Nothing has changed then.
   */
  async setLimits (limits: FleetLimits): Promise<void> {
    void new ResolvedFleetLimits(limits)

    await this.#decisions.change(others => ({ ...others, limits }))
  }

  /**
   * What is in force on this node
   */
  get decisions (): FleetDecisions {
    return structuredClone(this.#decisions.current)
  }

  /**
   * What each node holds and all of them together, from the engine
   *
   * @throws {Error} if the engine does not answer
   */
  async stat (): Promise<FleetSums> {
    return this.#sums.read()
  }

  /**
   * The peers that hold most on all nodes together, largest first
   *
   * @param top - how many
   * @throws {Error} if the engine does not answer
   */
  async holders (top = 10): Promise<FleetHolder[]> {
    return this.#sums.holders(top)
  }
}

function take <T> (values: Iterable<T>, count: number): T[] {
  const first: T[] = []

  for (const value of values) {
    if (first.length === count) {
      break
    }

    first.push(value)
  }

  return first
}

function leaseStat ({ fields, key }: LeaseEntry): LeaseStat {
  const read = (of: 'held' | 'leased' | 'limit'): Record<string, number> => Object.fromEntries(fields.map(field => [LIMIT_FIELDS[field.field], field[of]]))

  return { scope: key, limit: read('limit'), leased: read('leased'), held: read('held') }
}
