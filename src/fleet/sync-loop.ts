import { startClock } from '../util/clock.ts'
import { printable } from '../util/printable.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { versionText } from './engine.ts'
import { summarize } from './fleet-summary.ts'
import type { Engine } from './engine.ts'
import type { FleetConfig } from './fleet-init.ts'
import type { FleetState } from './fleet-stat.ts'
import type { LeaseRequest, Leases } from './leases.ts'
import type { NodeLimits } from './node-limits.ts'
import type { SyncAnswer } from './protocol.ts'
import type { SharedDecisions } from './shared-decisions.ts'
import type { FleetMember } from '../manager/fleet-link.ts'

/**
 * The shortest time between two calls, and what a failure makes the time to the next one at
 * first and in the end, in ms
 */
const LEAST_DELAY = 50
const FIRST_BACK_OFF = 250
export const MAX_BACK_OFF = 5_000

/**
 * The part of a lease that a node uses: its clock may be a little slow
 */
const SAFE_PART = 0.95

export interface SyncLoopInit {
  config: FleetConfig
  engine: Engine

  /** Of this run of the node */
  id: string
  leases: Leases
  decisions: SharedDecisions
  node: NodeLimits
}

/**
 * Tells the engine what this node holds and asks it for room, again and again in the
 * background, and knows whether what it has answered still counts
 */
export class SyncLoop {
  readonly #init: SyncLoopInit
  readonly #now = startClock()
  readonly #waiting = new Set<() => void>()
  #member?: FleetMember
  #state: FleetState = 'stopped'
  #seq = 0
  #answeredAt = -Infinity
  #validUntil = -Infinity
  #quiet = Infinity
  #failures = 0
  #refreshing = false
  #error?: string
  #timer?: ReturnType<typeof setTimeout>
  #timerAt = Infinity
  #expiry?: ReturnType<typeof setTimeout>
  #lateness?: ReturnType<typeof setTimeout>

  constructor (init: SyncLoopInit) {
    this.#init = init
  }

  get state (): FleetState {
    return this.#state
  }

  /** How old what is known of the fleet is, in ms */
  get age (): number {
    return this.#now() - this.#answeredAt
  }

  /** Why the engine last did not answer, as long as it does not */
  get error (): string | undefined {
    return this.#error
  }

  /** Whether this node is part of the fleet and may lease room */
  get settled (): boolean {
    return this.#state === 'joined' && this.#quiet === 0
  }

  start (member: FleetMember): void {
    this.#member = member
    this.#state = 'joining'
    this.#schedule(0)
  }

  stop (): void {
    this.#member = undefined
    this.#state = 'stopped'
    clearTimeout(this.#timer)
    clearTimeout(this.#expiry)
    clearTimeout(this.#lateness)
    this.#timerAt = Infinity
    this.forgetCalls()
  }

  /**
   * There is something to ask for
   */
  wanted (): void {
    this.#schedule(LEAST_DELAY)
  }

  /**
   * What was asked for is not what is needed any more: its answer does not count
   */
  decided (): void {
    this.forgetCalls()
    this.#schedule(0)
  }

  forgetCalls (): void {
    this.#seq++
  }

  /**
   * Resolves when this node may lease room, after a time, or when `wake` is called
   *
   * @param timeout - in ms
   */
  async untilSettled (timeout: number): Promise<void> {
    if (this.settled) {
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

  wake (): void {
    for (const done of [...this.#waiting]) {
      done()
    }
  }

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
    const { config: { timeout, ttl }, decisions, engine, id, leases, node } = this.#init
    const member = this.#member

    if (member === undefined) {
      return
    }

    if (engine.busy) {
      this.#schedule(ttl / 4)
      return
    }

    this.#checkExpiry()
    decisions.listen(() => { this.#refresh() })
    node.look()

    const seq = ++this.#seq
    const sentAt = this.#now()
    const request = leases.request()

    clearTimeout(this.#lateness)
    this.#lateness = setBackgroundTimer(() => {
      seq === this.#seq && this.#failed(new Error(`the engine has not answered within ${timeout} ms`))
    }, timeout)

    engine.call<SyncAnswer>('sync', {
      id,
      seq,
      ttl,
      policy: decisions.seen,
      sum: JSON.stringify(summarize(member)),
      ...request
    }).then(answer => { this.#answered(seq, sentAt, request, answer) }, err => { seq === this.#seq && this.#failed(err) })
  }

  #answered (seq: number, sentAt: number, request: LeaseRequest, answer: SyncAnswer): void {
    const { config: { name, ttl }, leases } = this.#init
    const validUntil = sentAt + ttl * SAFE_PART

    if (seq !== this.#seq || this.#member === undefined) {
      return
    }

    clearTimeout(this.#lateness)

    if (answer.status === 'version' || answer.status === 'ttl') {
      this.#failed(new Error(answer.status === 'version' ? versionText(answer.found) : `fleet.ttl: expected ${answer.found} ms as the other nodes have, got ${ttl}`))
      return
    }

    if (answer.status === 'old' || validUntil <= this.#now()) {
      leases.askAgain()
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
      leases.askAgain()
      this.#refresh()
      return
    }

    if (this.#state !== 'joined') {
      this.#member.log('fleet %s: joined with %d nodes', name, answer.nodes)
      this.#state = 'joined'
    }

    this.#quiet = answer.quiet ?? 0
    leases.answered(request, answer)
    this.settled && this.wake()
    this.#schedule(leases.urgent ? LEAST_DELAY : Math.min(ttl / 4, this.#quiet > 0 ? this.#quiet + 1 : Infinity))
  }

  #refresh (): void {
    if (this.#refreshing) {
      return
    }

    this.#refreshing = true
    this.#init.decisions.refresh()
      .then(() => { this.#schedule(0) }, err => { this.#failed(err) })
      .finally(() => { this.#refreshing = false })
  }

  #failed (err: Error): void {
    if (this.#member === undefined) {
      return
    }

    clearTimeout(this.#lateness)

    const error = printable(String(err?.message ?? err)).slice(0, 500)

    if (this.#error !== error) {
      this.#member.log.error('fleet %s: %s', this.#init.config.name, error)
    }

    this.#error = error
    this.#init.leases.askAgain()
    this.#checkExpiry()
    this.#schedule(Math.min(FIRST_BACK_OFF * 2 ** this.#failures++, MAX_BACK_OFF))
  }

  #checkExpiry (): void {
    const { config: { name, onLoss }, leases } = this.#init

    if (leases.lost || this.#now() < this.#validUntil) {
      return
    }

    leases.lose()
    this.#state = 'lost'
    this.#member?.warn(`fleet ${name}: lost, each node decides by itself (onLoss: ${onLoss}): ${this.#error ?? 'no answer'}`)
  }
}
