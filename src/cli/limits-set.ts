import { limitsToJSON } from '../limits/limits-json.ts'
import { didYouMean } from '../util/did-you-mean.ts'
import { CommandError } from './exit-codes.ts'
import { formatFigure } from './figure.ts'
import { addNodeCommand, askNode, isListOf, TOKEN_VARIABLE, tokenHeaders } from './node-request.ts'
import { readLimits, writeNote } from './read-limits.ts'
import { writeTable } from './table.ts'
import { writeJSON, writeLine } from './terminal.ts'
import type { Register } from './command.ts'
import type { NodeOptions } from './node-request.ts'

/**
 * Infinity is a text in JSON
 */
interface Change {
  setting: string
  from: number | 'unlimited'
  to: number | 'unlimited'
}

interface LimitsSetOptions extends NodeOptions {
  file?: string
  replace?: boolean
}

/**
 * A setting as errors, the log and the page name it, and its new value:
 * `System.ConnsInbound=64`, `Protocol["/a/1.0.0"].Memory=64MiB`
 *
 * The expression has a dot before each word. Without it, rejecting a long text would take for
 * ever.
 */
const ASSIGNMENT = /^((?:\w+|\["(?:[^"\\]|\\.)+"\])(?:\.\w+|\.?\["(?:[^"\\]|\\.)+"\])*)=(.+)$/s
const PART = /(\w+)|\[("(?:[^"\\]|\\.)+")\]/g

/**
 * A name that is not in quotes, such as `Protocol./a/1.0.0.Memory`
 */
const UNQUOTED = /^(Service|Protocol|Peer)\.([^"\]]+)\.(\w+)=/i

function inQuotes (assignment: string): string {
  const [, section, name, field] = UNQUOTED.exec(assignment) ?? []

  return section === undefined ? '' : ` (${didYouMean(`${section}[${JSON.stringify(name)}].${field}`)})`
}

/**
 * Limits as in files, with one setting in them for each text
 *
 * @throws {CommandError} naming a text that is something else
 */
export function limitsOfAssignments (assignments: readonly string[]): Record<string, unknown> {
  const limits: Record<string, any> = Object.create(null)

  for (const assignment of assignments) {
    const [, setting, value] = ASSIGNMENT.exec(assignment) ?? []

    if (setting === undefined) {
      throw new CommandError(`expected changes such as System.ConnsInbound=64, got ${JSON.stringify(assignment)}${inQuotes(assignment)}`)
    }

    const path: string[] = Array.from(setting.matchAll(PART), ([, word, quoted]) => word ?? JSON.parse(quoted))
    const field = path.pop() as string
    let part = limits

    for (const name of path) {
      part = part[name] ??= Object.create(null)

      if (typeof part !== 'object') {
        throw new CommandError(`expected a setting of one scope, got ${JSON.stringify(assignment)}`)
      }
    }

    if (field in part) {
      throw new CommandError(`expected every setting once, got ${setting} twice`)
    }

    part[field] = value
  }

  return limits
}

function figure (setting: string, value: Change['from']): string {
  return formatFigure(setting, value === 'unlimited' ? Infinity : value)
}

function isAnswer (answer: any): boolean {
  return isListOf(answer?.changes, { setting: 'string' }) && Array.isArray(answer.notes) && answer.notes.every((note: unknown) => typeof note === 'string')
}

/**
 * `limits set`
 */
export const registerLimitsSet: Register = (limits, terminal) => {
  addNodeCommand(limits, 'set [changes...]', {
    summary: 'changes limits of a running node, until it is started again',
    description: 'Changes limits of a running node, until it is started again. Changes add up; if one cannot be used, none is made. The node needs to have a token.',
    examples: [
      'libp2p-resource-manager limits set System.ConnsInbound=200 System.Memory=1GiB --url http://127.0.0.1:9095/',
      'libp2p-resource-manager limits set \'Protocol["/ipfs/bitswap/1.2.0"].StreamsInbound=64\'',
      'libp2p-resource-manager limits set System.Memory=default   # takes one change back',
      'libp2p-resource-manager limits set --file limits.json',
      'libp2p-resource-manager limits set --replace   # takes all changes back'
    ]
  })
    .option('--file <file>', 'a file with limits, - for the standard input')
    .option('--replace', 'take the changes before back')
    .action(async (assignments: string[], { file, replace, ...options }: LimitsSetOptions) => {
      if (assignments.length === 0 && file === undefined && replace !== true) {
        throw new CommandError('expected a change such as System.ConnsInbound=64, or --file')
      }

      if (assignments.length > 0 && file !== undefined) {
        throw new CommandError('expected changes or --file, got both')
      }

      if (Object.keys(tokenHeaders(options)).length === 0) {
        throw new CommandError(`expected --token or $${TOKEN_VARIABLE}: nobody changes limits without`)
      }

      const body = file === undefined ? JSON.stringify(limitsOfAssignments(assignments)) : limitsToJSON(await readLimits(terminal, file))
      const answer = await askNode<{ changes: Change[], notes: string[] }>(options, 'limits', isAnswer, {}, { method: replace === true ? 'PUT' : 'PATCH', body })

      if (options.json === true) {
        writeJSON(terminal, answer)
        return
      }

      answer.notes.forEach(note => { writeNote(terminal, note) })

      if (answer.changes.length === 0) {
        writeLine(terminal.stdout, 'nothing has changed')
      } else {
        writeTable(terminal, ['setting', { title: 'from', align: 'right' }, { title: 'to', align: 'right' }], answer.changes.map(({ from, setting, to }) => [setting, figure(setting, from), figure(setting, to)]))
      }
    })
}
