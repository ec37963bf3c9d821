import { TimeoutError } from '@libp2p/interface'
import { Patience } from '../../fairness/patience.ts'
import { setBackgroundTimer } from '../../util/timers.ts'
import type { TransientHolders } from './transient-holders.ts'
import type { Core } from '../../manager/core.ts'
import type { TransientTimeoutsStat } from '../../manager/resource-manager-stat.ts'

/**
 * After how long libp2p (3.x) gives up a handshake and a negotiation, in ms, if the upgrader
 * does not say
 */
const USUAL = 10_000

/**
 * The shortest timeout of a handshake or negotiation, in ms: three round trips of a second each
 */
const LEAST = 3_000

/**
 * How often slow handshakes and negotiations are ended, in ms, while anything is transient
 */
const INTERVAL = 500

/**
 * libp2p's own timeouts. They are private, and there if they are.
 */
interface Timeouts {
  inboundUpgradeTimeout?: number
  inboundStreamProtocolNegotiationTimeout?: number
}

type Kind = 'connection' | 'stream'

/**
 * Ends inbound handshakes and negotiations earlier the fuller the transient scope is, so that
 * those who never finish do not keep slots that others need. As long as it is less than half
 * full libp2p's own timeouts apply, and nothing happens here.
 */
export class TransientTimeouts {
  readonly #manager: Core
  readonly #holders: TransientHolders
  readonly #usual: Record<Kind, number>
  readonly #patience: Record<Kind, Patience>
  readonly #timeouts: Record<Kind, number>
  #timer?: ReturnType<typeof setTimeout>
  #started = false
  #expired = 0

  /**
   * @param manager
   * @param holders - what is transient
   * @param upgrader - whose timeouts are shortened
   */
  constructor (manager: Core, holders: TransientHolders, upgrader: object) {
    const { inboundStreamProtocolNegotiationTimeout, inboundUpgradeTimeout } = upgrader as Timeouts

    this.#manager = manager
    this.#holders = holders
    this.#usual = { connection: timeoutOr(inboundUpgradeTimeout), stream: timeoutOr(inboundStreamProtocolNegotiationTimeout) }
    this.#patience = { connection: new Patience(this.#usual.connection, LEAST), stream: new Patience(this.#usual.stream, LEAST) }
    this.#timeouts = { ...this.#usual }
    holders.onAdded = () => { this.#schedule() }
  }

  start (): void {
    this.#started = true
    this.#schedule()
  }

  stop (): void {
    this.#started = false
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  stat (): TransientTimeoutsStat {
    return { ...this.#timeouts, expired: this.#expired }
  }

  /**
   * Ends what takes too long now
   */
  expire (): void {
    const expired = this.#expireOf('connection') + this.#expireOf('stream')

    if (expired > 0) {
      const { connection, stream } = this.#timeouts

      this.#manager.warn(`transient is nearly full: gave up ${expired} inbound handshakes and negotiations, which may take ${connection} and ${stream} ms now`)
    }
  }

  #expireOf (kind: Kind): number {
    const { connsInbound, limit, streamsInbound } = this.#manager.graph.normal.transient
    const [used, most] = kind === 'connection'
      ? [connsInbound, Math.min(limit.conns, limit.connsInbound)]
      : [streamsInbound, Math.min(limit.streams, limit.streamsInbound)]
    const timeout = this.#patience[kind].at(most > 0 ? used / most : 0)

    this.#timeouts[kind] = timeout

    // libp2p does it itself, or nobody does
    if (timeout === this.#usual[kind] || !this.#manager.enforces) {
      return 0
    }

    const late = this.#holders.inboundFor(kind, timeout)

    // what was late before another one was ended may have ended with it
    for (const { scope } of late) {
      if (!scope.closed) {
        scope.holder?.evict(new TimeoutError(`gave up after ${timeout} ms, while others wait for a slot`), '')
      }
    }

    this.#expired += late.length

    return late.length
  }

  #schedule (): void {
    if (!this.#started || this.#timer != null) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.expire()

      if (this.#holders.size > 0) {
        this.#schedule()
      }
    }, INTERVAL)
  }
}

function timeoutOr (value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : USUAL
}
