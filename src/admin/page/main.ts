/**
 * The live page. Everything that remote peers may influence becomes text, never HTML: the
 * policy of the page forbids HTML to all of its code.
 */

import { limitRows, networkRows, peakRows, peerRows, serviceRows, sessionRows } from './bars.ts'
import { Charts } from './charts.ts'
import { Feed } from './feed.ts'
import { FleetRows } from './fleet.ts'
import * as format from './format.ts'
import { Refusals } from './refusals.ts'
import { setText } from './rows.ts'
import { followTheme } from './theme.ts'
import { Tiles } from './tiles.ts'
import type { LiveData } from '../live-data.ts'

const get = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T

const charts = new Charts(get('charts'))
const tiles = new Tiles()
const limits = limitRows()
const refusals = new Refusals()
const peaks = peakRows()
const fleet = new FleetRows()
const networks = networkRows()
const peers = peerRows()
const services = serviceRows()
const sessions = sessionRows()
const search = get<HTMLInputElement>('search')
const pause = get('pause')
const status = get('status')

let latest: LiveData | undefined
let paused = false
let lostAt: number | undefined

function noteOf (shown: number, all: number): string {
  return all > shown ? `${shown} of ${format.count(all)}` : ''
}

function show (data: LiveData): void {
  const memory = data.services.reduce((sum, { memory }) => sum + memory, 0)
  const throughput = data.sessions.reduce((sum, { rxBitrate, txBitrate }) => sum + rxBitrate + txBitrate, 0)

  tiles.show(data)
  limits.show(data.bars)
  refusals.show(data)
  peaks.show(data.peaks)
  fleet.show(data)
  networks.show(data.networks)
  peers.show(data.peers)
  services.show(data.services.map(service => ({ ...service, all: memory })))
  sessions.show(data.sessions.map(session => ({ ...session, all: throughput })))

  setText(get('limits-note'), noteOf(data.bars.length, data.bars.length + data.moreBars))
  setText(get('networks-note'), noteOf(data.networks.length, data.networkCount) || 'share of all connections')
  setText(get('peers-note'), noteOf(data.peers.length, data.peerCount) || 'share of all connections')
  setText(get('services-note'), noteOf(data.services.length, data.serviceCount))
  setText(get('sessions-note'), noteOf(data.sessions.length, data.sessionCount))
  setText(get('footer'), `${format.plural(data.admin.listeners, 'live view')} of this node, ${format.plural(data.admin.requests, 'request')}, ` +
    `${format.count(data.admin.unauthorized)} without the right token, ${format.count(data.admin.tooMany + data.admin.foreign)} refused`)

  const [fullest] = data.bars

  document.title = fullest == null ? 'libp2p resource manager' : `${format.percent(fullest.percent == null ? null : fullest.percent / 100)} ${fullest.kind} - libp2p resource manager`
}

function setPaused (value: boolean): void {
  paused = value
  pause.setAttribute('aria-pressed', String(value))
  setText(pause, value ? 'Go on' : 'Pause')

  if (!value && latest != null) {
    show(latest)
  }
}

function setSearch (): void {
  [limits, refusals, peaks, fleet, networks, peers, services, sessions].forEach(rows => { rows.search(search.value.trim()) })
}

async function askForToken (wasWrong: boolean): Promise<string> {
  const dialog = get<HTMLDialogElement>('login')
  const input = get<HTMLInputElement>('token')

  setText(get('login-note'), wasWrong ? 'That was not the token of this node.' : 'It is kept until this tab is closed.')
  setText(status, 'waiting for the token')
  input.value = ''
  dialog.showModal()

  do {
    await new Promise(resolve => { dialog.addEventListener('close', resolve, { once: true }) })

    if (input.value === '') {
      dialog.showModal()
    }
  } while (input.value === '')

  return input.value.trim()
}

followTheme(get('theme'), () => { charts.restyle() })
pause.addEventListener('click', () => { setPaused(!paused) })
search.addEventListener('input', setSearch)

document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement

  if (event.key === 'Escape' && event.target === search) {
    search.value = ''
    setSearch()
    search.blur()
  } else if (event.ctrlKey || event.metaKey || event.altKey || isTyping) {
    // of the browser, or text
  } else if (event.key === '/') {
    event.preventDefault()
    search.focus()
  } else if (event.key === 'p') {
    setPaused(!paused)
  }
})

// eslint-disable-next-line no-new
new Feed({
  history: (samples) => { charts.history(samples) },
  sample: (sample) => { charts.add(sample) },
  live: (data) => {
    latest = data
    lostAt = undefined
    status.className = 'status live'
    setText(status, 'live')
    charts.add(data.sample)

    if (!paused) {
      show(data)
    }
  },
  lost: (reason) => {
    lostAt ??= Date.now()
    status.className = 'status lost'
    setText(status, `not live since ${format.time(lostAt)}: ${reason}`)
  },
  askForToken
})
