import { barRow } from './bars.ts'
import * as format from './format.ts'
import { Rows, setText } from './rows.ts'
import type { FleetView, LiveData } from '../live-data.ts'

type Member = FleetView['members'][number] & { own: boolean, all: number }

/** What is leased of one limit */
interface Lease {
  scope: string
  field: string
  held: number
  leased: number
  limit: number
}

function connectionsOf ({ system }: FleetView['members'][number]): number {
  return system.numConnsInbound + system.numConnsOutbound
}

/**
 * JSON has no number for what has never been
 */
function age (ms: number | string): string {
  return typeof ms === 'number' ? `${(ms / 1000).toFixed(1)} s old` : 'unknown so far'
}

function amount (value: number | string, field: string): string {
  if (typeof value === 'string') {
    return format.printable(value)
  }

  return field === 'memory' ? format.bytes(value) : format.count(value)
}

/**
 * The nodes of a fleet, the age of their figures, and the room that this node has leased
 */
export class FleetRows {
  readonly #section = document.getElementById('fleet') as HTMLElement
  readonly #note = document.getElementById('fleet-note') as HTMLElement
  readonly #members = new Rows<Member>({
    list: document.getElementById('fleet-nodes') as HTMLElement,
    key: ({ node }) => node,
    text: ({ node }) => node,
    empty: 'The fleet has not said yet which nodes it has.',
    create: () => barRow((member) => ({
      name: format.shortened(member.node),
      title: format.printable(member.node),
      what: `${member.own ? 'this node, ' : ''}${age(member.age)}`,
      figure: `${format.plural(connectionsOf(member), 'conn')}, ${format.plural(member.system.numStreamsInbound + member.system.numStreamsOutbound, 'stream')}, ${format.plural(member.peerCount, 'peer')}, ${format.bytes(member.system.memory)}`,
      share: member.all === 0 ? 0 : connectionsOf(member) / member.all,
      isLimit: false
    }))
  })

  readonly #leases = new Rows<Lease>({
    list: document.getElementById('fleet-leases') as HTMLElement,
    key: ({ field, scope }) => `${scope} ${field}`,
    text: ({ field, scope }) => `${scope} ${field}`,
    empty: 'The fleet has no limits of its own.',
    create: () => barRow(({ field, held, leased, limit, scope }) => ({
      name: format.shortened(scope),
      title: format.printable(scope),
      what: field,
      figure: `${amount(held, field)} of ${amount(leased, field)} leased of ${amount(limit, field)}`,
      share: held === 0 ? 0 : Math.min(1, held / Math.max(1, leased)),
      isLimit: true
    }))
  })

  show ({ fleet }: LiveData): void {
    this.#section.hidden = fleet == null

    if (fleet == null) {
      return
    }

    const { error, leases, members, name, node, nodes, state } = fleet
    const all = members.reduce((sum, member) => sum + connectionsOf(member), 0)

    setText(this.#note, format.printable(`${name}: ${state}, ${format.plural(nodes, 'node')}, ${age(fleet.age)}${error == null ? '' : `, ${error}`}`))
    this.#members.show(members.map(member => ({ ...member, own: member.node === node, all })))
    this.#leases.show(leases.flatMap(({ held, leased, limit, scope }) => Object.keys(limit).map(field => ({
      scope, field, held: held[field] ?? 0, leased: leased[field] ?? 0, limit: limit[field]
    }))))
  }

  search (text: string): void {
    this.#members.search(text)
    this.#leases.search(text)
  }
}
