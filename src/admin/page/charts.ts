import UPlot from 'uplot'
import * as format from './format.ts'
import { element } from './rows.ts'
import type { LiveSample } from '../live-data.ts'

/**
 * As many samples as the server remembers: ten minutes
 */
const CAPACITY = 600
const HEIGHT = 130

/**
 * Less than this would look like a lot, in seconds
 */
const SHORTEST = 60

/**
 * If two samples are further apart, something is missing in between
 */
const GAP = 10_000

/**
 * Sizes are round in powers of two
 */
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, i) => 2 ** i)

interface Line {
  label: string

  /** The class of its key, and the variable of its colour */
  className: string
  color: string
  value(sample: LiveSample, before: LiveSample | undefined): number | null
}

interface ChartInit {
  lines: Line[]
  axis(value: number): string
}

/**
 * How often something has happened in a second. A node that was started again begins at 0.
 */
function rate (field: 'refusals' | 'evictions'): Line['value'] {
  return (sample, before) => before == null || sample.time <= before.time ? 0 : Math.max(0, sample[field] - before[field]) * 1000 / (sample.time - before.time)
}

const CHARTS: ChartInit[] = [
  {
    axis: format.count,
    lines: [
      { label: 'connections', className: '', color: '--fine', value: ({ connections }) => connections },
      { label: 'streams', className: 'second', color: '--second', value: ({ streams }) => streams }
    ]
  },
  {
    axis: format.bytes,
    lines: [
      { label: 'memory of peers', className: '', color: '--fine', value: ({ memory }) => memory },
      { label: 'of the process', className: 'second', color: '--second', value: ({ resident }) => resident }
    ]
  },
  {
    axis: (value) => `${format.count(value)}/s`,
    lines: [
      { label: 'refusals', className: 'bad', color: '--bad-bar', value: rate('refusals') },
      { label: 'evictions', className: 'warn', color: '--warn-bar', value: rate('evictions') }
    ]
  }
]

function color (name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

function optionsOf ({ axis, lines }: ChartInit, width: number): UPlot.Options {
  const axes = { stroke: color('--muted'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' }

  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: 'time' }, drag: { x: false, y: false }, points: { show: false } },
    // what there is of the ten minutes
    scales: { x: { range: (_, min, max) => [Math.min(min, max - SHORTEST), max] }, y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [
      { ...axes, size: 24, values: (_, ticks, __, ___, step) => ticks.map(tick => new Date(tick * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', ...step < 60 ? { second: '2-digit' } : {} })), space: 70 },
      { ...axes, size: 62, incrs: axis === format.bytes ? POWERS_OF_TWO : undefined, values: (_, ticks) => ticks.map(axis) }
    ],
    series: [{}, ...lines.map(({ color: name, label }) => ({ label, stroke: color(name), width: 1.5, points: { show: false } }))]
  }
}

/**
 * The time line: what the node held in the last ten minutes, and what it refused
 */
export class Charts {
  readonly #container: HTMLElement
  #samples: LiveSample[] = []
  #plots: Array<{ plot: UPlot, init: ChartInit }> = []

  constructor (container: HTMLElement) {
    this.#container = container
    new ResizeObserver(() => { this.#resize() }).observe(container)
  }

  /**
   * Draws all of it again, in the colours that there are now
   */
  restyle (): void {
    this.#plots.forEach(({ plot }) => { plot.destroy() })
    this.#container.replaceChildren()
    this.#plots = CHARTS.map(init => {
      const cell = element('div')
      const keys = element('h3')

      keys.append(...init.lines.map(({ className, label }) => element('span', `key ${className}`, label)))
      cell.append(keys)
      this.#container.append(cell)

      return { init, plot: new UPlot(optionsOf(init, cell.clientWidth), this.#data(init), cell) }
    })
  }

  history (samples: readonly LiveSample[]): void {
    this.#samples = [...samples]
    this.#draw()
  }

  add (sample: LiveSample): void {
    const latest = this.#samples[this.#samples.length - 1]

    if (latest == null || sample.time > latest.time) {
      this.#samples.push(sample)
      this.#samples.splice(0, this.#samples.length - CAPACITY)
      this.#draw()
    }
  }

  #draw (): void {
    this.#plots.forEach(({ init, plot }) => { plot.setData(this.#data(init)) })
  }

  #data ({ lines }: ChartInit): UPlot.AlignedData {
    const samples = this.#samples
    const isAfterGap = (i: number): boolean => i > 0 && samples[i].time - samples[i - 1].time > GAP

    return [
      samples.map(({ time }) => time / 1000),
      ...lines.map(({ value }) => samples.map((sample, i) => isAfterGap(i) ? null : value(sample, samples[i - 1])))
    ]
  }

  #resize (): void {
    this.#plots.forEach(({ plot }) => {
      const width = (plot.root.parentElement as HTMLElement).clientWidth

      if (width !== plot.width) {
        plot.setSize({ width, height: HEIGHT })
      }
    })
  }
}
