import { formatMemorySize } from '../limits/memory-size.ts'
import { escapeHTML } from '../util/printable.ts'
import { drawChart, timeText } from './replay-chart.ts'
import type { ReplayedUsage, ReplayReport } from './replay-report.ts'
import type { ReplayedRefusals } from './replayed-refusals.ts'

/**
 * How many rows a table has. All of them are in the report itself.
 */
const MAX_ROWS = 200

/**
 * What `replayPage` calls things
 */
export interface ReplayPageInit {
  /** The name of the trace */
  trace: string

  /**
   * The name of the limits that were tried
   *
   * @default the page names no limits
   */
  limits?: string
}

const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --back: #fff; --soft: #57606a; --line: #d0d7de; --held: #2f6feb; --refused: #c4320a; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --back: #0d1117; --soft: #9198a1; --line: #30363d; --held: #58a6ff; --refused: #ff7b54; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); } svg { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); } .area { fill: var(--held); opacity: .55; } .bar { fill: var(--refused); } .limit { stroke: var(--refused); stroke-dasharray: 6 4; stroke-width: 1.5; } .hint { fill: transparent; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td.number, th.number { text-align: right; white-space: nowrap; } meter { width: 8rem; }
.time { white-space: nowrap; } .over { color: var(--refused); font-weight: 600; } .note { color: var(--soft); }`

/**
 * A page with charts of a trace under other limits, in one file. It runs no code and loads
 * nothing.
 */
export function replayPage (report: ReplayReport, { limits, trace }: ReplayPageInit): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Replay of ${escapeHTML(trace)}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>Replay of ${escapeHTML(trace)}${limits === undefined ? '' : ` with ${escapeHTML(limits)}`}</h1>
${summary(report)}
<h2>When</h2>
${charts(report)}
<h2>What would be refused</h2>
${refusalTable(report.refusals)}
<h2>The most that was used, against the limits</h2>
${usageTable(report.usage)}
</body>
</html>
`
}

function summary ({ admitted, begin, end, events, exact, incomplete, recorded, refused, skipped }: ReplayReport): string {
  const notes = [
    ...incomplete === undefined ? [] : [`Not all of the trace was read: ${incomplete}.`],
    ...skipped === 0 ? [] : [`${skipped} lines are no events or too long, and were skipped.`],
    ...exact ? [] : ['This trace does not say who changed a scope: it is inferred, and what was reserved directly in a scope that all share is left out.']
  ]

  return `<p>${events} events from ${timeText(begin)} to ${timeText(end)}.</p>
<p><strong class="${refused > 0 ? 'over' : ''}">${refused} requests would be refused.</strong>
${recorded} were refused by scopes when this was recorded, of which ${admitted} would be let in.</p>
${notes.map(note => `<p class="note">${escapeHTML(note)}</p>`).join('\n')}`
}

function charts ({ limits: { system }, recorded, timeLine }: ReplayReport): string {
  const width = timeLine.length > 1 ? timeLine[1].time - timeLine[0].time : 0

  return [
    drawChart(timeLine, width, { title: 'Would be refused', shape: 'bars', value: ({ refused }) => refused, format: count }),
    ...recorded === 0 ? [] : [drawChart(timeLine, width, { title: 'Was refused when it was recorded', shape: 'bars', value: ({ recorded }) => recorded, format: count })],
    drawChart(timeLine, width, { title: 'Streams', shape: 'area', value: ({ streams }) => streams, format: count, limit: system.streams }),
    drawChart(timeLine, width, { title: 'Connections', shape: 'area', value: ({ conns }) => conns, format: count, limit: system.conns }),
    drawChart(timeLine, width, { title: 'Memory', shape: 'area', value: ({ memory }) => memory, format: size, limit: system.memory })
  ].join('\n')
}

function refusalTable (refusals: ReplayedRefusals[]): string {
  if (refusals.length === 0) {
    return '<p>Nothing.</p>'
  }

  return table(['#refused', 'by', 'what', '#limit', 'setting to change', 'first', 'last'], refusals, ({ count: times, direction, first, last, limit, resource, scope, setting }) => [
    count(times),
    scope,
    `${direction === undefined ? '' : `${direction} `}${resource}`,
    resource === 'memory' ? size(limit) : count(limit),
    setting ?? '',
    timeText(first),
    timeText(last)
  ].map(escapeHTML))
}

function usageTable (usage: ReplayedUsage[]): string {
  return table(['scope', 'what', '#most', '#99%', '#limit', 'share', 'when'], usage, ({ field, limit, p99, peak, percent, scope, time }) => {
    const format = field === 'memory' ? size : count
    const share = limit === Infinity ? '' : `<meter min="0" max="100" high="90" value="${Math.min(100, Math.round(percent))}"></meter> <span class="${percent > 100 ? 'over' : ''}">${percent === Infinity ? '∞' : Math.round(percent)}%</span>`

    return [escapeHTML(scope), field, format(peak), format(p99), format(limit), share, timeText(time)]
  })
}

/**
 * @param titles - a title of numbers begins with `#`
 * @param entries
 * @param cells - the cells of a row, as HTML
 */
function table <T> (titles: string[], entries: T[], cells: (entry: T) => string[]): string {
  const cell = (tag: string, i: number, html: string): string => `<${tag}${classOf(titles[i])}>${html}</${tag}>`
  const rows = entries.slice(0, MAX_ROWS).map(entry => `<tr>${cells(entry).map((html, i) => cell('td', i, html)).join('')}</tr>`)
  const more = entries.length > MAX_ROWS ? `<p class="note">And ${entries.length - MAX_ROWS} more.</p>` : ''

  return `<div class="scroll"><table><thead><tr>${titles.map((title, i) => cell('th', i, title.replace('#', ''))).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>${more}`
}

function count (value: number): string {
  return value === Infinity ? 'unlimited' : String(Math.round(10 * value) / 10)
}

function size (value: number): string {
  return value === Infinity ? 'unlimited' : formatMemorySize(Math.round(value))
}

function classOf (title: string): string {
  if (title.startsWith('#')) {
    return ' class="number"'
  }

  return ['when', 'first', 'last', 'what'].includes(title) ? ' class="time"' : ''
}
