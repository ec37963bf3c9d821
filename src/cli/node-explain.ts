import { readMemorySize } from '../limits/memory-size.ts'
import { printable } from '../util/printable.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { formatAmount } from './figure.ts'
import { addNodeCommand, askNode, checkPeerOption, hasShape, isListOf } from './node-request.ts'
import { writeTable } from './table.ts'
import { styled, writeJSON, writeLine } from './terminal.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'
import type { Terminal } from './terminal.ts'
import type { Explanation } from '../reporting/explain.ts'

/**
 * An infinite figure is a text in JSON
 */
type Answered = Omit<Explanation, 'headroom'> & { headroom: Array<{ scope: string, headroom: number | 'unlimited' }> }

interface ExplainOptions extends NodeOptions, Partial<Record<'direction' | 'address' | 'peer' | 'protocol' | 'service' | 'size' | 'priority', string>> {
  usefd?: boolean
}

function isAnswered (answer: any): boolean {
  return hasShape(answer, { fits: 'boolean', refusedBy: 'optional', setting: 'optional' }) && isListOf(answer.headroom, { scope: 'string' }) &&
    (answer.givesWay == null || (Array.isArray(answer.givesWay) && answer.givesWay.every((name: unknown) => typeof name === 'string')))
}

function write (terminal: Terminal, resource: string, { current, fits, givesWay, headroom, limit, refusedBy, setting }: Answered): void {
  if (fits) {
    writeLine(terminal.stdout, `${styled(terminal.stdout, 'green', 'it fits')}${givesWay == null ? '' : `, and ${givesWay.map(printable).join(', ')} would give way to it`}`)
  } else {
    const inUse = current == null || limit == null ? '' : `: ${formatAmount(current, resource)} of ${formatAmount(limit, resource)} in use`

    writeLine(terminal.stdout, `${styled(terminal.stdout, 'red', 'it does not fit')}: refused by ${printable(refusedBy ?? '')}${inUse}${setting == null ? '' : `, see ${printable(setting)}`}`)
  }

  if (headroom.length > 0) {
    writeLine(terminal.stdout, '')
    writeTable(terminal, ['scope', { title: 'room for', align: 'right' }], headroom.map(({ headroom, scope }) => [scope, headroom === 'unlimited' ? headroom : formatAmount(headroom, resource)]))
  }
}

/**
 * In bytes, where there is a unit. The node checks it.
 */
function sizeOf (text: string): string {
  const bytes = readMemorySize(text, () => NaN)

  return Number.isNaN(bytes) ? text : String(bytes)
}

/**
 * `explain`
 */
export const registerExplain: Register = (program, terminal) => {
  addNodeCommand(program, 'explain <resource>', {
    summary: 'whether something would fit into a running node now, and what would refuse it',
    description: 'Whether a connection, a stream or memory would fit into a running node now. If not, which scope would refuse it, and the setting to change. Asking changes nothing.',
    examples: [
      'libp2p-resource-manager explain connection --direction inbound --address /ip4/192.0.2.1/tcp/4001',
      'libp2p-resource-manager explain stream --direction inbound --peer 12D3KooW… --protocol /ipfs/ping/1.0.0',
      'libp2p-resource-manager explain memory --size 1MiB --service my-service'
    ],
    exitCodes: { [EXIT.NOT_FINE]: 'it would not fit' }
  })
    .option('--direction <direction>', 'inbound or outbound')
    .option('--address <address>', 'of a connection')
    .option('--peer <id>', 'whose it would be')
    .option('--protocol <protocol>', 'of a stream, or of memory')
    .option('--service <name>', 'that it would belong to')
    .option('--usefd', 'a connection that would use a file descriptor')
    .option('--size <size>', 'of memory', sizeOf)
    .option('--priority <n>', 'of memory, from 0 to 255')
    .action(async (resource: string, { json, token, url, usefd, ...parameters }: ExplainOptions) => {
      if (parameters.direction === undefined && /^(?:connection|stream)$/.test(resource)) {
        throw new CommandError('--direction: expected inbound or outbound')
      }

      checkPeerOption(parameters.peer)

      const explanation = await askNode<Answered>({ token, url }, 'explain', isAnswered, { resource, ...parameters, usefd: usefd === true ? 'true' : undefined })

      terminal.exitCode = explanation.fits ? EXIT.FINE : EXIT.NOT_FINE

      if (json === true) {
        writeJSON(terminal, explanation)
      } else {
        write(terminal, resource, explanation)
      }
    })
}
