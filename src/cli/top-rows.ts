import { formatBytes } from '../reporting/scope-state.ts'
import { formatAmount } from './figure.ts'
import { fleetRows } from './top-fleet.ts'
import type { TopRow } from './top-row.ts'
import type { BarStat, GroupStat, LiveData } from '../admin/live-data.ts'

/**
 * What can be looked at, by the key for it
 */
export const VIEWS = { 1: 'limits', 2: 'peers', 3: 'networks', 4: 'services', 5: 'sessions', 6: 'refusals', 7: 'peaks', 8: 'fleet' } as const

export type ViewName = typeof VIEWS[keyof typeof VIEWS]

/**
 * The order of lists: as they come, with the fullest or most first, by name, or by refusals
 */
export const SORTS = ['most', 'name', 'refusals'] as const

/**
 * What is looked at, and what of it
 */
export interface TopState {
  view: ViewName
  sort: typeof SORTS[number]

  /** The line that is marked */
  selected: number

  /** What is looked into, and its scope where it has one */
  into?: Pick<TopRow, 'name' | 'scope'>

  /** All limits of the opened scope, once the node has sent them */
  usage?: BarStat[]
  paused: boolean

  /** Why nothing is heard of the node, where that is so */
  lost?: string
}

function limitRows (bars: readonly BarStat[]): TopRow[] {
  return bars.map(({ direction = '', limit, percent, refusals, resource, scope, used }) => ({
    name: scope,
    scope,
    what: `${direction} ${resource}`.trim(),
    figure: `${formatAmount(used, resource)} of ${formatAmount(limit, resource)}`,
    share: percent == null ? null : percent / 100,
    refusals
  }))
}

function peakRows ({ peaks }: LiveData): TopRow[] {
  return peaks.map(({ direction = '', limit, percent, resource, scope, time, value }) => ({
    name: scope,
    scope,
    what: `${direction} ${resource} ${formatTime(time)}`.trim(),
    figure: `${formatAmount(value, resource)} of ${formatAmount(limit, resource)}`,
    share: percent == null ? null : percent / 100,
    refusals: 0
  }))
}

/**
 * With the date where that is not today
 */
function formatTime (time: number): string {
  const date = new Date(time)
  const text = date.toLocaleTimeString('en-GB')

  return date.toDateString() === new Date().toDateString() ? text : `${date.toLocaleDateString('en-CA')} ${text}`
}

function refusalRows ({ evictions, refusals }: LiveData): TopRow[] {
  const all = refusals.reduce((sum, { count }) => sum + count, 0)

  return [
    ...refusals.map(({ count, direction = '', kind, resource, setting = '' }) => ({
      name: kind, scope: kind, what: `${direction} ${resource} ${setting}`.trim(), figure: String(count), share: count / all, refusals: count
    })),
    ...evictions.map(({ count, kind, resource }) => ({ name: `${kind} ${resource}`, scope: kind, what: 'gave way', figure: String(count), share: 0, refusals: 0 }))
  ]
}

function groupFigure ({ connections, memory, streams }: GroupStat): string {
  return `${connections} conns ${streams} streams ${formatBytes(memory)}`
}

const ROWS: Record<ViewName, (data: LiveData) => TopRow[]> = {
  limits: ({ bars }) => limitRows(bars),
  refusals: refusalRows,
  peers: ({ peers }) => peers.map(({ peer, share, ...held }) => ({
    name: peer, scope: `peer:${peer}`, what: '', figure: groupFigure({ share, ...held }), share, refusals: 0
  })),
  networks: ({ networks }) => networks.map(({ network, share, ...held }) => ({
    name: network, what: '', figure: groupFigure({ share, ...held }), share, refusals: 0
  })),
  services: ({ services }) => {
    const all = services.reduce((sum, { memory }) => sum + memory, 0)

    return services.map(({ memory, service, streams }) => ({
      name: service, scope: `service:${service}`, what: '', figure: `${streams} streams ${formatBytes(memory)}`, share: all === 0 ? 0 : memory / all, refusals: 0
    }))
  },
  sessions: ({ sessions }) => {
    const all = sessions.reduce((sum, { rxBitrate, txBitrate }) => sum + rxBitrate + txBitrate, 0)

    return sessions.map(({ collector, peer, rxBitrate, txBitrate }) => ({
      name: peer, scope: `peer:${peer}`, what: collector, figure: `in ${kilobits(rxBitrate)} out ${kilobits(txBitrate)} kbit/s`, share: all === 0 ? 0 : (rxBitrate + txBitrate) / all, refusals: 0
    }))
  },
  peaks: peakRows,
  fleet: fleetRows
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
 * All limits of the opened line. Until the node has sent them, and for a line without a scope
 * of its own, the limits in use that belong to it.
 */
function rowsInto ({ bars }: LiveData, { name, scope = name }: NonNullable<TopState['into']>, usage: BarStat[] = []): TopRow[] {
  const scopes = new Set(usage.map(({ scope }) => scope))

  return limitRows([...usage, ...bars.filter(bar => !scopes.has(bar.scope) && bar.scope.includes(scope))])
}

/**
 * The lines of the current view, in their order. An opened line shows its limits.
 */
export function rowsOf (data: LiveData, { into, sort, usage, view }: TopState): TopRow[] {
  const rows = into === undefined ? ROWS[view](data) : rowsInto(data, into, usage)
  const order = compare(sort)

  return order == null ? rows : rows.sort(order)
}
