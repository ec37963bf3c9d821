import { formatAmount, formatPercent } from './figure.ts'
import { addNodeCommand, askNode, isListOf } from './node-request.ts'
import { writeTable } from './table.ts'
import { writeJSON, writeLine } from './terminal.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'
import type { BarStat } from '../admin/live-data.ts'

/**
 * Whether an answer can be listed
 */
export function isUsage (usage: unknown): usage is BarStat[] {
  return isListOf(usage, { scope: 'string', resource: 'string' })
}

/**
 * `usage`
 */
export const registerUsage: Register = (program, terminal) => {
  addNodeCommand(program, 'usage', {
    summary: 'the limits of a running node that are nearly reached, fullest first',
    examples: ['libp2p-resource-manager usage --url http://127.0.0.1:9095/', 'libp2p-resource-manager usage --min-percent 0', 'libp2p-resource-manager usage --scope system']
  })
    .option('--min-percent <n>', 'how much of a limit has to be in use (default: 80, and 0 with --scope)')
    .option('--scope <name>', 'all limits of one scope only, such as system, service:NAME, protocol:NAME or peer:ID')
    .action(async (options: NodeOptions & { minPercent?: string, scope?: string }) => {
      const { minPercent, scope } = options
      const usage = await askNode<BarStat[]>(options, 'usage', isUsage, { minPercent, scope })

      if (options.json === true) {
        writeJSON(terminal, usage)
      } else if (usage.length === 0) {
        writeLine(terminal.stdout, scope === undefined ? `no limit is in use to ${minPercent ?? 80}%` : 'there is nothing in this scope')
      } else {
        writeTable(terminal, ['scope', 'limit of', ...['used', 'of', 'full', 'refused'].map(title => ({ title, align: 'right' as const }))], usage.map(({ direction = '', limit, percent, refusals, resource, scope, used }) => [
          scope, `${direction} ${resource}`.trim(), formatAmount(used, resource), formatAmount(limit, resource), formatPercent(percent), String(refusals)
        ]))
      }
    })
}
