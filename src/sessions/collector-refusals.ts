import { Rule } from '../scopes/refusal.ts'
import { oneOf } from '../scopes/usage.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * The setting of a collector that refuses
 */
export type SessionLimit = typeof SETTINGS[number]

const SETTINGS = ['maxSessions', 'maxRxBitrate', 'maxTxBitrate'] as const

/**
 * How often a limit of a collector has refused streams or connections of one direction
 */
export interface SessionRefusalCount {
  /** The id of the collector */
  collector: string
  direction: MessageStreamDirection
  setting: SessionLimit
  count: number
}

/**
 * More sessions or bits per second than a collector may have
 */
export interface Excess {
  setting: SessionLimit

  /**
   * How many sessions there are, or the bit rate in bit/s
   */
  current: number

  /**
   * How many sessions there may be, or the highest bit rate in bit/s
   */
  limit: number

  /** Whether it is the part of this node of what several share */
  shared?: boolean
}

/**
 * Refusals of a collector, by limit and direction. Limits that could refuse something have
 * counts from the beginning: nobody can compute a rate from a number that was not there before.
 */
export class CollectorRefusals {
  readonly counts: SessionRefusalCount[] = []
  readonly #collector: string
  readonly #rules: Record<SessionLimit, Rule>
  readonly #sharedRules: Partial<Record<SessionLimit, Rule>> = {}
  readonly #service: string

  /**
   * @param service - the one that the collector is for
   * @param collector - the id of the collector
   * @param settings - those that may refuse something
   */
  constructor (service: string, collector: string, settings: SessionLimit[]) {
    const createRule = (setting: SessionLimit, exceeded: string): Rule => new Rule('collector', { exceeded, setting: ['sessions', 'collectors', service, setting] })

    this.#service = service
    this.#collector = collector
    this.#rules = {
      maxSessions: createRule('maxSessions', 'session'),
      maxRxBitrate: createRule('maxRxBitrate', 'bit rate'),
      maxTxBitrate: createRule('maxTxBitrate', 'bit rate')
    }
    settings.forEach(setting => { this.expect(setting) })
  }

  /**
   * A limit may refuse something from now on
   */
  expect (setting: SessionLimit): void {
    if (!this.counts.some(count => count.setting === setting)) {
      this.counts.push(
        { collector: this.#collector, direction: 'inbound', setting, count: 0 },
        { collector: this.#collector, direction: 'outbound', setting, count: 0 }
      )
    }
  }

  /**
   * Refuses one more stream or connection. Nobody knows what it would have transferred, so it
   * counts as one even if the limit is a bit rate.
   */
  refuse ({ current, limit, setting, shared }: Excess, request: 'connection' | 'stream', direction: MessageStreamDirection): Refusal {
    const rule = shared === true ? this.#sharedRule(setting) : this.#rules[setting]

    return rule.refuse(setting === 'maxSessions' ? request : 'rate', oneOf(request, direction === 'inbound'), current, limit, this.#service)
  }

  #sharedRule (setting: SessionLimit): Rule {
    this.#sharedRules[setting] ??= new Rule('collector', { exceeded: 'bit rate', setting: ['fleet', 'limits', 'sessions', 'collectors', this.#service, setting] })

    return this.#sharedRules[setting]
  }

  /**
   * Counts a refusal that this one has answered
   *
   * @returns the setting, where it is the part of this node of what several share
   */
  add ({ direction, refuser }: Refusal): SessionLimit | undefined {
    const setting = SETTINGS.find(setting => this.#rules[setting] === refuser || this.#sharedRules[setting] === refuser)

    if (setting === undefined) {
      return
    }

    this.expect(setting)

    const count = this.counts.find(count => count.direction === direction && count.setting === setting)

    if (count != null) {
      count.count++
    }

    return this.#sharedRules[setting] === refuser ? setting : undefined
  }
}
