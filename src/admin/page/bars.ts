import * as format from './format.ts'
import { element, Rows, setText } from './rows.ts'
import type { Row } from './rows.ts'
import type { BarStat, GroupStat, NetworkStat, PeakStat, PeerStat, ServiceStat, SessionStat } from '../live-data.ts'

/**
 * From which share on a bar has the colour for nearly full, and for full
 */
const WARN = 0.7
const BAD = 0.9

export function levelOf (share: number | null): string {
  if (share == null || share >= BAD) {
    return 'bad'
  }

  return share >= WARN ? 'warn' : ''
}

interface Bar {
  name: string
  title: string
  what: string
  figure: string

  /** From 0 to 1, `null` where nothing may be there */
  share: number | null

  /** Whether it is bad to have much of it */
  isLimit: boolean

  /** The most that there has been, and when */
  peak?: { share: number, text: string }
}

/**
 * A name, what is known of it, and a bar
 */
export function barRow<T> (describe: (item: T) => Bar): Row<T> {
  const row = element('li', 'row')
  const line = element('div', 'line')
  const name = element('span', 'name')
  const what = element('span', 'what')
  const figure = element('span', 'figure')
  const percent = element('span', 'percent')
  const amount = element('span')
  const track = element('div', 'bar')
  const fill = element('div', 'fill')
  const peak = element('div', 'peak')

  figure.append(amount, ' ', percent)
  line.append(name, what, figure)
  track.append(fill, peak)
  row.append(line, track)
  track.setAttribute('role', 'meter')
  track.setAttribute('aria-valuemin', '0')
  track.setAttribute('aria-valuemax', '100')

  return {
    element: row,
    update: (item) => {
      const bar = describe(item)
      const full = Math.min(1, bar.share ?? 1)

      row.className = `row ${bar.isLimit ? levelOf(bar.share) : ''}`
      name.title = bar.title
      setText(name, bar.name)
      setText(what, bar.what)
      setText(amount, bar.figure)
      setText(percent, format.percent(bar.share))
      fill.style.width = `${full * 100}%`
      peak.hidden = bar.peak == null
      peak.style.left = `${Math.min(1, bar.peak?.share ?? 0) * 100}%`
      track.title = bar.peak?.text ?? ''
      track.setAttribute('aria-valuenow', String(Math.round(full * 100)))
      track.setAttribute('aria-label', `${bar.title} ${bar.what}`)
    }
  }
}

const NOUNS = { stream: 'streams', connection: 'connections', fd: 'file descriptors', memory: 'memory' }

function amount (value: number, resource: BarStat['resource']): string {
  return resource === 'memory' ? format.bytes(value) : format.count(value)
}

function groupBar (name: string, { connections, memory, share, streams }: GroupStat): Bar {
  return {
    name: format.shortened(name),
    title: format.printable(name),
    what: '',
    figure: `${format.plural(connections, 'conn')}, ${format.plural(streams, 'stream')}, ${format.bytes(memory)}`,
    share,
    isLimit: false
  }
}

const list = (id: string): HTMLElement => document.getElementById(id) as HTMLElement

function peakOf ({ limit, peak, resource }: BarStat): Bar['peak'] {
  // JSON has no number for what has none
  return peak == null || typeof limit !== 'number' || limit === 0 ? undefined : { share: peak.value / limit, text: `at most ${amount(peak.value, resource)}, at ${format.time(peak.time)}` }
}

/**
 * The most that there has been of what has a limit
 */
export function peakRows (): Rows<PeakStat> {
  return new Rows({
    list: list('peaks'),
    key: ({ direction, kind, resource, scope }) => `${kind === 'service' || kind === 'protocol' ? scope : kind} ${resource} ${direction}`,
    text: ({ direction = '', resource, scope }) => `${scope} ${direction} ${NOUNS[resource]}`,
    empty: 'Nothing that has a limit has been in use.',
    create: () => barRow(({ direction, limit, percent, resource, scope, time, value }) => ({
      name: format.shortened(scope),
      title: format.printable(scope),
      what: `${direction ?? ''} ${NOUNS[resource]}, ${format.day(time)}`.trim(),
      figure: `${amount(value, resource)} of ${amount(limit, resource)}`,
      share: percent == null ? null : percent / 100,
      isLimit: true
    }))
  })
}

export function limitRows (): Rows<BarStat> {
  return new Rows({
    list: list('bars'),
    key: ({ direction, resource, scope }) => `${scope} ${resource} ${direction}`,
    text: ({ direction = '', resource, scope }) => `${scope} ${direction} ${NOUNS[resource]}`,
    empty: 'No limit is in use.',
    create: () => barRow((item) => {
      const { direction, limit, percent, resource, scope, used } = item

      return {
        name: format.shortened(scope),
        title: format.printable(scope),
        what: `${direction ?? ''} ${NOUNS[resource]}`.trim(),
        figure: `${amount(used, resource)} of ${amount(limit, resource)}`,
        share: percent == null ? null : percent / 100,
        isLimit: true,
        peak: peakOf(item)
      }
    })
  })
}

export function networkRows (): Rows<NetworkStat> {
  return new Rows({
    list: list('networks'),
    key: ({ network }) => network,
    text: ({ network }) => network,
    empty: 'No connections.',
    create: () => barRow((item) => groupBar(item.network, item))
  })
}

export function peerRows (): Rows<PeerStat> {
  return new Rows({
    list: list('peers'),
    key: ({ peer }) => peer,
    text: ({ peer }) => peer,
    empty: 'No peers.',
    create: () => barRow((item) => groupBar(item.peer, item))
  })
}

export function serviceRows (): Rows<ServiceStat & { all: number }> {
  return new Rows({
    list: list('services'),
    key: ({ service }) => service,
    text: ({ service }) => service,
    empty: 'No services.',
    create: () => barRow(({ all, connections, memory, service, streams }) => ({
      name: format.shortened(service),
      title: format.printable(service),
      what: `${format.plural(streams, 'stream')}${connections === 0 ? '' : `, ${format.plural(connections, 'conn')}`}`,
      figure: format.bytes(memory),
      share: all === 0 ? 0 : memory / all,
      isLimit: false
    }))
  })
}

export function sessionRows (): Rows<SessionStat & { all: number }> {
  return new Rows({
    list: list('sessions'),
    key: ({ collector, id }) => `${collector} ${id}`,
    text: ({ collector, id, peer, reference }) => `${collector} ${id} ${peer} ${reference}`,
    empty: 'No sessions. Services have them where the option “sessions” names them.',
    create: () => barRow(({ all, collector, peer, reference, rxBitrate, txBitrate }) => ({
      name: format.shortened(peer),
      title: format.printable(peer),
      what: format.shortened(`${collector} ${reference}`),
      figure: `↓ ${format.bitrate(rxBitrate)} ↑ ${format.bitrate(txBitrate)}`,
      share: all === 0 ? 0 : (rxBitrate + txBitrate) / all,
      isLimit: false
    }))
  })
}
