import { escapeHTML } from '../util/printable.ts'
import type { TimeLinePoint } from './time-line.ts'

const WIDTH = 720
const HEIGHT = 150
const LEFT = 70
const BOTTOM = 18
const TOP = 8

export interface Chart {
  title: string

  /** What is drawn of a point */
  value(point: TimeLinePoint): number

  /** How a value is written */
  format(value: number): string

  /** Drawn as a line across, where there is one */
  limit?: number

  /** Bars are for what happens, areas for what is held */
  shape: 'area' | 'bars'
}

/**
 * One chart of a time line, as SVG that needs nothing else
 */
export function drawChart (points: readonly TimeLinePoint[], width: number, { format, limit = Infinity, shape, title, value }: Chart): string {
  const values = points.map(value)
  const peak = values.reduce((max, value) => Math.max(max, value), 0)
  // a limit far above would leave nothing to be seen of the rest
  const showsLimit = limit !== Infinity && limit <= 4 * peak
  const top = Math.max(1, peak, showsLimit ? limit : 0)
  const x = (i: number): number => LEFT + (WIDTH - LEFT) * i / Math.max(1, points.length)
  const y = (value: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)
  const label = `${title}: at most ${format(peak)}${limit === Infinity ? '' : `, limit ${format(limit)}`}`

  return [
    `<figure><figcaption>${escapeHTML(label)}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHTML(label)}">`,
    axes(format, top, y, points, width),
    shape === 'area' ? area(values, x, y) : bars(values, x, y),
    hints(points, values, x, format),
    showsLimit ? `<line class="limit" x1="${LEFT}" x2="${WIDTH}" y1="${round(y(limit))}" y2="${round(y(limit))}"/>` : '',
    '</svg></figure>'
  ].join('\n')
}

function axes (format: Chart['format'], top: number, y: (value: number) => number, points: readonly TimeLinePoint[], width: number): string {
  const lines = [0, top / 2, top].map(value => {
    const at = round(y(value))

    return `<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${at}" y2="${at}"/><text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${escapeHTML(format(value))}</text>`
  })
  const begin = points[0]?.time ?? 0
  const end = (points.at(-1)?.time ?? 0) + width

  return `${lines.join('')}<text x="${LEFT}" y="${HEIGHT - 3}">${timeText(begin)}</text><text x="${WIDTH}" y="${HEIGHT - 3}" text-anchor="end">${timeText(end)}</text>`
}

function area (values: number[], x: (i: number) => number, y: (value: number) => number): string {
  const steps = values.map((value, i) => `L${round(x(i))} ${round(y(value))}H${round(x(i + 1))}`).join('')

  return `<path class="area" d="M${LEFT} ${round(y(0))}${steps}V${round(y(0))}Z"/>`
}

function bars (values: number[], x: (i: number) => number, y: (value: number) => number): string {
  return values.map((value, i) => value === 0 ? '' : `<rect class="bar" x="${round(x(i))}" width="${round(Math.max(1, x(1) - x(0) - 0.5))}" y="${round(y(value))}" height="${round(y(0) - y(value))}"/>`).join('')
}

/**
 * What a mouse over the chart shows
 */
function hints (points: readonly TimeLinePoint[], values: number[], x: (i: number) => number, format: Chart['format']): string {
  return points.map(({ time }, i) => `<rect class="hint" x="${round(x(i))}" width="${round(x(1) - x(0))}" y="${TOP}" height="${HEIGHT - TOP - BOTTOM}"><title>${timeText(time)}: ${escapeHTML(format(values[i]))}</title></rect>`).join('')
}

function round (value: number): number {
  return Math.round(10 * value) / 10
}

/**
 * Whoever has written a trace may have any time in it
 */
export function timeText (time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : '?'
}
