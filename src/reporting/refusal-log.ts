import { formatSetting } from '../limits/setting.ts'
import { Refusal } from '../scopes/refusal.ts'
import { Intervals } from '../util/intervals.ts'
import { printable } from '../util/printable.ts'
import { WARNING_INTERVAL } from '../util/process-warnings.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { Diagnosis } from './diagnosis.ts'
import { EvictionLog } from './eviction-log.ts'
import { MostFrequent } from './most-frequent.ts'
import { limitText, refusedText, refuserText, requesterText } from './refusal-text.ts'
import type { DiagnosisSource } from './diagnosis.ts'
import type { RecentEvictions } from './recent-evictions.ts'
import type { RecentRefusals } from './recent-refusals.ts'
import type { Eviction } from '../scopes/evictions.ts'
import type { RefusingScope } from '../scopes/refusal.ts'
import type { ProcessWarnings } from '../util/process-warnings.ts'
import type { Logger, MessageStreamDirection } from '@libp2p/interface'

/**
 * How long refusals are collected before they are logged together, in ms
 */
const INTERVAL = 10_000

/**
 * How many scopes of a kind are counted at a time to find the one that refuses most
 */
const CANDIDATES = 16

/**
 * Of each kind, this many refusals are examined in an interval, and after that one in
 * `SAMPLING`: examining one costs more than refusing it
 */
const EXAMINED = 256
const SAMPLING = 128

/**
 * The refusals of one kind of scope, resource and direction
 */
interface Group {
  readonly kind: string
  readonly resource: Refusal['resource']
  readonly direction?: MessageStreamDirection
  count: number

  /**
   * By the scopes themselves, because names are made only when somebody reads them; by name for
   * limits that are no scopes
   */
  readonly scopes: MostFrequent<RefusingScope | string, Refusal>
  readonly diagnosis: Diagnosis
}

export interface RefusalLogInit {
  log: Logger

  /**
   * Whether what does not fit is refused, or only reported
   */
  enforce: boolean

  /**
   * Where the first refusal of each kind goes as well
   */
  warnings: ProcessWarnings

  /**
   * Where those go that are looked at
   */
  recent: RecentRefusals

  /**
   * Where those go that have given way, where there is anything that ends something
   */
  evictions?: RecentEvictions

  /**
   * What a diagnosis reads beside the refusals
   */
  source: DiagnosisSource
}

/**
 * Logs refusals without ever flooding the log. Ten seconds after a refusal, there is one line
 * for each kind of scope, resource and direction: how many were refused, and which setting to
 * change. There are a few dozen such kinds at most, whatever remote peers do. The first refusal
 * of a kind is also a warning of the process, because most logs are off.
 *
 * Single refusals are logged only where debug logs are on.
 */
export class RefusalLog {
  readonly #log: Logger
  readonly #enforce: boolean
  readonly #diagnoses = new Intervals(WARNING_INTERVAL)
  readonly #evictions = new EvictionLog()
  readonly #source: DiagnosisSource
  readonly #recent: RecentRefusals
  readonly #recentEvictions?: RecentEvictions
  readonly #warnings: ProcessWarnings
  #groups: Group[] = []
  #timer?: ReturnType<typeof setTimeout>

  /** Whether debug logs were on when a refusal was last examined: to ask takes as long as the rest */
  #debugs = false

  constructor ({ enforce, evictions, log, recent, source, warnings }: RefusalLogInit) {
    this.#source = source
    this.#log = log
    this.#enforce = enforce
    this.#recent = recent
    this.#recentEvictions = evictions
    this.#warnings = warnings
  }

  add (refusal: Refusal): void {
    const group = this.#groupOf(refusal)

    group.count++

    if (group.count <= EXAMINED || group.count % SAMPLING === 0) {
      this.#debugs = this.#log.enabled

      if (group.count <= EXAMINED) {
        group.diagnosis.add(refusal)
      }

      group.scopes.add(refusal.fullScope ?? refusal.scope, refusal)
      this.#recent.add(refusal)
    }

    if (this.#debugs) {
      this.#debug(refusal)
    }
  }

  /**
   * Something has given way to somebody else
   */
  addEviction (eviction: Eviction): void {
    this.#evictions.add(eviction)
    this.#recentEvictions?.add(eviction)
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
      this.#log.error('%s', `${this.#summarise(group)}${this.#diagnose(group)}`)
    }

    for (const line of this.#evictions.flush(this.#enforce, INTERVAL)) {
      this.#log.error('%s', line)
    }
  }

  #groupOf (refusal: Refusal): Group {
    const { direction, kind, resource } = refusal

    for (const group of this.#groups) {
      if (group.kind === kind && group.resource === resource && group.direction === direction) {
        return group
      }
    }

    const group: Group = { kind, resource, direction, count: 0, scopes: new MostFrequent(CANDIDATES), diagnosis: new Diagnosis() }

    this.#groups.push(group)
    this.#schedule()
    this.#warn(refusal)

    return group
  }

  get #verb (): string {
    return this.#enforce ? 'refused' : 'would have refused'
  }

  #warn (refusal: Refusal): void {
    const { direction, kind, resource, scope } = refusal
    const subject = `${kind} ${resource} ${direction}`

    if (!this.#warnings.wants('RESOURCE_MANAGER_REFUSAL', subject)) {
      return
    }

    const requester = requesterText(refusal)

    this.#warnings.warn(
      'RESOURCE_MANAGER_REFUSAL',
      `${scope} ${this.#verb} ${refusedText(refusal, 1)}${requester === '' ? '' : ` (${requester})`}: ${limitText(refusal)}. ` +
      'There may be more of this kind: recentRefusals() lists them, and DEBUG=libp2p:resource-manager:error logs how many there are.',
      subject
    )
  }

  /**
   * Their usual meaning, at most once in ten minutes
   */
  #diagnose (group: Group): string {
    const { direction, kind, resource, scopes } = group
    const diagnosis = group.diagnosis.conclude(scopes.top() as Refusal, this.#source)
    const subject = `${kind} ${resource} ${direction}`

    if (diagnosis == null || !this.#diagnoses.pass(subject)) {
      return ''
    }

    const text = `. ${printable(diagnosis)}`

    this.#warnings.warn('RESOURCE_MANAGER_DIAGNOSIS', `${this.#summarise(group)}${text}`, subject)

    return text
  }

  #summarise ({ count, kind, scopes }: Group): string {
    const example = scopes.top() as Refusal
    const { scope } = example

    return printable(
      `${refuserText(example)} ${this.#verb} ${refusedText(example, count)} in ${INTERVAL / 1000} s` +
      `${scope === kind ? '' : `, most often ${scope}`}: ${limitText(example)}`
    )
  }

  #debug (refusal: Refusal): void {
    const { attempted, current, direction, limit, priority, settingPath } = refusal
    const { fullScope, requester } = refusal

    this.#log('%s %s, scope=%s edge=%s direction=%s current=%d attempted=%d limit=%d priority=%s setting=%s for=%s stat=%s',
      this.#verb,
      printable(refusal.message),
      printable(requester != null && 'name' in requester ? requester.name : '-'),
      printable(refusal.scope),
      direction ?? '-',
      current,
      attempted,
      limit,
      priority ?? '-',
      settingPath == null ? '-' : printable(formatSetting(settingPath)),
      JSON.stringify(requesterText(refusal)),
      fullScope?.stat == null ? '-' : JSON.stringify(fullScope.stat())
    )
  }

  #schedule (): void {
    if (this.#timer != null) {
      return
    }

    this.#timer = setBackgroundTimer(() => { this.flush() }, INTERVAL)
  }
}
