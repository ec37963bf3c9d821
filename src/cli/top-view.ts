import { formatBytes } from '../reporting/scope-state.ts'
import { printable } from '../util/printable.ts'
import { formatAmount, formatPercent } from './node-usage.ts'
import type { LiveData } from '../admin/live-data.ts'

/**
 * What can be looked at, by the key for it
 */
export const VIEWS = { 1: 'limits', 2: 'peers', 3: 'networks', 4: 'services', 5: 'sessions', 6: 'refusals' } as const

export type ViewName = typeof VIEWS[keyof typeof VIEWS]

/**
 * What lists are sorted by: as they come, fullest or most first, by name, or by refusals
 */
export const SORTS = ['most', 'name', 'refusals'] as const

/**
 * One line of a list
 */
export interface TopRow {
  name: string
  what: string
  figure: string

  /** From 0 to 1, `null` where nothing may be there */
  share: number | null
  refusals: number
}

export interface TopState {
  view: ViewName
  sort: typeof SORTS[number]

  /** The line that is marked */
  selected: number

  /** The name of what is looked into */
  into?: string
  paused: boolean

  /** Why nothing is heard of the node, where that is so */
  lost?: string
}

const BAR_WIDTH = 10
const BAD = 0.9

function limitRows ({ bars }: LiveData): TopRow[] {
  return bars.map(({ direction = '', limit, percent, refusals, resource, scope, used }) => ({
    name: scope,
    what: `${direction} ${resource}`.trim(),
    figure: `${formatAmount(used, resource)} of ${formatAmount(limit, resource)}`,
    share: percent == null ? null : percent / 100,
    refusals
  }))
}

function refusalRows ({ evictions, refusals }: LiveData): TopRow[] {
  const all = refusals.reduce((sum, { count }) => sum + count, 0)

  return [
    ...refusals.map(({ count, direction = '', kind, resource, setting = '' }) => ({
      name: kind, what: `${direction} ${resource} ${setting}`.trim(), figure: String(count), share: count / all, refusals: count
    })),
    ...evictions.map(({ count, kind, resource }) => ({ name: `${kind} ${resource}`, what: 'gave way', figure: String(count), share: 0, refusals: 0 }))
  ]
}

const ROWS: Record<ViewName, (data: LiveData) => TopRow[]> = {
  limits: limitRows,
  refusals: refusalRows,
  peers: ({ peers }) => peers.map(({ connections, memory, peer, share, streams }) => ({
    name: peer, what: '', figure: `${connections} conns ${streams} streams ${formatBytes(memory)}`, share, refusals: 0
  })),
  networks: ({ networks }) => networks.map(({ connections, memory, network, share, streams }) => ({
    name: network, what: '', figure: `${connections} conns ${streams} streams ${formatBytes(memory)}`, share, refusals: 0
  })),
  services: ({ services }) => {
    const all = services.reduce((sum, { memory }) => sum + memory, 0)

    return services.map(({ memory, service, streams }) => ({
      name: service, what: '', figure: `${streams} streams ${formatBytes(memory)}`, share: all === 0 ? 0 : memory / all, refusals: 0
    }))
  },
  sessions: ({ sessions }) => {
    const all = sessions.reduce((sum, { rxBitrate, txBitrate }) => sum + rxBitrate + txBitrate, 0)

    return sessions.map(({ collector, peer, rxBitrate, txBitrate }) => ({
      name: peer, what: collector, figure: `in ${kilobits(rxBitrate)} out ${kilobits(txBitrate)} kbit/s`, share: all === 0 ? 0 : (rxBitrate + txBitrate) / all, refusals: 0
    }))
  }
}

function kilobits (rate: number): string {
  return (rate / 1000).toFixed(0)
}

function compare (sort: TopState['sort']): ((a: TopRow, b: TopRow) => number) | undefined {
  switch (sort) {
    case 'name':
      return (a, b) => a.name < b.name ? -1 : Number(a.name > b.name)
    case 'refusals':
      return (a, b) => b.refusals - a.refusals
    default:
      return undefined
  }
}

/**
 * The lines of what is looked at, in their order. Looking into something shows the limits that
 * it is part of.
 */
export function rowsOf (data: LiveData, { into, sort, view }: TopState): TopRow[] {
  const rows = into === undefined ? ROWS[view](data) : limitRows(data).filter(({ name }) => name.includes(into))
  const order = compare(sort)

  return order == null ? rows : rows.sort(order)
}

/**
 * Text of a width. Names are cut in the middle, as their ends tell them apart.
 */
export function fit (text: string, width: number): string {
  if (text.length <= width) {
    return text.padEnd(width)
  }

  const end = Math.floor((width - 1) / 2)

  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`
}

function bar (share: number | null): string {
  const filled = Math.round(Math.min(1, share ?? 1) * BAR_WIDTH)

  return '█'.repeat(filled) + '·'.repeat(BAR_WIDTH - filled)
}

function line ({ figure, name, share, what }: TopRow, columns: number): string {
  const right = `${printable(what)} ${figure}`.trim()
  const rest = columns - BAR_WIDTH - 9
  const nameWidth = Math.max(Math.floor(rest / 3), rest - right.length - 1)

  return `${fit(printable(name), nameWidth)} ${fit(right, rest - nameWidth - 1).trimEnd().padStart(rest - nameWidth - 1)} ${bar(share)} ${formatPercent(share == null ? null : share * 100).padStart(7)}`
}

/**
 * What was refused last of what is looked into, or of all
 */
function latest ({ recentRefusals }: LiveData, into: string | undefined, columns: number, count: number): string[] {
  return recentRefusals
    .map(({ address = '', direction = '', peer = '', protocol = '', resource, scope, setting = '', time }) => {
      return printable(`${new Date(time).toLocaleTimeString('en-GB')} ${scope} ${direction} ${resource} ${setting} ${peer} ${address} ${protocol}`.replace(/ +/g, ' '))
    })
    .filter(text => into === undefined || text.includes(printable(into)))
    .slice(0, count)
    .map(text => text.slice(0, columns))
}

function summary ({ peerCount, sample }: LiveData): string {
  const { busy, connections, evictions, memory, refusals, resident, streams } = sample

  return `${connections} connections, ${streams} streams, ${peerCount} peers, ${formatBytes(memory)} of ${formatBytes(resident)} counted, ` +
    `${Math.round(busy * 100)}% busy, ${refusals} refused, ${evictions} gave way`
}

function title ({ into, paused, sort, view }: TopState): string {
  const what = into === undefined ? view : `limits of ${printable(into)}`

  return `${what}, by ${sort}${paused ? ', paused' : ''}`
}

/**
 * The keys, in a line of 80 columns. Those of words are their first letters.
 */
export const HELP = '1-6 limits peers networks services sessions refusals, ↑↓ ⏎ Esc, Sort Pause Quit'

/** How a line is set off from the others */
export type Emphasis = 'title' | 'selected' | 'bad' | 'lost' | 'dim'

export interface DrawnLine {
  text: string
  emphasis?: Emphasis
}

function emphasisOf ({ share }: TopRow, { into, selected, view }: TopState, i: number): Emphasis | undefined {
  if (i === selected) {
    return 'selected'
  }

  return (view === 'limits' || into !== undefined) && (share == null || share >= BAD) ? 'bad' : undefined
}

/**
 * How many lines a list has, in a terminal of so many
 */
export function listHeight (rows: number): number {
  return Math.max(1, Math.floor((rows - 6) * 2 / 3))
}

/**
 * Everything there is to see, in lines that are no longer than the terminal is wide
 */
export function drawTop (url: string, data: LiveData | undefined, state: TopState, columns: number, rows: number): DrawnLine[] {
  const lines: DrawnLine[] = [{ text: `${url} ${data == null ? '' : new Date(data.sample.time).toLocaleTimeString('en-GB')}`, emphasis: 'title' }]

  if (state.lost !== undefined) {
    lines.push({ text: `nothing heard: ${printable(state.lost)}`, emphasis: 'lost' })
  }

  if (data == null) {
    lines.push({ text: 'waiting for the node', emphasis: 'dim' })
  } else {
    const list = rowsOf(data, state)
    const height = listHeight(rows)
    const first = Math.max(0, Math.min(state.selected - height + 1, list.length - height))
    const shown = list.slice(first, first + height)

    lines.push({ text: summary(data) }, { text: '' }, { text: title(state), emphasis: 'title' })
    lines.push(...shown.map((row, i): DrawnLine => ({ text: line(row, columns), emphasis: emphasisOf(row, state, first + i) })))

    if (list.length === 0) {
      lines.push({ text: 'nothing', emphasis: 'dim' })
    }

    const left = rows - lines.length - 2

    if (left > 0) {
      lines.push({ text: 'refused last', emphasis: 'title' }, ...latest(data, state.into, columns, left - 1).map((text): DrawnLine => ({ text, emphasis: 'dim' })))
    }
  }

  while (lines.length < rows - 1) {
    lines.push({ text: '' })
  }

  return [...lines.slice(0, rows - 1), { text: HELP, emphasis: 'dim' as const }].map(({ emphasis, text }) => ({ emphasis, text: text.slice(0, columns) }))
}
