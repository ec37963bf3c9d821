import { formatSetting } from '../limits/setting.ts'
import { Latest } from '../util/latest.ts'
import { CAPACITY } from './recent-refusals.ts'
import { nameRequester, requesterOf } from './requester.ts'
import type { NamedRequester, Requester } from './requester.ts'
import type { Eviction } from '../scopes/evictions.ts'

/**
 * A connection or stream that has given way to another in a full scope, or would have where
 * limits are not enforced. Whose it was is said as far as it was known.
 */
export interface RecentEviction extends NamedRequester {
  /** In ms since 1970 */
  time: number

  /** The kind of the scope that was full: `system`, `transient`, `protocol` or `service` */
  kind: string

  /** Its name */
  scope: string

  /** What gave way */
  resource: 'connection' | 'stream'

  /**
   * The groups that it was of: network, subnet, host and peer. Those that are not known are
   * empty. It gave way because its first group that differs from the one in `to` held more.
   */
  from: string[]

  /** The groups of what has got the place */
  to: string[]

  /** How much of the resource was in use: a number, or bytes of memory */
  current: number

  /** The limit of the scope: a number, or bytes of memory */
  limit: number

  /** The setting to change, as in `ResourceLimitExceededError` */
  setting?: string
}

interface Entry extends Omit<Eviction, 'victim'> {
  time: number
  resource: RecentEviction['resource']
  requester: Requester
}

/**
 * Remembers the latest evictions, in a bounded list. They are put into words when somebody
 * asks.
 */
export class RecentEvictions {
  readonly #entries = new Latest<Entry>(CAPACITY)

  add ({ from, refusal, scope, to, victim }: Eviction): void {
    this.#entries.add({
      time: Date.now(),
      from,
      refusal,
      scope,
      to,
      resource: victim.kind === 'conn' ? 'connection' : 'stream',
      // its scopes are read now: the scope itself is not kept
      requester: requesterOf({ requester: victim })
    })
  }

  /**
   * Latest first
   */
  list (): RecentEviction[] {
    return this.#entries.list().map(describe)
  }
}

function describe ({ from, refusal: { current, limit, settingPath }, requester, resource, scope, time, to }: Entry): RecentEviction {
  return {
    time,
    kind: scope.kind,
    scope: scope.name,
    resource,
    from: [...from],
    to: [...to],
    current,
    limit,
    setting: settingPath == null ? undefined : formatSetting(settingPath),
    ...nameRequester(requester)
  }
}
