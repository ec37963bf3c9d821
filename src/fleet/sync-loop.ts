import { startClock } from '../util/clock.ts'
import { printable } from '../util/printable.ts'
import { runInSlices } from '../util/slices.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { versionText } from './engine.ts'
import { summarize } from './fleet-summary.ts'
import { Pace } from './pace.ts'
import type { Engine } from './engine.ts'
import type { FleetConfig } from './fleet-init.ts'
import type { FleetState } from './fleet-stat.ts'
import type { LeaseRequest, Leases } from './leases.ts'
import type { NodeLimits } from './node-limits.ts'
import type { SyncAnswer } from './protocol.ts'
import type { SharedDecisions } from './shared-decisions.ts'
import type { FleetMember } from '../manager/fleet-link.ts'

/**
 * The part of `ttl` after which a node scans at the latest all that it holds, and tells the fleet
 */
const SCAN = 1 / 4

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
  readonly #pace: Pace
  readonly #waiting = new Set<() => void>()
  #member?: FleetMember
  #state: FleetState = 'stopped'
  #seq = 0
  #acked = 0
  #answeredAt = -Infinity
  #validUntil = -Infinity
  #quiet = Infinity
  #refreshing = false

  /** What is waited for: an answer to this call, and the end of this scan */
  #calling?: number
  #scanning?: object
  #scanAt = -Infinity

  /** Whether the last scan took no longer than a slice: then there is one before each call */
  #scansAtOnce = false
  #sum = ''
  #error?: string
  #losses = 0
  #timer?: ReturnType<typeof setTimeout>
  #timerAt = Infinity
  #expiry?: ReturnType<typeof setTimeout>
  #lateness?: ReturnType<typeof setTimeout>

  constructor (init: SyncLoopInit) {
    this.#init = init
    this.#pace = new Pace(init.config.ttl)
  }

  get state (): FleetState {
    return this.#state
  }

  /** The clock of the times that answers have */
  get now (): number {
    return this.#now()
  }

  /** How old what is known of the fleet is, in ms */
  get age (): number {
    return this.#now() - this.#answeredAt
  }

  /** How often leases have ended without an answer */
  get losses (): number {
    return this.#losses
  }

  /** Why the engine last did not answer, as long as it does not */
  get error (): string | undefined {
    return this.#error
  }

  /** Whether this node is part of the fleet and may lease room */
  get settled (): boolean {
    return this.#mayLease && this.#init.node.settled
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
    this.#timerAt = Infinity
    this.#forget()
  }

  /**
   * There is something to ask for
   */
  wanted (): void {
    if (!this.#pace.failing) {
      this.#schedule(this.#pace.delay(this.#now()))
    }
  }

  /**
   * There are other limits: what was asked for is not what is needed any more
   */
  decided (): void {
    this.#forget()
    this.#init.leases.askAgain()
    this.#schedule(0)
  }

  /**
   * What is under way does not count any more
   */
  #forget (): void {
    this.#seq++
    this.#calling = undefined
    this.#scanning = undefined
    this.#scanAt = -Infinity
    clearTimeout(this.#lateness)
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

  wakeIfSettled (): void {
    this.settled && this.wake()
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
      this.#turn()
    }, delay)
  }

  /**
   * Asks for what is due. If the last scan was long ago, or takes no time, it scans first: there may
   * be more, and then a call that comes early takes the place of the next one.
   */
  #turn (): void {
    const { config: { ttl }, node } = this.#init
    const member = this.#member

    // whatever comes of these goes on
    if (member === undefined || this.#calling !== undefined || this.#scanning !== undefined) {
      return
    }

    this.#checkExpiry()

    if (this.#now() < this.#scanAt && !this.#scansAtOnce) {
      this.#call()
      return
    }

    const scan = this.#scanning = {}

    runInSlices(function * (slice) {
      yield * node.scan(slice)

      return yield * summarize(member, slice)
    }, summary => {
      if (scan === this.#scanning) {
        this.#scanning = undefined
        this.#scanAt = this.#now() + ttl * SCAN
        this.#sum = JSON.stringify(summary)
        this.#call()
      }
    }, setBackgroundTimer)
    this.#scansAtOnce = this.#scanning === undefined
  }

  #call (): void {
    const { config: { timeout, ttl }, decisions, engine, id, leases } = this.#init

    if (engine.busy) {
      // what has gone meanwhile was scanned all the same
      this.#schedule(ttl * SCAN)
      return
    }

    const seq = ++this.#seq
    const sentAt = this.#now()
    const request = leases.request(sentAt, ttl)

    decisions.listen(() => { this.#refresh() })
    this.#calling = seq
    this.#pace.called(sentAt)
    clearTimeout(this.#lateness)
    this.#lateness = setBackgroundTimer(() => {
      seq === this.#seq && this.#failed(new Error(`the engine has not answered within ${timeout} ms`))
    }, timeout)

    engine.call<SyncAnswer>('sync', {
      id,
      seq,
      acked: this.#acked,
      ttl,
      policy: decisions.seen,
      sum: this.#sum,
      ...request
    }).then(answer => { this.#answered(seq, sentAt, request, answer) }).catch(err => { seq === this.#seq && this.#failed(err) })
  }

  #answered (seq: number, sentAt: number, request: LeaseRequest, answer: SyncAnswer): void {
    const { config: { name, ttl }, decisions, leases } = this.#init
    const validUntil = sentAt + ttl * SAFE_PART

    if (seq !== this.#seq || this.#member === undefined) {
      return
    }

    this.#calling = undefined
    clearTimeout(this.#lateness)

    if (answer.status === 'version' || answer.status === 'ttl') {
      this.#failed(new Error(answer.status === 'version' ? versionText(answer.found) : `fleet.ttl: expected ${answer.found} ms as the other nodes have, got ${ttl}`))
      return
    }

    this.#pace.answered()

    if (answer.status === 'old' || validUntil <= this.#now()) {
      leases.askAgain()
      this.wanted()
      return
    }

    this.#error = undefined
    decisions.heard(answer.now)
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

    this.#acked = seq
    this.#quiet = quietOf(answer, ttl)
    leases.answered(request, answer, sentAt)

    if (answer.again === true) {
      leases.askAgain()
    }

    if (this.#quiet > 0) {
      // until then there is nothing to have
      this.#scanAt = Math.min(this.#scanAt, this.#now() + this.#quiet + 1)
    } else {
      this.#init.node.joined()
      this.wakeIfSettled()
      leases.due && this.wanted()
    }

    this.#schedule(Math.max(0, this.#scanAt - this.#now()))
  }

  get #mayLease (): boolean {
    return this.#state === 'joined' && this.#quiet === 0
  }

  #refresh (): void {
    if (this.#refreshing) {
      return
    }

    this.#refreshing = true
    this.#init.decisions.refresh()
      // a call that is under way is not the one that has failed
      .then(() => { this.#schedule(0) }, err => { this.#calling === undefined ? this.#failed(err) : this.#report(err) })
      .finally(() => { this.#refreshing = false })
  }

  #failed (err: Error): void {
    if (this.#member === undefined) {
      return
    }

    this.#calling = undefined
    clearTimeout(this.#lateness)
    this.#report(err)
    this.#init.leases.askAgain()
    this.#checkExpiry()
    this.#schedule(this.#pace.failed())
  }

  #report (err: Error): void {
    const error = printable(String(err?.message ?? err)).slice(0, 500)

    if (this.#error !== error) {
      this.#member?.log.error('fleet %s: %s', this.#init.config.name, error)
    }

    this.#error = error
  }

  #checkExpiry (): void {
    const { config: { name, onLoss }, leases } = this.#init

    if (leases.lost || this.#now() < this.#validUntil) {
      return
    }

    leases.lose()
    this.#losses++
    this.#state = 'lost'
    this.#member?.warn(`fleet ${name}: lost, each node decides by itself (onLoss: ${onLoss}): ${this.#error ?? 'no answer'}`)
  }
}

/**
 * Somebody else has sent it
 */
function quietOf ({ quiet }: SyncAnswer, ttl: number): number {
  return typeof quiet === 'number' && quiet > 0 ? Math.min(quiet, ttl) : 0
}
