import { LIMIT_FIELDS } from '../limits/limit.ts'
import { limitsToJSON } from '../limits/limits-json.ts'
import { SCOPE_KINDS } from '../scopes/scope-kind.ts'
import { suggestLimits } from '../what-if/suggest.ts'
import { addCommand } from './command.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { formatFigure } from './figure.ts'
import { askNode, nodeURL, TOKEN_HELP } from './node-request.ts'
import { replayWithProgress, writeOutput, writeReplayNotes } from './replay.ts'
import { tableLines } from './table.ts'
import { styled, writeJSON, writeLine } from './terminal.ts'
import type { CommonOptions } from './command.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'
import type { Terminal } from './terminal.ts'
import type { DescribedMark } from '../reporting/usual-use.ts'
import type { Suggestion, Used } from '../what-if/suggest.ts'

interface Options extends CommonOptions {
  headroom: string
  output?: string
  token?: string
}

/**
 * The usage of a running node, from its admin server
 *
 * @throws {CommandError} if it does not answer, or with something else
 */
async function usedByNode (options: NodeOptions): Promise<Used[]> {
  const marks = await askNode<unknown>(options, 'high-water-marks', () => true)

  if (!Array.isArray(marks) || !marks.every(isMark)) {
    throw new CommandError(`${nodeURL(options, 'high-water-marks').href}: expected the high-water marks of a node, got something else`, EXIT.UNREACHABLE)
  }

  return marks.map(({ field, kind, p50, p99, scope, value }) => ({ kind, scope, group: groupOf(kind, scope), field, peak: value, p50, p99 }))
}

function isMark (mark: any): mark is DescribedMark {
  return SCOPE_KINDS.includes(mark?.kind) && typeof mark.scope === 'string' && LIMIT_FIELDS.includes(mark.field) && Number.isSafeInteger(mark.value) &&
    [mark.p50, mark.p99].every(usual => usual === undefined || Number.isSafeInteger(usual))
}

/**
 * The marks of peers are for all services or protocols together: only the one that had most is
 * known
 */
function groupOf (kind: string, scope: string): string | undefined {
  return kind === 'service' || kind === 'protocol' ? scope.slice(kind.length + 1) : undefined
}

function writeReasons (terminal: Terminal, suggestions: Suggestion[], headroom: number): void {
  const { stderr } = terminal
  const rows = suggestions.map(({ field, limit, outlier, p50, p99, peak, scope, setting }) => [
    setting,
    formatFigure(field, limit),
    formatFigure(field, peak),
    ...[p99, p50].map(usual => usual === undefined ? '' : formatFigure(field, usual)),
    outlier === true ? `far above what is usual: look at ${scope}` : scope
  ])
  const [title, ...lines] = tableLines(['setting', { title: 'suggested', align: 'right' }, { title: 'peak', align: 'right' }, { title: 'p99', align: 'right' }, { title: 'p50', align: 'right' }, 'peak of'], rows)

  writeLine(stderr, `Limits are ${headroom} times the peak, rounded up. p99 is what was exceeded for 1% of the time, or by 1% of the peers, and p50 for half.`)
  writeLine(stderr, styled(stderr, 'bold', title))
  lines.forEach(line => { writeLine(stderr, line) })
}

/**
 * `suggest`
 */
export const registerSuggest: Register = (program, terminal) => {
  addCommand(program, 'suggest <trace-or-url>', {
    summary: 'limits from what was really used, with the reasons',
    description: 'Suggests limits from a recorded trace, or from the high-water marks of a running node, by the address of its admin server. The limits are the result, as a file to start with; the reasons are in a table beside it.',
    examples: [
      'libp2p-resource-manager suggest trace.json.gz --output limits.json',
      'libp2p-resource-manager suggest http://127.0.0.1:9095/ --headroom 2 > limits.json'
    ],
    exitCodes: { [EXIT.UNREACHABLE]: 'the node does not answer' }
  })
    .option('--headroom <factor>', 'how much more than the peak is allowed', '1.5')
    .option('--output <file>', 'where to write the limits, instead of the standard output')
    .option('--token <token>', TOKEN_HELP)
    .action(async (source: string, { headroom: factor, json, output, token }: Options) => {
      const headroom = Number(factor)
      const { limits, suggestions } = suggestLimits(await usedOf(terminal, source, token), { headroom })

      if (json === true) {
        writeJSON(terminal, { limits: JSON.parse(limitsToJSON(limits)), suggestions })
        return
      }

      writeReasons(terminal, suggestions, headroom)

      if (output === undefined) {
        writeLine(terminal.stdout, limitsToJSON(limits))
      } else {
        await writeOutput(output, `${limitsToJSON(limits)}\n`)
      }
    })
}

async function usedOf (terminal: Terminal, source: string, token?: string): Promise<Used[]> {
  if (/^https?:\/\//.test(source)) {
    return usedByNode({ url: source, token })
  }

  const report = await replayWithProgress(terminal, source, 'unlimited')

  writeReplayNotes(terminal, report)

  return report.usage
}
