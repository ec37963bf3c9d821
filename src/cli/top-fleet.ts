import { formatBytes } from '../reporting/scope-state.ts'
import { formatAmount } from './figure.ts'
import { formatAge, memberNames } from './node-fleet.ts'
import type { TopRow } from './top-row.ts'
import type { LiveData } from '../admin/live-data.ts'

/**
 * The nodes of a fleet, and then the room that this one has leased
 */
export function fleetRows ({ fleet }: LiveData): TopRow[] {
  if (fleet === undefined) {
    return [{ name: 'this node is in no fleet', what: '', figure: '', share: 0, refusals: 0 }]
  }

  const { age, error, leases, members, name, node, nodes, state } = fleet
  const names = memberNames(members, node)
  const connections = members.reduce((sum, { system }) => sum + system.numConnsInbound + system.numConnsOutbound, 0)

  return [
    { name: `${name}, ${state}`, what: error ?? '', figure: `${nodes} nodes, known for ${formatAge(age)}`, share: 0, refusals: 0 },
    ...members.map(({ age, peerCount, system }, i) => {
      const own = system.numConnsInbound + system.numConnsOutbound

      return {
        name: names[i],
        what: `${formatAge(age)} old`,
        figure: `${own} conns ${system.numStreamsInbound + system.numStreamsOutbound} streams ${peerCount} peers ${formatBytes(system.memory)}`,
        share: connections === 0 ? 0 : own / connections,
        refusals: 0
      }
    }),
    ...leases.flatMap(({ held, leased, limit, scope }) => Object.keys(limit).map(field => {
      const [has, room, all] = [held, leased, limit].map(figures => formatAmount(figures[field] ?? 0, field))

      return { name: scope, scope, what: field, figure: `${has} of ${room} leased of ${all}`, share: shareOf(held[field], leased[field]), refusals: 0 }
    }))
  ]
}

function shareOf (held = 0, leased = 0): number {
  return held === 0 ? 0 : Math.min(1, held / Math.max(leased, 1))
}
