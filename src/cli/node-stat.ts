import { isRecord } from '../util/validation.ts'
import { CommandError } from './exit-codes.ts'
import { askFleet, SCOPE_COLUMNS, scopeCells, writeFleet } from './node-fleet.ts'
import { addNodeCommand, askNode, hasShape } from './node-request.ts'
import { writeTable } from './table.ts'
import { writeJSON } from './terminal.ts'
import type { Register } from './command.ts'
import type { FleetOfNode } from './node-fleet.ts'
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
  ].map(([name, scope]) => [name, ...scopeCells(scope)])
}

function isStat (stat: any): boolean {
  const isScope = (scope: unknown): boolean => hasShape(scope, { memory: 'number' })

  return isRecord(stat) && [stat.system, stat.transient, stat.allowlistedSystem, stat.allowlistedTransient].every(isScope) &&
    [stat.services, stat.protocols, stat.peers].every(scopes => isRecord(scopes) && Object.values(scopes).every(isScope)) &&
    (stat.fleet === undefined || isRecord(stat.fleet))
}

/**
 * What the node itself holds has been read by then, and is written whatever comes of this
 */
async function tryFleet (options: NodeOptions): Promise<{ fleet?: FleetOfNode, problem?: CommandError }> {
  try {
    return { fleet: await askFleet(options) }
  } catch (err) {
    if (err instanceof CommandError) {
      return { problem: err }
    }

    throw err
  }
}

/**
 * `stat`
 */
export const registerStat: Register = (program, terminal) => {
  addNodeCommand(program, 'stat', {
    summary: 'what the scopes of a running node hold, and the nodes of the fleet that it is in',
    examples: ['libp2p-resource-manager stat --url http://127.0.0.1:9095/', 'libp2p-resource-manager stat --json | jq .system']
  }).action(async (options: NodeOptions) => {
    const stat = await askNode<ResourceManagerStat>(options, 'stat', isStat)
    const { fleet, problem } = stat.fleet === undefined ? {} : await tryFleet(options)

    if (options.json === true) {
      writeJSON(terminal, fleet === undefined ? stat : { ...stat, fleet })
    } else {
      writeTable(terminal, ['scope', ...SCOPE_COLUMNS], rowsOf(stat))
      fleet === undefined || writeFleet(terminal, fleet)
    }

    if (problem !== undefined) {
      throw new CommandError(`the fleet could not be asked: ${problem.message}`, problem.exitCode)
    }
  })
}
