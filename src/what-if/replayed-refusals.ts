import { formatSetting } from '../limits/setting.ts'
import { OF_PEERS } from './recorded-usage.ts'
import type { Resource } from '../errors.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * How many scopes are listed one by one. The others are listed by their kind only.
 */
const MAX_SCOPES = 1_024

/**
 * What one limit would have refused
 */
export interface ReplayedRefusals {
  /** The kind of the scope */
  kind: string

  /**
   * The name of the scope. For peers and their shares of protocols and services, the first one
   * that refused.
   */
  scope: string

  /** What there was not enough of */
  resource: Resource

  /** Set where the limit was one for a single direction */
  direction?: MessageStreamDirection

  /** How often */
  count: number

  /** The limit: a number, or bytes of memory */
  limit: number

  /** The setting to change, such as `System.StreamsInbound` */
  setting?: string

  /** When it refused first, in ms since 1970 */
  first: number

  /** When it refused last, in ms since 1970 */
  last: number
}

export interface RefusedBy {
  kind: string
  scope: string
  resource: Resource
  direction?: MessageStreamDirection | undefined
  limit: number
  settingPath?: SettingPath | undefined
}

/**
 * Adds up what is refused, by the limit that refuses it
 */
export class RefusalSummary {
  count = 0
  readonly #groups = new Map<string, ReplayedRefusals>()

  add ({ direction, kind, limit, resource, scope, settingPath }: RefusedBy, time: number): void {
    const setting = settingPath == null ? undefined : formatSetting(settingPath)
    const isNamed = !OF_PEERS.has(kind as any) && kind !== 'conn' && kind !== 'stream' && kind !== 'span'
    const what = `${resource} ${direction}`
    const own = `${isNamed ? scope : `${kind} ${setting}`} ${what}`
    const isOwn = this.#groups.has(own) || this.#groups.size < MAX_SCOPES
    const key = isOwn ? own : `${kind} ${what}`
    let group = this.#groups.get(key)

    this.count++

    if (group === undefined) {
      group = { kind, scope: isOwn ? scope : kind, resource, direction, count: 0, limit, setting, first: time, last: time }
      this.#groups.set(key, group)
    }

    group.count++
    group.last = time
  }

  /**
   * The one that refused most first
   */
  list (): ReplayedRefusals[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count)
  }
}
