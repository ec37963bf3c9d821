import { formatBytes } from '../reporting/scope-state.ts'
import { addNodeCommand, askNode, isListOf } from './node-request.ts'
import { writeTable } from './table.ts'
import { writeJSON } from './terminal.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'
import type { Holder } from '../manager/resource-manager-stat.ts'

function isHolders (holders: unknown): boolean {
  return isListOf(holders, { scope: 'string', direction: 'string', memory: 'number', age: 'number' })
}

/**
 * `holders`
 */
export const registerHolders: Register = (program, terminal) => {
  addNodeCommand(program, 'holders', {
    summary: 'the connections and streams of a running node that hold most',
    examples: ['libp2p-resource-manager holders --url http://127.0.0.1:9095/', 'libp2p-resource-manager holders --resource stream --top 50']
  })
    .option('--resource <resource>', 'what most is held of: memory, by connections and streams, or stream, by connections', 'memory')
    .option('--top <n>', 'how many', '10')
    .action(async (options: NodeOptions & { resource: string, top: string }) => {
      const holders = await askNode<Holder[]>(options, 'holders', isHolders, { resource: options.resource, top: options.top })

      if (options.json === true) {
        writeJSON(terminal, holders)
      } else {
        writeTable(terminal, [
          'scope',
          'direction',
          ...['memory', 'streams', 'age'].map(title => ({ title, align: 'right' as const })),
          'whose'
        ], holders.map(({ address, age, direction, memory, peer, protocol, scope, service, streams }) => [
          scope, direction, formatBytes(memory), String(streams), `${Math.round(age / 1000)} s`, [peer, address, protocol, service].filter(part => part != null).join(' ')
        ]))
      }
    })
}
