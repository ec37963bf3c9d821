import { formatAmount } from './figure.ts'
import { addNodeCommand, askNode, checkPeerOption, isListOf } from './node-request.ts'
import { writeTable } from './table.ts'
import { writeJSON, writeLine } from './terminal.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'
import type { Terminal } from './terminal.ts'
import type { RecentRefusal } from '../reporting/recent-refusals.ts'
import type { RefusalCount } from '../reporting/refusal-counts.ts'
import type { EvictionCount } from '../scopes/evictions.ts'

interface Refusals {
  counts: RefusalCount[]
  evictions: EvictionCount[]
  recent: RecentRefusal[]
}

interface RefusalsOptions extends NodeOptions {
  peer?: string
  address?: string
  since?: string
}

function isRefusals (answer: any): boolean {
  return isListOf(answer?.counts, { kind: 'string', resource: 'string', setting: 'optional' }) &&
    isListOf(answer.evictions, { kind: 'string', resource: 'string' }) &&
    isListOf(answer.recent, { scope: 'string', resource: 'string', setting: 'optional' })
}

const RIGHT = (title: string): { title: string, align: 'right' } => ({ title, align: 'right' })

function localTime (ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB')
}

function writeCounts (terminal: Terminal, { counts, evictions }: Refusals): void {
  writeTable(terminal, ['refused by', 'for want of', RIGHT('count'), 'last', 'setting'], [
    ...counts.map(({ count, direction = '', kind, lastTime, resource, setting = '' }) => [kind, `${direction} ${resource}`.trim(), String(count), localTime(lastTime), setting]),
    ...evictions.map(({ count, kind, resource }) => [kind, `${resource}, gave way`, String(count), '', ''])
  ])
}

function writeLatest (terminal: Terminal, { recent }: Refusals): void {
  writeTable(terminal, ['latest', 'refused by', 'for want of', RIGHT('in use'), RIGHT('of'), 'setting', 'whose'], recent.map(({ address, current, direction = '', limit, peer, protocol, resource, scope, setting = '', time }) => [
    localTime(time), scope, `${direction} ${resource}`.trim(), formatAmount(current, resource), formatAmount(limit, resource), setting, [peer, address, protocol].filter(part => part != null).join(' ')
  ]))
}

/**
 * `refusals`
 */
export const registerRefusals: Register = (program, terminal) => {
  addNodeCommand(program, 'refusals', {
    summary: 'what a running node has refused, and the setting to change',
    examples: ['libp2p-resource-manager refusals --url http://127.0.0.1:9095/', 'libp2p-resource-manager refusals --address 192.0.2.1']
  })
    .option('--peer <id>', 'the latest of this peer only')
    .option('--address <address>', 'the latest of this address only')
    .option('--since <ms>', 'the latest since then only, in ms since 1970')
    .action(async ({ address, peer, since, ...options }: RefusalsOptions) => {
      checkPeerOption(peer)

      const refusals = await askNode<Refusals>(options, 'refusals', isRefusals, { address, peer, since })
      const { counts, evictions, recent } = refusals
      // the totals are of all
      const isFiltered = address !== undefined || peer !== undefined || since !== undefined

      if (options.json === true) {
        writeJSON(terminal, isFiltered ? { recent } : refusals)
      } else if (isFiltered && recent.length === 0) {
        writeLine(terminal.stdout, 'nothing of it has been refused lately')
      } else if (isFiltered) {
        writeLatest(terminal, refusals)
      } else if (counts.length === 0 && evictions.length === 0) {
        writeLine(terminal.stdout, 'nothing has been refused')
      } else {
        writeCounts(terminal, refusals)

        if (recent.length > 0) {
          writeLine(terminal.stdout, '')
          writeLatest(terminal, refusals)
        }
      }
    })
}
