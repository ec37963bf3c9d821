import { formatBytes } from '../reporting/scope-state.ts'
import { addNodeCommand, askNode } from './node-request.ts'
import { writeTable } from './table.ts'
import { writeJSON } from './terminal.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'
import type { ResourceManagerStat } from '../manager/resource-manager-stat.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'

function rowsOf (stat: ResourceManagerStat): string[][] {
  const { allowlistedSystem, allowlistedTransient, peers, protocols, services, system, transient } = stat
  const named = (kind: string, scopes: Record<string, ScopeStat>): Array<[string, ScopeStat]> => Object.entries(scopes).map(([name, scope]) => [`${kind}:${name}`, scope])

  return [
    ...Object.entries({ system, transient, allowlistedSystem, allowlistedTransient }),
    ...named('service', services),
    ...named('protocol', protocols),
    ...named('peer', peers)
  ].map(([name, scope]) => [
    name,
    ...[scope.numConnsInbound, scope.numConnsOutbound, scope.numStreamsInbound, scope.numStreamsOutbound, scope.numFD].map(String),
    formatBytes(scope.memory)
  ])
}

/**
 * `stat`
 */
export const registerStat: Register = (program, terminal) => {
  addNodeCommand(program, 'stat', {
    summary: 'what the scopes of a running node hold',
    examples: ['libp2p-resource-manager stat --url http://127.0.0.1:9095/', 'libp2p-resource-manager stat --json | jq .system']
  }).action(async (options: NodeOptions) => {
    const stat = await askNode(options, 'stat')

    if (options.json === true) {
      writeJSON(terminal, stat)
    } else {
      writeTable(terminal, ['scope', ...['conns in', 'out', 'streams in', 'out', 'fd', 'memory'].map(title => ({ title, align: 'right' as const }))], rowsOf(stat))
    }
  })
}
