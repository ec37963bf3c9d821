import { MEMORY_OF_MACHINE } from './half.ts'
import { TRANSFER_SIZE } from './node.ts'
import type { Half } from './half.ts'

const MIN_WIDTH = 56
const MAX_WIDTH = 160
const LABEL_WIDTH = 13

const TITLES = { without: 'WITHOUT', with: 'WITH RESOURCE MANAGER' }
const BARS = '▁▂▃▄▅▆▇█'

function mib (bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}

/**
 * Values as a line of bars, the latest to the right
 */
function chart (values: readonly number[], max: number, width: number): string {
  const shown = values.length <= width ? values : Array.from({ length: width }, (_, i) => values[Math.floor(i * values.length / width)])

  return shown.map(value => BARS[Math.min(BARS.length - 1, Math.floor(value / max * BARS.length))]).join('')
}

function state ({ attacked, death, phase }: Half): string {
  if (death != null) {
    return `☠ dead after ${(death.after / 1000).toFixed(1)} s`
  }

  if (phase === 'attacked') {
    return `under attack for ${Math.round(attacked / 1000)} s`
  }

  return phase === 'over' ? '✓ has survived' : phase
}

function download ({ honest }: Half): string {
  if (honest == null) {
    return '-'
  }

  return honest.downloadError != null ? 'failed' : `${mib(honest.downloaded)} of ${mib(TRANSFER_SIZE)}`
}

/**
 * What becomes of a node, for a column
 */
function cells (half: Half, width: number): string[] {
  const { honest, variant, victim } = half
  const title = TITLES[variant]

  if (victim == null || honest == null) {
    return [title, state(half), ...new Array(LABELS.length - 2).fill('')]
  }

  const managed = variant === 'with'

  return [
    title,
    state(half),
    `${mib(victim.resident)}, most ${mib(half.mostResident)}`,
    chart(half.memory, MEMORY_OF_MACHINE, width),
    managed ? mib(victim.accounted) : 'nobody counts',
    `${victim.connections}, most ${half.mostConnections}`,
    `${victim.streams}, most ${half.mostStreams}`,
    managed ? `${victim.refused}` : 'nothing',
    `${honest.succeeded} of ${honest.succeeded + honest.failed}`,
    `${half.latency(0.5).toFixed(0)} ms, 99%: ${half.latency(0.99).toFixed(0)} ms`,
    download(half)
  ]
}

const LABELS = ['', 'the node', 'memory', '', 'of it counted', 'connections', 'streams', 'refused', 'honest echoes', 'their latency', 'and download']

/**
 * Text in lines of a width, broken between words
 *
 * @param text
 * @param width
 * @param label - what the first line begins with, and the others are indented by
 */
export function wrap (text: string, width: number, label = ''): string[] {
  const lines: string[] = []
  let line = label

  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line !== label && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(label.length)
    }

    line += line.length === label.length ? word : ` ${word}`
  }

  return [...lines, line]
}

/**
 * How wide everything is in a terminal of so many columns
 */
export function tableWidth (columns: number): number {
  return Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, columns)) - 1
}

/**
 * Both halves side by side, in as many columns of text as there are
 */
export function table (halves: readonly Half[], columns: number): string[] {
  const width = tableWidth(columns)
  const cellWidth = Math.floor((width - LABEL_WIDTH) / halves.length) - 1
  const rows = halves.map(half => cells(half, cellWidth))

  return LABELS.map((label, row) => [
    label.padEnd(LABEL_WIDTH),
    ...rows.map(cells => cells[row].slice(0, cellWidth).padEnd(cellWidth))
  ].join(' ').trimEnd())
}
