import { formatSetting } from '../limits/setting.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import type { Resource } from '../errors.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { Usage } from '../scopes/usage.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * How often one kind of scope, or of limit by address or rate, has refused one
 * resource
 */
export interface RefusalCount {
  /**
   * What refused: a kind of scope such as `system` or `protocolPeer`, or `subnet`,
   * `network`, `global`, `peer` or `protocol` for a limit by subnet or of a rate, or
   * `collector` for one of sessions
   */
  kind: string

  /** What there was not enough of */
  resource: Resource

  /**
   * Set where the limit was one for a single direction
   */
  direction?: MessageStreamDirection

  /** How often, since the manager was made */
  count: number

  /**
   * The setting to change, as in `ResourceLimitExceededError`. If scopes of the kind have
   * different settings, that of the last refusal.
   */
  setting?: string

  /**
   * When the last one was, in ms since 1970, give or take a tenth of a second
   */
  lastTime: number
}

/**
 * The same, told apart further by what was asked for
 */
export interface RequestCount extends Omit<RefusalCount, 'setting'> {
  /**
   * The direction of what was refused, whether or not the limit was one for a single
   * direction
   */
  requested?: MessageStreamDirection

  /**
   * What was refused, where the resource does not say
   */
  request?: Refusal['request']

  /**
   * What was refused is a connection that would have used a file descriptor
   */
  usefd: boolean

  /**
   * How much was refused, which for memory are bytes
   */
  amount: number

  /**
   * The last one
   */
  last: Refusal

  /**
   * When it was looked at, in `RESOLUTION`
   */
  tick: number
}

/**
 * How long the time and the last refusal of an entry stay as they are, in ms: in a flood,
 * asking the system for the time would take as long as everything else
 */
const RESOLUTION = 100

/**
 * Counts refusals by the kind of what refused and by what was asked for: a few
 * dozen numbers, however many scopes there are
 */
export class RefusalCounts {
  // few enough that a search is faster than making a key
  readonly #counts: RequestCount[] = []
  #tick = 0
  #isTicking = false

  add (refusal: Refusal): void {
    const { added, attempted, direction, kind, request, resource } = refusal
    const requested = directionOf(added) ?? direction
    const usefd = added != null && added.fd > 0

    for (const entry of this.#counts) {
      if (entry.kind === kind && entry.resource === resource && entry.direction === direction && entry.requested === requested && entry.request === request && entry.usefd === usefd) {
        entry.count++
        entry.amount += attempted

        if (entry.tick !== this.#tick) {
          this.#touch(entry, refusal)
        }

        return
      }
    }

    const entry: RequestCount = { kind, resource, direction, requested, request, usefd, count: 1, amount: attempted, last: refusal, lastTime: 0, tick: -1 }

    this.#counts.push(entry)
    this.#touch(entry, refusal)
  }

  #touch (entry: RequestCount, refusal: Refusal): void {
    entry.last = refusal
    entry.lastTime = Date.now()
    entry.tick = this.#tick

    if (!this.#isTicking) {
      this.#isTicking = true
      setBackgroundTimer(() => {
        this.#tick++
        this.#isTicking = false
      }, RESOLUTION)
    }
  }

  /**
   * By what refused
   */
  entries (): RefusalCount[] {
    const entries: RequestCount[] = []

    for (const added of this.#counts) {
      const entry = entries.find(({ direction, kind, resource }) => added.kind === kind && added.resource === resource && added.direction === direction)

      if (entry == null) {
        entries.push({ ...added })
        continue
      }

      entry.count += added.count

      if (added.lastTime > entry.lastTime) {
        entry.last = added.last
        entry.lastTime = added.lastTime
      }
    }

    return entries.map(({ count, direction, kind, last: { settingPath }, lastTime, resource }) => ({
      kind,
      resource,
      direction,
      count,
      setting: settingPath == null ? undefined : formatSetting(settingPath),
      lastTime
    }))
  }

  /**
   * By what was asked for as well. The entries go on counting.
   */
  requests (): readonly Readonly<RequestCount>[] {
    return this.#counts
  }
}

function directionOf (added?: Usage): MessageStreamDirection | undefined {
  if (added == null) {
    return
  }

  if (added.streamsInbound > 0 || added.connsInbound > 0) {
    return 'inbound'
  }

  if (added.streamsOutbound > 0 || added.connsOutbound > 0) {
    return 'outbound'
  }
}
