import * as format from './format.ts'
import { element, Rows, setText } from './rows.ts'
import { Setting } from './setting.ts'
import type { Row } from './rows.ts'
import type { LiveData } from '../live-data.ts'

/**
 * What a limit has refused, or what has given way in a full scope
 */
interface Count {
  key: string
  name: string
  what: string
  count: number

  /** In a second, lately */
  rate: number
  setting?: string
}

const RESOURCES: Record<string, string> = { stream: 'streams', connection: 'connections', fd: 'file descriptors', memory: 'memory reservations', subnet: 'connections', rate: 'requests' }

function countsOf ({ evictions, refusals }: LiveData): Array<Omit<Count, 'rate'>> {
  return [
    ...refusals.map(({ count, direction = '', kind, resource, setting }) => ({
      key: `${kind} ${resource} ${direction}`,
      name: kind,
      what: `${direction} ${RESOURCES[resource] ?? resource}${resource === 'subnet' || resource === 'rate' ? ` (${resource})` : ''} refused`.trim(),
      count,
      setting
    })),
    ...evictions.map(({ count, kind, resource }) => ({
      key: `${kind} ${resource} evictions`,
      name: kind,
      what: `${RESOURCES[resource]} gave way to others`,
      count
    }))
  ]
}

function countRow (): Row<Count> {
  const row = element('li', 'row')
  const line = element('div', 'line')
  const name = element('span', 'name')
  const what = element('span', 'what')
  const figure = element('span', 'figure')
  const rate = element('span', 'rate')
  const total = element('span')
  const setting = new Setting()

  figure.append(rate, ' ', total)
  line.append(name, what, setting.element, figure)
  row.append(line)

  return {
    element: row,
    update: (item) => {
      setText(name, format.printable(item.name))
      setText(what, item.what)
      setText(rate, item.rate === 0 ? '' : `${item.rate < 10 ? item.rate.toFixed(1) : format.count(item.rate)}/s`)
      setText(total, format.count(item.count))
      setting.show(item.setting)
    }
  }
}

type Refusal = LiveData['recentRefusals'][number]
type Eviction = LiveData['recentEvictions'][number]

/**
 * One refusal, or one that gave way
 */
interface Happened {
  key: string
  time: number
  scope: string

  /** What happened, and how full the scope was */
  what: string
  gaveWay: boolean

  /** Whose it was */
  who: string
  setting?: string
}

function requesterOf ({ address, peer, protocol, service }: Refusal | Eviction): string {
  return [peer, address, protocol, service].filter(part => part != null).join('  ')
}

function usedText ({ current, limit }: { current: number, limit: number }, isMemory: boolean): string {
  const show = isMemory ? format.bytes : format.count

  return `${show(current)} of ${show(limit)} in use`
}

/**
 * The network, and the last group that can be told
 */
function groupText ([network, ...groups]: string[]): string {
  const narrower = groups.filter(group => group !== '' && group !== network).at(-1)

  return narrower == null ? network : `${network} (${narrower})`
}

function refused (item: Refusal): Happened {
  const { direction = '', resource, scope, setting, time } = item
  const who = requesterOf(item)

  return {
    key: `${time} ${scope} ${resource} ${who}`,
    time,
    scope,
    what: `${direction} ${resource}: ${usedText(item, resource === 'memory')}`.trim(),
    gaveWay: false,
    who,
    setting
  }
}

function gaveWay (item: Eviction): Happened {
  const { from, resource, scope, setting, time, to } = item
  const who = `${groupText(from)} to ${groupText(to)}  ${requesterOf(item)}`.trim()

  return {
    key: `${time} ${scope} ${resource} way ${who}`,
    time,
    scope,
    what: `${resource} gave way: ${usedText(item, setting?.endsWith('.Memory') === true)}`,
    gaveWay: true,
    who,
    setting
  }
}

function happenedRow (): Row<Happened> {
  const row = element('li', 'row')
  const line = element('div', 'line')
  const when = element('span', 'what')
  const name = element('span', 'name')
  const what = element('span', 'what')
  const who = element('div', 'what mono')
  const setting = new Setting()

  line.append(when, name, what, setting.element)
  row.append(line, who)

  return {
    element: row,
    update: (item) => {
      row.className = item.gaveWay ? 'row way' : 'row'
      setText(when, format.time(item.time))
      setText(name, format.shortened(item.scope))
      name.title = format.printable(item.scope)
      setText(what, item.what)
      setText(who, format.shortened(item.who))
      who.title = format.printable(item.who)
      setting.show(item.setting)
    }
  }
}

/**
 * How much of a rate is what happened in the last second, so that it can be read
 */
const SMOOTHING = 0.4

/**
 * Refusals and evictions, as they happen
 */
export class Refusals {
  readonly #counts: Rows<Count>
  readonly #recent: Rows<Happened>
  readonly #before = new Map<string, { count: number, time: number, rate: number }>()

  constructor () {
    const list = (id: string): HTMLElement => document.getElementById(id) as HTMLElement

    this.#counts = new Rows({
      list: list('counts'),
      key: ({ key }) => key,
      text: ({ name, setting = '', what }) => `${name} ${what} ${setting}`,
      empty: 'Nothing has been refused.',
      create: countRow
    })
    this.#recent = new Rows({
      list: list('refusals'),
      key: ({ key }) => key,
      text: ({ scope, setting = '', what, who }) => `${scope} ${what} ${setting} ${who}`,
      empty: 'Nothing has been refused, and nothing gave way.',
      create: happenedRow
    })
  }

  show (data: LiveData): void {
    const counts = countsOf(data).map(item => ({ ...item, rate: this.#rateOf(item, data.sample.time) }))

    this.#counts.show(counts.sort((a, b) => b.rate - a.rate || b.count - a.count))
    this.#recent.show([...data.recentRefusals.map(refused), ...data.recentEvictions.map(gaveWay)].sort((a, b) => b.time - a.time))
  }

  search (text: string): void {
    this.#counts.search(text)
    this.#recent.search(text)
  }

  #rateOf ({ count, key }: Omit<Count, 'rate'>, time: number): number {
    const before = this.#before.get(key)

    if (before != null && time <= before.time) {
      return before.rate
    }

    const now = before == null ? 0 : Math.max(0, count - before.count) * 1000 / (time - before.time)
    const smooth = before == null ? 0 : SMOOTHING * now + (1 - SMOOTHING) * before.rate
    const rate = smooth < 0.05 ? 0 : smooth

    this.#before.set(key, { count, time, rate })

    return rate
  }
}
