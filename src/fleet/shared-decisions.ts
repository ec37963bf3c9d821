import { printable } from '../util/printable.ts'
import { banOf, checkDecisions, NO_DECISIONS, readDecisions } from './decisions.ts'
import { FleetGate } from './fleet-gate.ts'
import { ResolvedFleetLimits } from './fleet-limits.ts'
import type { FleetDecisions } from './decisions.ts'
import type { Engine } from './engine.ts'
import type { FleetConfig } from './fleet-init.ts'
import type { FleetLimits } from './fleet-limits.ts'
import type { NodeLimits } from './node-limits.ts'
import type { DecideAnswer } from './protocol.ts'
import type { Admission } from '../admission/admission.ts'
import type { FleetMember } from '../manager/fleet-link.ts'

/**
 * How often a change is tried again if somebody else was first
 */
const MAX_CONFLICTS = 10

export interface SharedDecisionsInit {
  config: FleetConfig
  engine: Engine
  node: NodeLimits

  /** In ms, and never goes back */
  now(): number

  /** Others are in force here from now on */
  decided(): void
}

/**
 * The decisions for all nodes, as this node knows them: who is trusted, who is blocked, and the
 * limits. It reads and writes them in the engine, and applies them on the node.
 */
export class SharedDecisions {
  readonly #init: SharedDecisionsInit
  #member?: FleetMember
  #admission?: Admission
  #gate?: FleetGate
  #decisions: FleetDecisions
  #limits: ResolvedFleetLimits

  /**
   * How far the clock of the engine was ahead of `now` when it answered last, in ms. The time of
   * day of the node is not asked: somebody may set it while they are in force.
   */
  #ahead = 0

  /** Of the decisions in force here, and the latest one that was seen, which may be unreadable */
  #version = 0
  #seen = 0

  /** Is told when there are others */
  #listener?: (message: string) => void

  constructor (init: SharedDecisionsInit) {
    const { limits } = init.config

    this.#init = init
    this.#decisions = { ...NO_DECISIONS, limits }
    // a node with limits has to find out whether they are those of the fleet
    this.#seen = Object.keys(limits).length === 0 ? 0 : -1
    this.#limits = new ResolvedFleetLimits(limits)
  }

  /** In force here */
  get current (): FleetDecisions {
    return this.#decisions
  }

  get version (): number {
    return this.#version
  }

  /** The latest version that this node has seen, whether or not it could be read */
  get seen (): number {
    return this.#seen
  }

  /**
   * The engine has answered, and said what time it is. The clock of this node stands still while
   * its machine sleeps.
   */
  heard (now: unknown): void {
    if (Number.isSafeInteger(now)) {
      this.#ahead = Number(now) - this.#init.now()
    }
  }

  start (member: FleetMember, admission?: Admission): void {
    const { graph } = member.metricsSource

    this.#member = member
    this.#admission = admission
    this.#gate = new FleetGate(member, () => this.#init.now() + this.#ahead, graph.bans)
    this.#init.node.start(member, admission, this.#limits)
    this.#apply(NO_DECISIONS)
  }

  /**
   * The node decides by itself from now on
   */
  stop (): void {
    const graph = this.#member?.metricsSource.graph

    this.#init.node.stop()
    this.#allow(this.#decisions.allow, [])

    if (graph !== undefined && graph.bans === this.#gate) {
      graph.bans = this.#gate?.node
    }

    this.#member = undefined
    this.#admission = undefined
    this.#gate = undefined
  }

  /**
   * Subscribes to changes, unless that has begun already
   *
   * @param changed - is called when the engine has others
   */
  listen (changed: () => void): void {
    if (this.#listener !== undefined) {
      return
    }

    const { config: { client }, engine } = this.#init
    const listener = (message: string): void => {
      Number(message) > this.#version && changed()
    }

    this.#listener = listener
    client.subscribe(engine.channel, listener).catch(async () => {
      // what it has missed is found out by the next call
      await client.unsubscribe(engine.channel, listener).catch(() => {})

      if (this.#listener === listener) {
        this.#listener = undefined
      }
    })
  }

  async unlisten (): Promise<void> {
    const listener = this.#listener

    if (listener !== undefined) {
      this.#listener = undefined
      await this.#init.config.client.unsubscribe(this.#init.engine.channel, listener)
    }
  }

  /**
   * Changes them for all nodes
   *
   * @throws {InvalidParametersError} naming what cannot be used
   * @throws {Error} if the engine does not answer, or others are always first
   */
  async change (change: (decisions: FleetDecisions, now: number) => FleetDecisions): Promise<void> {
    const { config: { name }, engine } = this.#init

    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const { now, policy, text } = await this.#read()
      const before = (policy === 0 ? undefined : this.#parse(policy, text)) ?? this.#decisions
      const changed = change({ ...before, block: before.block.filter(({ end }) => end > now) }, now)

      checkDecisions(changed)

      const next = Math.max(policy, this.#version) + 1
      const { status } = await engine.callInTime<DecideAnswer>('decide', { policy, next, text: JSON.stringify(changed) })

      if (status === 'ok') {
        this.#decide(changed, next)
        return
      }
    }

    throw new Error(`fleet ${name}: others change the decisions at the same time`)
  }

  /**
   * Reads what others have decided, and writes it back where the engine has forgotten it
   *
   * @throws {Error} if the engine does not answer
   */
  async refresh (): Promise<void> {
    const { engine } = this.#init
    const { policy, text } = await this.#read()

    if (policy < this.#version || policy === 0) {
      const next = Math.max(1, this.#version)
      const { status } = await engine.callInTime<DecideAnswer>('decide', { policy, next, text: JSON.stringify(this.#decisions) })

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
        this.#decide(decisions, policy)
      }
    }
  }

  async #read (): ReturnType<Engine['read']> {
    const answer = await this.#init.engine.read('')

    this.heard(answer.now)

    return answer
  }

  #parse (version: number, text: string): FleetDecisions | undefined {
    try {
      return readDecisions(text)
    } catch (err: any) {
      if (this.#seen !== version) {
        this.#member?.log.error('fleet %s: decisions %d cannot be read, the last good ones stay: %s', this.#init.config.name, version, printable(String(err.message).slice(0, 500)))
      }
    }
  }

  /**
   * The limits of the fleet count, and whoever has started this node should know
   */
  #compareLimits (limits: FleetLimits): void {
    const { config } = this.#init

    if (this.#version === 0 && JSON.stringify(limits) !== JSON.stringify(config.limits)) {
      this.#member?.log.error('fleet %s: fleet({ limits }) of this node is not what the fleet has, which counts. To change it, call setLimits(). Here: %s There: %s', config.name, JSON.stringify(config.limits), printable(JSON.stringify(limits)))
    }
  }

  #decide (decisions: FleetDecisions, version: number): void {
    if (version <= this.#version) {
      return
    }

    const before = this.#decisions
    const areOthers = JSON.stringify(before.limits) !== JSON.stringify(decisions.limits)

    this.#decisions = decisions
    this.#version = version
    this.#seen = version

    if (areOthers) {
      this.#limits = new ResolvedFleetLimits(decisions.limits)
    }

    // what was asked for was asked under other limits
    this.#init.decided()

    if (this.#member === undefined) {
      return
    }

    this.#member.log('fleet %s: decisions %d: %d blocked, %d allowed', this.#init.config.name, version, decisions.block.length, decisions.allow.length)

    if (areOthers) {
      this.#init.node.setLimits(this.#limits)
    }

    this.#apply(before)
  }

  #apply (before: FleetDecisions): void {
    // first: somebody who is trusted now is not closed
    this.#allow(before.allow, this.#decisions.allow)
    this.#gate?.set(this.#decisions.block.map(banOf))
  }

  #allow (before: string[], after: string[]): void {
    const allowlist = this.#admission?.allowlist

    if (allowlist !== undefined) {
      const [old, current] = [new Set(before), new Set(after)]

      after.filter(entry => !old.has(entry)).forEach(entry => { allowlist.add(entry) })
      before.filter(entry => !current.has(entry)).forEach(entry => { allowlist.remove(entry) })
    }
  }
}
