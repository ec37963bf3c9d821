import { setBackgroundTimer } from '../background-timer.ts'
import { formatSetting } from '../limits/setting.ts'
import { Refusal } from '../scopes/refusal.ts'
import { EvictionLog } from './eviction-log.ts'
import { MostFrequent } from './most-frequent.ts'
import { formatBytes } from './scope-state.ts'
import type { Eviction } from '../scopes/evictions.ts'
import type { AnyRefusal, RefusingNode } from '../scopes/refusal.ts'
import type { Logger, MessageStreamDirection } from '@libp2p/interface'

/**
 * How long refusals are collected before they are logged together, in ms
 */
const INTERVAL = 10_000

/**
 * How many scopes of a kind are watched at a time to find the one that refuses most
 */
const CANDIDATES = 16

/**
 * Of each kind this many refusals are looked at closely in an interval, and after
 * that one in `SAMPLING`: looking closely costs more than the refusal itself
 */
const LOOKED_AT = 256
const SAMPLING = 64

/**
 * The refusals of one kind of scope, resource and direction
 */
interface Group {
  readonly kind: string
  readonly resource: AnyRefusal['resource']
  readonly direction?: MessageStreamDirection
  count: number

  /**
   * By the scopes themselves, because their names are not made until somebody reads
   * them, and by the names of what is no scope
   */
  readonly scopes: MostFrequent<RefusingNode | string, AnyRefusal>
}

function refuserOf ({ kind, resource, scope }: AnyRefusal): string {
  if (kind === 'collector') {
    return 'collectors'
  }

  if (resource === 'subnet' || resource === 'rate') {
    return `${kind} ${resource === 'rate' ? 'rate limit' : 'limit'}`
  }

  // of those whose kind is their name there is only one
  return scope === kind ? kind : `${kind} scopes`
}

const NOUNS = {
  stream: 'stream',
  connection: 'connection',
  fd: 'file descriptor',
  memory: 'memory reservation'
}

function nounOf ({ request, resource }: AnyRefusal, count: number): string {
  const noun = NOUNS[request ?? (resource === 'subnet' || resource === 'rate' ? 'connection' : resource)]

  return count === 1 ? noun : `${noun}s`
}

export interface RefusalLogOptions {
  /**
   * Whether what does not fit is refused, or only reported
   */
  enforce: boolean
}

/**
 * Logs refusals without ever flooding the log: when some were refused, one line for
 * each kind of scope, resource and direction after ten seconds, which says how many
 * and which setting to change. There are a few dozen such kinds at most, whatever
 * remote peers do.
 *
 * Single refusals are logged only where debug logs are on.
 */
export class RefusalLog {
  readonly #log: Logger
  readonly #enforce: boolean
  readonly #evictions = new EvictionLog()
  #groups: Group[] = []
  #timer?: ReturnType<typeof setTimeout>

  constructor (log: Logger, { enforce }: RefusalLogOptions) {
    this.#log = log
    this.#enforce = enforce
  }

  add (refusal: AnyRefusal): void {
    const group = this.#groupOf(refusal)

    group.count++

    if (group.count <= LOOKED_AT || group.count % SAMPLING === 0) {
      group.scopes.add(refusal instanceof Refusal ? refusal.node : refusal.scope, refusal)
    }

    if (this.#log.enabled) {
      this.#debug(refusal)
    }
  }

  /**
   * Something has given way to somebody else
   */
  addEviction (eviction: Eviction): void {
    this.#evictions.add(eviction)
    this.#schedule()

    if (this.#log.enabled) {
      const { from, refusal, scope, to, victim } = eviction

      this.#log('%s %s, victim=%s scope=%s from=%s to=%s', this.#enforce ? 'ended' : 'would have ended', refusal.message, victim.name, scope.name, from.join(' '), to.join(' '))
    }
  }

  /**
   * Logs what has been collected so far
   */
  flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined

    const groups = this.#groups

    this.#groups = []

    for (const group of groups.sort((a, b) => b.count - a.count)) {
      this.#log.error('%s', this.#summarise(group))
    }

    for (const line of this.#evictions.take(this.#enforce, INTERVAL)) {
      this.#log.error('%s', line)
    }
  }

  #groupOf (refusal: AnyRefusal): Group {
    const { direction, kind, resource } = refusal

    for (const group of this.#groups) {
      if (group.kind === kind && group.resource === resource && group.direction === direction) {
        return group
      }
    }

    const group: Group = { kind, resource, direction, count: 0, scopes: new MostFrequent(CANDIDATES) }

    this.#groups.push(group)
    this.#schedule()

    return group
  }

  #summarise ({ count, direction, kind, resource, scopes }: Group): string {
    const example = scopes.top() as AnyRefusal
    const { current, limit, scope, settingPath } = example
    const format = resource === 'memory' ? formatBytes : String
    const setting = settingPath == null ? 'a custom limiter sets the limit' : `see ${formatSetting(settingPath)}`

    return `${refuserOf(example)} ${this.#enforce ? 'refused' : 'would have refused'} ` +
      `${count} ${direction == null ? '' : `${direction} `}${nounOf(example, count)} in ${INTERVAL / 1000} s` +
      `${scope === kind ? '' : `, most often ${scope}`}: ${format(current)} of ${format(limit)} in use, ${setting}`
  }

  #debug (refusal: AnyRefusal): void {
    const { attempted, current, direction, limit, priority, settingPath } = refusal
    const { asker = undefined, node = undefined } = refusal instanceof Refusal ? refusal : {}

    this.#log('%s %s, scope=%s edge=%s direction=%s current=%d attempted=%d limit=%d priority=%s setting=%s stat=%s',
      this.#enforce ? 'refused' : 'would have refused',
      refusal.message,
      asker?.name ?? '-',
      refusal.scope,
      direction ?? '-',
      current,
      attempted,
      limit,
      priority ?? '-',
      settingPath == null ? '-' : formatSetting(settingPath),
      node?.stat == null ? '-' : JSON.stringify(node.stat())
    )
  }

  #schedule (): void {
    if (this.#timer != null) {
      return
    }

    this.#timer = setBackgroundTimer(() => { this.flush() }, INTERVAL)
  }
}
