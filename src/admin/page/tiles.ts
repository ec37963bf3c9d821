import { levelOf } from './bars.ts'
import * as format from './format.ts'
import { element, setText } from './rows.ts'
import type { BarStat, LiveData, LiveSample } from '../live-data.ts'

interface Tile {
  label: string
  value: string
  note: string
  level: string
}

/**
 * How full the system is of something, where it has a limit
 */
function systemTile (label: string, value: string, bars: readonly BarStat[], resource: BarStat['resource']): Tile {
  // fullest first, so of a direction if that is the one to look at
  const bar = bars.find(bar => bar.scope === 'system' && bar.resource === resource)
  // JSON has no number for what is above a limit of 0
  const percent: number | null = bar == null ? 0 : bar.percent
  const share = percent === null ? null : percent / 100

  const of = share === null || bar == null ? '' : ` of the ${bar.direction == null ? '' : `${bar.direction} `}limit`

  return { label, value, note: bar == null ? '' : `${format.percent(share)}${of}`, level: levelOf(share) }
}

function tilesOf ({ bars, peerCount, sample }: LiveData, before: LiveSample): Tile[] {
  const seconds = Math.max(1, (sample.time - before.time) / 1000)
  const rateTile = (label: string, field: 'refusals' | 'evictions'): Tile => {
    const rate = Math.max(0, sample[field] - before[field]) / seconds

    return { label, value: `${rate > 0 && rate < 10 ? rate.toFixed(1) : format.count(rate)}/s`, note: `${format.count(sample[field])} in all`, level: rate > 0 ? 'warn' : '' }
  }

  return [
    { ...systemTile('Connections', format.count(sample.connections), bars, 'connection') },
    { ...systemTile('Streams', format.count(sample.streams), bars, 'stream') },
    { ...systemTile('Memory of peers', format.bytes(sample.memory), bars, 'memory') },
    { label: 'Event loop', value: `${format.percent(sample.busy)} busy`, note: `process ${format.bytes(sample.resident)}`, level: levelOf(sample.busy) },
    { label: 'Peers', value: format.count(peerCount), note: `${format.plural(sample.fds, 'file descriptor')}`, level: '' },
    rateTile('Refused', 'refusals'),
    rateTile('Gave way', 'evictions')
  ]
}

/**
 * The few figures to look at first
 */
export class Tiles {
  readonly #list = document.getElementById('tiles') as HTMLElement
  readonly #tiles: Array<Record<'root' | 'label' | 'value' | 'note', HTMLElement>> = []
  #samples: LiveSample[] = []

  show (data: LiveData): void {
    // over five seconds, so that it can be read
    this.#samples = [...this.#samples, data.sample].slice(-6)

    tilesOf(data, this.#samples[0]).forEach((tile, i) => {
      this.#tiles[i] ??= this.#create()

      const { label, note, root, value } = this.#tiles[i]

      root.className = tile.level
      setText(label, tile.label)
      setText(value, tile.value)
      setText(note, tile.note)
    })
  }

  #create (): Record<'root' | 'label' | 'value' | 'note', HTMLElement> {
    const root = element('li')
    const parts = { root, label: element('div', 'label'), value: element('div', 'value'), note: element('div', 'note') }

    root.append(parts.label, parts.value, parts.note)
    this.#list.append(root)

    return parts
  }
}
