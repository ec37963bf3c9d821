import { HandshakeBudget } from '../../fairness/handshake-budget.ts'
import { Rule } from '../../scopes/refusal.ts'
import { oneConnection } from '../../scopes/usage.ts'
import { setBackgroundTimer } from '../../util/timers.ts'
import type { FairnessConfig } from '../../fairness/fairness-init.ts'
import type { OverBudget } from '../../fairness/handshake-budget.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What the handshake of noise with yamux takes of the CPU at this end, in ms, with the
 * connection that is made of it: 2.9 on the machine of bench/README.md (`npm run bench:node -- connections`),
 * and about half of that for one that stops in the middle. It is not measured while a node runs, because
 * all else that the node does would be in the figure. On a slower machine the event loop
 * is busy sooner, and the share is less.
 */
const COST = 3

/**
 * How often it is measured how late the event loop is, in ms, while handshakes are many
 */
const INTERVAL = 100

/**
 * How late it may be, in ms: about as much as nobody notices
 */
const LATE = 50

/**
 * How much of the time the event loop may be at work. With more, sockets wait to be accepted.
 * That does not make it late: Node.js accepts one socket each time around.
 */
const BUSY = 0.9

/**
 * How the budget shrinks or grows with each measurement: it is down within half a second, and
 * back within five. Half of it always stays: a node that answers nobody would help nobody.
 */
const DECREASE = 0.8
const INCREASE = 0.01
const LEAST = 0.5

const HANDSHAKES = new Rule<OverBudget['group']>('handshakes', {
  setting: ['fairness', 'handshakes'],
  nameOf: group => group === 'all' ? 'handshakes' : `handshakes of a ${group}`
})

/**
 * Refuses inbound connections, group by group, while remotes begin more handshakes than the
 * node has time for: when its event loop is late or never idle. The transient scope bounds how
 * many run at a time.
 */
export class Handshakes {
  readonly budget: HandshakeBudget
  readonly #now: () => number
  #timer?: ReturnType<typeof setTimeout>

  /**
   * @param config
   * @param cpu - the share of a CPU that handshakes may take
   * @param now - in ms
   */
  constructor (config: FairnessConfig, cpu: number, now: () => number) {
    this.budget = new HandshakeBudget(1_000 * cpu / COST, config, now)
    this.#now = now
  }

  /**
   * Why an inbound connection comes too soon, if so
   */
  find (address: Multiaddr | undefined): Refusal | undefined {
    // a node that is not late has time for more, such as a burst of peers that come back
    if (this.budget.share === 1) {
      return
    }

    const over = this.budget.find(address)

    return over === undefined ? undefined : HANDSHAKES.refuse('rate', oneConnection(true, false), over.current, over.limit, over.group)
  }

  /**
   * An inbound connection was accepted
   */
  begin (address: Multiaddr | undefined): void {
    this.budget.begin(address)

    if (this.#timer === undefined && this.budget.contended) {
      this.#measure()
    }
  }

  stop (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.budget.share = 1
  }

  #measure (): void {
    const due = this.#now() + INTERVAL
    const utilization = utilizationFromNow()

    this.#timer = setBackgroundTimer(() => {
      const { budget } = this

      this.#timer = undefined
      budget.share = this.#now() - due > LATE || utilization() > BUSY
        ? Math.max(LEAST, DECREASE * budget.share)
        : Math.min(1, budget.share + INCREASE)

      if (budget.contended || budget.share < 1) {
        this.#measure()
      }
    }, INTERVAL)
  }
}

interface Utilization {
  readonly utilization: number
}

/**
 * What Node.js has beside what browsers have
 */
interface NodePerformance {
  eventLoopUtilization?(since?: Utilization): Utilization
}

/**
 * The part of the time from now on in which the event loop is at work, from 0 to 1. Browsers
 * do not say.
 */
function utilizationFromNow (): () => number {
  const performance = globalThis.performance as NodePerformance | undefined
  const start = performance?.eventLoopUtilization?.()

  return () => performance?.eventLoopUtilization?.(start).utilization ?? 0
}
