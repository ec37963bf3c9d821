import type { SessionLimit, SessionRefusal } from './session-refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

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
 * What a collector has refused, by limit and direction. Those that could refuse
 * something are there from the beginning: a rate cannot be computed from a number that
 * was not there before.
 */
export class SessionRefusalCounts {
  readonly entries: readonly SessionRefusalCount[]

  constructor (collector: string, settings: SessionLimit[]) {
    this.entries = settings.flatMap(setting => [
      { collector, direction: 'inbound', setting, count: 0 },
      { collector, direction: 'outbound', setting, count: 0 }
    ])
  }

  add ({ direction, setting }: SessionRefusal): void {
    const entry = this.entries.find(entry => entry.direction === direction && entry.setting === setting)

    if (entry != null) {
      entry.count++
    }
  }
}
