import { formatBytes } from '../reporting/scope-state.ts'
import { printable } from '../util/printable.ts'
import { formatPercent } from './figure.ts'
import { rowsOf } from './top-rows.ts'
import type { TopRow } from './top-row.ts'
import type { TopState, ViewName } from './top-rows.ts'
import type { LiveData } from '../admin/live-data.ts'

const BAR_WIDTH = 10
const BAD = 0.9

/**
 * Text of a width. Names are cut in the middle, because their ends differ.
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
 * The latest refusals and evictions, of the opened line or of all
 */
function latest ({ recentEvictions, recentRefusals }: LiveData, into: TopState['into'], columns: number, count: number): string[] {
  const happened = [
    ...recentRefusals.map(({ time, ...refusal }) => ({ time, text: happenedText(refusal, `${refusal.direction ?? ''} ${refusal.resource}`) })),
    ...recentEvictions.map(({ from, time, to, ...eviction }) => ({ time, text: happenedText(eviction, `${eviction.resource} gave way to ${groupOf(to)}:`) }))
  ]

  return happened
    .sort((a, b) => b.time - a.time)
    .map(({ text, time }) => printable(`${new Date(time).toLocaleTimeString('en-GB')} ${text}`.replace(/ +/g, ' ')))
    .filter(text => into === undefined || text.includes(printable(into.name)))
    .slice(0, count)
    .map(text => text.replace(PEER_ID, id => fit(id, 17)).slice(0, columns))
}

/** What can be a peer id, which is told apart by its ends */
const PEER_ID = /\w{40,}/g

function happenedText ({ address = '', peer = '', protocol = '', scope, setting = '' }: Happened, what: string): string {
  return `${scope} ${what} ${setting} ${peer} ${address} ${protocol}`
}

type Happened = Pick<LiveData['recentRefusals'][number], 'address' | 'peer' | 'protocol' | 'scope' | 'setting'>

/**
 * The most specific group that is known: the peer, or its host or network
 */
function groupOf (path: string[]): string {
  return path.filter(group => group !== '').at(-1) ?? ''
}

function plural (value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? '' : 's'}`
}

function summary ({ peerCount, sample }: LiveData): string {
  const { busy, connections, evictions, memory, refusals, resident, streams } = sample

  return `${plural(connections, 'connection')}, ${plural(streams, 'stream')}, ${plural(peerCount, 'peer')}, ${formatBytes(memory)} of ${formatBytes(resident)} counted, ` +
    `${Math.round(busy * 100)}% busy, ${refusals} refused, ${evictions} gave way`
}

/** How many there are of what is not listed to the end */
const COUNTS: Partial<Record<ViewName, (data: LiveData) => number>> = {
  limits: ({ bars, moreBars }) => bars.length + moreBars,
  peers: ({ peerCount }) => peerCount,
  networks: ({ networkCount }) => networkCount,
  services: ({ serviceCount }) => serviceCount,
  sessions: ({ sessionCount }) => sessionCount
}

function title (data: LiveData, { into, paused, sort, view }: TopState, shown: number): string {
  const what = into === undefined ? view : `limits of ${printable(into.name)}`
  const count = into === undefined ? Number(COUNTS[view]?.(data)) : 0

  return `${what}, by ${sort}${count > shown ? `, ${shown} of ${count}` : ''}${paused ? ', paused' : ''}`
}

/**
 * The keys, in a line of 80 columns. The key of a word is its first letter.
 */
export const HELP = '1-8 limits peers nets services sessions refused peaks fleet ↑↓⏎ Esc Sort Pause Q'

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

  return (view === 'limits' || view === 'peaks' || into !== undefined) && (share == null || share >= BAD) ? 'bad' : undefined
}

/**
 * How many lines a list has, in a terminal of so many
 */
export function listHeight (rows: number): number {
  return Math.max(1, Math.floor((rows - 6) * 2 / 3))
}

/**
 * The whole view, in lines that fit the width of the terminal
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

    lines.push({ text: summary(data) }, { text: '' }, { text: title(data, state, list.length), emphasis: 'title' })
    lines.push(...shown.map((row, i): DrawnLine => ({ text: line(row, columns), emphasis: emphasisOf(row, state, first + i) })))

    if (list.length === 0) {
      lines.push({ text: 'nothing', emphasis: 'dim' })
    }

    const left = rows - lines.length - 2

    if (left > 0) {
      lines.push({ text: 'refused or gave way last', emphasis: 'title' }, ...latest(data, state.into, columns, left - 1).map((text): DrawnLine => ({ text, emphasis: 'dim' })))
    }
  }

  while (lines.length < rows - 1) {
    lines.push({ text: '' })
  }

  return [...lines.slice(0, rows - 1), { text: HELP, emphasis: 'dim' as const }].map(({ emphasis, text }) => ({ emphasis, text: text.slice(0, columns) }))
}
