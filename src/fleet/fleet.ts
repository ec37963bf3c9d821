import { InvalidParametersError } from '@libp2p/interface'
import { parseEntry } from '../admission/allowlist-entry.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { startClock } from '../util/clock.ts'
import { printable } from '../util/printable.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { MAX_DECISION_TIME, banOf, checkDecisions, NO_DECISIONS, readDecisions, targetText } from './decisions.ts'
import { parseDuration } from './duration.ts'
import { Engine, listOf } from './engine.ts'
import { FleetGate } from './fleet-gate.ts'
import { randomName, resolveFleet } from './fleet-init.ts'
import { ResolvedFleetLimits } from './fleet-limits.ts'
import { addSummaries, readSummary, summarize } from './fleet-summary.ts'
import { Leases } from './leases.ts'
import { NodeLimits } from './node-limits.ts'
import type { FleetDecisions } from './decisions.ts'
import type { Duration } from './duration.ts'
import type { FleetConfig, FleetInit } from './fleet-init.ts'
import type { FleetLimits } from './fleet-limits.ts'
import type { FleetStat, FleetState } from './fleet-stat.ts'
import type { NodeSummary } from './fleet-summary.ts'
import type { LeaseRequest } from './leases.ts'
import type { DecideAnswer, ReadAnswer, SyncAnswer } from './protocol.ts'
import type { Admission } from '../admission/admission.ts'
import type { BanTarget } from '../bans/ban-target.ts'
import type { FleetLink, FleetMember } from '../manager/fleet-link.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The shortest time between two calls, and what a failure makes the time to the next one at
 * first and in the end, in ms
 */
const LEAST_DELAY = 50
const FIRST_BACK_OFF = 250
const MAX_BACK_OFF = 5_000

/**
 * How often a change is tried again that somebody else came before
 */
const MAX_CONFLICTS = 10

/**
 * How many leases of peers, protocols and subnets are shown
 */
const SHOWN_LEASES = 100

/**
 * The part of a lease that a node uses: its clock may be a little slow
 */
const SAFE_PART = 0.95

/**
 * A node of a fleet, as it has told the others
 */
export interface FleetNode extends NodeSummary {
  node: string

  /** How old this is, in ms */
  age: number
}

/**
 * What a whole fleet holds
 */
export interface FleetSums {
  nodes: FleetNode[]

  /** All of them together. Of peers, services and collectors, what each node has said of those that hold most. */
  total: NodeSummary
}

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
 * One node of a fleet: an option of its resource manager, and what decides for all of them.
 *
 * What changes something for the fleet is checked first, then written, and then in force on
 * this node when the promise resolves, and on the others about a second later.
 */
export class Fleet implements FleetLink {
  readonly #config: FleetConfig
  readonly #engine: Engine
  readonly #id: string
  readonly #leases: Leases
  readonly #now = startClock()
  readonly #node: NodeLimits
  #member?: FleetMember
  #gate?: FleetGate
  #admission?: Admission
  #state: FleetState = 'stopped'
  #decisions: FleetDecisions
  #limits: ResolvedFleetLimits

  /** Of the decisions in force here, and the latest one that was seen, which may be unreadable */
  #version = 0
  #seen = 0
  #seq = 0
  #answeredAt = -Infinity
  #validUntil = -Infinity
  #quiet = Infinity
  #failures = 0
  #ended = 0
  #error?: string
  #reading = false
  #subscribed = false
  #timer?: ReturnType<typeof setTimeout>
  #timerAt = Infinity
  #expiry?: ReturnType<typeof setTimeout>
  #lateness?: ReturnType<typeof setTimeout>
  readonly #waiting = new Set<() => void>()

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (init: FleetInit) {
    const config = resolveFleet(init)

    this.#config = config
    this.#id = `${config.node}.${randomName()}`
    this.#engine = new Engine(config.client, `{${config.prefix}:${config.name}}`, config.timeout)
    this.#leases = new Leases(config.allowance, config.onLoss, config.nodes)
    this.#decisions = { ...NO_DECISIONS, limits: config.limits }
    // whoever has limits has to find out whether they are those of the fleet
    this.#seen = Object.keys(config.limits).length === 0 ? 0 : -1
    this.#limits = new ResolvedFleetLimits(config.limits)
    this.#node = new NodeLimits(this.#leases, () => { this.#schedule(LEAST_DELAY) }, () => { this.#ended++ })
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

    const { graph } = member.metricsSource

    this.#member = member
    this.#admission = admission
    this.#gate = new FleetGate(member, graph.bans)
    graph.bans = this.#gate
    this.#state = 'joining'
    this.#node.start(member, admission, this.#limits)
    this.#applyDecisions(NO_DECISIONS, 0)
    this.#schedule(0)

    const { timeout, ttl } = this.#config

    // whoever is the first may have nothing before that, see docs/fleet.md
    await this.#settled(timeout + (this.#config.nodes > 0 ? 0 : ttl))
  }

  async stop (): Promise<void> {
    const member = this.#member

    if (member === undefined) {
      return
    }

    const { graph } = member.metricsSource
    const subscribed = this.#subscribed

    this.#member = undefined
    this.#state = 'stopped'
    this.#subscribed = false
    clearTimeout(this.#timer)
    clearTimeout(this.#expiry)
    clearTimeout(this.#lateness)
    this.#timerAt = Infinity
    this.#seq++
    this.#node.stop()
    this.#allow(this.#decisions.allow, [])

    if (graph.bans === this.#gate) {
      graph.bans = this.#gate?.node
    }

    this.#gate = undefined
    this.#admission = undefined
    this.#leases.lose()
    this.#wake()

    await Promise.allSettled([
      this.#engine.callInTime('leave', this.#id),
      subscribed ? this.#config.client.unsubscribe(this.#engine.channel) : undefined
    ])
  }

  view (): FleetStat {
    const { name, node } = this.#config
    const error = this.#error
    const entries = [...this.#leases.entries()]

    return {
      name,
      node,
      state: this.#state,
      age: this.#now() - this.#answeredAt,
      nodes: this.#leases.nodes,
      ...error === undefined ? {} : { error },
      version: this.#version,
      blocked: this.#decisions.block.length,
      allowed: this.#decisions.allow.length,
      calls: this.#engine.calls,
      failures: this.#engine.failures,
      ended: this.#ended,
      leases: entries.slice(0, SHOWN_LEASES).map(({ fields, key }) => {
        const read = (of: 'held' | 'leased' | 'limit'): Record<string, number> => Object.fromEntries(fields.map(field => [LIMIT_FIELDS[field.field], field[of]]))

        return { scope: key, limit: read('limit'), leased: read('leased'), held: read('held') }
      })
    }
  }

  /**
   * Resolves when this node is part of the fleet and may lease room
   *
   * @throws {Error} if the engine does not answer in time, or cannot be used, saying why
   */
  async ready (timeout: Duration = MAX_BACK_OFF + this.#config.timeout + this.#config.ttl): Promise<void> {
    await this.#settled(parseDuration('timeout', timeout, 86_400_000))

    if (!this.#isSettled) {
      throw new Error(`fleet ${this.#config.name}: ${this.#error ?? 'not there yet'}`)
    }
  }

  // decisions

  /**
   * Trusts an address, a network, a peer there, or a peer wherever it is, as the option
   * `allowlist` of each node does
   *
   * @throws {InvalidParametersError} if it is none of these
   */
  async allow (entry: Multiaddr | string): Promise<void> {
    const text = entryText(entry)

    await this.#change(({ allow, ...others }) => ({ ...others, allow: allow.includes(text) ? allow : [...allow, text] }))
  }

  /**
   * Takes it back
   *
   * @returns Whether it was there
   */
  async disallow (entry: Multiaddr | string): Promise<boolean> {
    const text = entryText(entry)
    let found = false

    await this.#change(({ allow, ...others }) => {
      found = allow.includes(text)

      return { ...others, allow: allow.filter(other => other !== text) }
    })

    return found
  }

  /**
   * Refuses a peer, an IP address or a network on all nodes, and ends what there is with it.
   * Who is allowlisted is not affected by the block of its address.
   *
   * @throws {InvalidParametersError} if it is nobody, or naming the option that cannot be used
   */
  async block (target: BanTarget, options: BlockOptions = {}): Promise<void> {
    const text = targetText(target)
    const { for: duration = MAX_DECISION_TIME, reason = 'by the operator' } = options
    const length = parseDuration('for', duration, MAX_DECISION_TIME)

    await this.#change(({ block, ...others }, now) => ({
      ...others,
      block: [...block.filter(other => other.target !== text), { target: text, reason, begin: now, end: now + length }]
    }))
  }

  /**
   * Ends a block
   *
   * @returns Whether there was one
   */
  async unblock (target: BanTarget): Promise<boolean> {
    const text = targetText(target)
    let found = false

    await this.#change(({ block, ...others }) => {
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

    await this.#change(others => ({ ...others, limits }))
  }

  /**
   * What is in force on this node
   */
  get decisions (): FleetDecisions {
    return structuredClone(this.#decisions)
  }

  /**
   * What each node holds and all of them together, from the engine
   *
   * @throws {Error} if the engine does not answer
   */
  async stat (): Promise<FleetSums> {
    const { nodes } = await this.#read('nodes')
    const summaries = listOf(nodes).map(({ age, id, sum }) => ({ node: id.slice(0, id.lastIndexOf('.')), age, ...readSummary(sum) }))

    return { nodes: summaries, total: addSummaries(summaries) }
  }

  /**
   * The peers that hold most on all nodes together, largest first
   *
   * @param top - how many
   * @throws {Error} if the engine does not answer
   */
  async holders (top = 10): Promise<Array<ScopeStat & { peer: string, nodes: number }>> {
    const { nodes, total } = await this.stat()

    return Object.entries(total.peers)
      .map(([peer, held]) => ({ peer, nodes: nodes.filter(({ peers }) => Object.hasOwn(peers, peer)).length, ...held }))
      .sort((a, b) => connectionsOf(b) - connectionsOf(a) || b.memory - a.memory)
      .slice(0, top)
  }

  // decisions of all nodes

  async #change (change: (decisions: FleetDecisions, now: number) => FleetDecisions): Promise<void> {
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const { now = 0, policy = 0, text = '' } = await this.#read('')
      const before = (policy === 0 ? undefined : this.#parse(policy, text)) ?? this.#decisions
      const changed = change({ ...before, block: before.block.filter(({ end }) => end > now) }, now)

      checkDecisions(changed)

      const next = Math.max(policy, this.#version) + 1
      const { status } = await this.#engine.callInTime<DecideAnswer>('decide', { policy, next, text: JSON.stringify(changed) })

      if (status === 'ok') {
        this.#decide(changed, next, now)
        return
      }
    }

    throw new Error(`fleet ${this.#config.name}: others change the decisions at the same time`)
  }

  /**
   * @throws {Error} if the engine does not answer, or has data that cannot be used
   */
  async #read (what: 'nodes' | ''): Promise<ReadAnswer> {
    const answer = await this.#engine.callInTime<ReadAnswer>('read', what)

    if (answer.status === 'version') {
      throw new Error(versionText(answer.found))
    }

    return answer
  }

  #parse (version: number, text: string): FleetDecisions | undefined {
    try {
      return readDecisions(text)
    } catch (err: any) {
      if (this.#seen !== version) {
        this.#member?.log.error('fleet %s: decisions %d cannot be read, the last good ones stay: %s', this.#config.name, version, printable(String(err.message).slice(0, 500)))
      }
    }
  }

  /**
   * Reads what others have decided, and writes it back where the engine has forgotten it
   */
  async #refresh (): Promise<void> {
    if (this.#reading) {
      return
    }

    this.#reading = true

    try {
      const { now = 0, policy = 0, text = '' } = await this.#read('')

      if (policy < this.#version || policy === 0) {
        const next = Math.max(1, this.#version)
        const { status } = await this.#engine.callInTime<DecideAnswer>('decide', { policy, next, text: JSON.stringify(this.#decisions) })

        if (status === 'ok') {
          this.#version = next
          this.#seen = next
        }
      } else if (policy !== this.#seen) {
        const decisions = this.#parse(policy, text)

        if (decisions === undefined) {
          this.#seen = policy
        } else {
          this.#compareLimits(decisions.limits)
          this.#decide(decisions, policy, now)
        }
      }

      this.#schedule(0)
    } catch (err: any) {
      this.#failed(err)
    } finally {
      this.#reading = false
    }
  }

  /**
   * Those of the fleet count, and who has started this node should know
   */
  #compareLimits (limits: FleetLimits): void {
    if (this.#version === 0 && JSON.stringify(limits) !== JSON.stringify(this.#config.limits)) {
      this.#member?.log.error('fleet %s: fleet({ limits }) of this node is not what the fleet has, which counts. To change it, call setLimits(). Here: %s There: %s', this.#config.name, JSON.stringify(this.#config.limits), printable(JSON.stringify(limits)))
    }
  }

  #decide (decisions: FleetDecisions, version: number, now: number): void {
    if (version <= this.#version) {
      return
    }

    const before = this.#decisions

    this.#decisions = decisions
    this.#version = version
    this.#seen = version
    // what was asked for was asked under other limits
    this.#seq++

    const areOthers = JSON.stringify(before.limits) !== JSON.stringify(decisions.limits)

    if (areOthers) {
      this.#limits = new ResolvedFleetLimits(decisions.limits)
    }

    if (this.#member === undefined) {
      return
    }

    this.#member.log('fleet %s: decisions %d: %d blocked, %d allowed', this.#config.name, version, decisions.block.length, decisions.allow.length)

    if (areOthers) {
      this.#node.setLimits(this.#limits)
    }

    this.#applyDecisions(before, now === 0 ? 0 : Date.now() - now)
    this.#schedule(0)
  }

  #applyDecisions (before: FleetDecisions, skew: number): void {
    // first: somebody who is trusted now is not closed
    this.#allow(before.allow, this.#decisions.allow)
    this.#gate?.set(this.#decisions.block.map(block => banOf(block, skew)))
  }

  #allow (before: string[], after: string[]): void {
    const allowlist = this.#admission?.allowlist

    if (allowlist !== undefined) {
      after.filter(entry => !before.includes(entry)).forEach(entry => { allowlist.add(entry) })
      before.filter(entry => !after.includes(entry)).forEach(entry => { allowlist.remove(entry) })
    }
  }

  // what is told and asked in the background

  /**
   * Calls the engine then, or earlier if that was to be
   */
  #schedule (delay: number): void {
    const at = this.#now() + delay

    if (this.#member === undefined || at >= this.#timerAt) {
      return
    }

    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setBackgroundTimer(() => {
      this.#timerAt = Infinity
      this.#sync()
    }, delay)
  }

  #sync (): void {
    const member = this.#member

    if (member === undefined) {
      return
    }

    if (this.#engine.busy) {
      this.#schedule(this.#config.ttl / 4)
      return
    }

    this.#checkExpiry()
    this.#subscribe()
    this.#node.look()

    const seq = ++this.#seq
    const sentAt = this.#now()
    const request = this.#leases.request()

    clearTimeout(this.#lateness)
    this.#lateness = setBackgroundTimer(() => {
      seq === this.#seq && this.#failed(new Error(`the engine has not answered within ${this.#config.timeout} ms`))
    }, this.#config.timeout)

    this.#engine.call<SyncAnswer>('sync', {
      id: this.#id,
      seq,
      ttl: this.#config.ttl,
      policy: this.#seen,
      sum: JSON.stringify(summarize(member)),
      ...request
    }).then(answer => { this.#answered(seq, sentAt, request, answer) }, err => { seq === this.#seq && this.#failed(err) })
  }

  #answered (seq: number, sentAt: number, request: LeaseRequest, answer: SyncAnswer): void {
    const validUntil = sentAt + this.#config.ttl * SAFE_PART

    if (seq !== this.#seq || this.#member === undefined) {
      return
    }

    clearTimeout(this.#lateness)

    if (answer.status === 'version' || answer.status === 'ttl') {
      this.#failed(new Error(answer.status === 'version' ? versionText(answer.found) : `fleet.ttl: expected ${answer.found} ms as the other nodes have, got ${this.#config.ttl}`))
      return
    }

    if (answer.status === 'old' || validUntil <= this.#now()) {
      this.#leases.askAgain()
      this.#schedule(LEAST_DELAY)
      return
    }

    this.#failures = 0
    this.#error = undefined
    this.#answeredAt = sentAt
    this.#validUntil = validUntil
    clearTimeout(this.#expiry)
    this.#expiry = setBackgroundTimer(() => { this.#checkExpiry() }, validUntil - this.#now())

    if (answer.status === 'policy') {
      this.#leases.askAgain()
      void this.#refresh()
      return
    }

    if (this.#state !== 'joined') {
      this.#member.log('fleet %s: joined with %d nodes', this.#config.name, answer.nodes)
      this.#state = 'joined'
    }

    this.#quiet = answer.quiet ?? 0
    this.#leases.answered(request, answer)
    this.#isSettled && this.#wake()
    this.#schedule(this.#leases.urgent ? LEAST_DELAY : Math.min(this.#config.ttl / 4, this.#quiet > 0 ? this.#quiet + 1 : Infinity))
  }

  #failed (err: Error): void {
    if (this.#member === undefined) {
      return
    }

    clearTimeout(this.#lateness)

    const error = printable(String(err?.message ?? err)).slice(0, 500)

    if (this.#error !== error) {
      this.#member.log.error('fleet %s: %s', this.#config.name, error)
    }

    this.#error = error
    this.#leases.askAgain()
    this.#checkExpiry()
    this.#schedule(Math.min(FIRST_BACK_OFF * 2 ** this.#failures++, MAX_BACK_OFF))
  }

  #checkExpiry (): void {
    if (this.#leases.lost || this.#now() < this.#validUntil) {
      return
    }

    this.#leases.lose()
    this.#state = 'lost'
    this.#member?.warn(`fleet ${this.#config.name}: lost, each node decides by itself (onLoss: ${this.#config.onLoss}): ${this.#error ?? 'no answer'}`)
  }

  #subscribe (): void {
    if (this.#subscribed) {
      return
    }

    this.#subscribed = true
    this.#config.client.subscribe(this.#engine.channel, message => {
      if (Number(message) > this.#version) {
        void this.#refresh()
      }
    }).catch(async () => {
      // what it has missed is found out by the next call
      await this.#config.client.unsubscribe(this.#engine.channel).catch(() => {})
      this.#subscribed = false
    })
  }

  get #isSettled (): boolean {
    return this.#state === 'joined' && this.#quiet === 0
  }

  async #settled (timeout: number): Promise<void> {
    if (this.#isSettled) {
      return
    }

    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeout)

      this.#waiting.add(done)
    })
  }

  #wake (): void {
    for (const done of [...this.#waiting]) {
      done()
    }
  }
}

function connectionsOf ({ numConnsInbound, numConnsOutbound }: ScopeStat): number {
  return numConnsInbound + numConnsOutbound
}

function versionText (found: unknown): string {
  return `the engine has data of another version of this package (layout ${printable(String(found)).slice(0, 16)}): use another prefix or name, or the same version on all nodes`
}

/**
 * The normal form of an entry of the allowlist
 */
function entryText (entry: Multiaddr | string): string {
  const parsed = parseEntry(entry)

  if (!('address' in parsed)) {
    throw new InvalidParametersError('allow: expected an address or a peer id, as a tag or predicate is of one node only')
  }

  return parsed.address.toString()
}
