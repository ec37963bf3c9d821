import { resolveBaseCosts } from '../libp2p/connections/base-costs.ts'
import { checkKnobs } from '../limits/check-knobs.ts'
import { checkLimits } from '../limits/check-limits.ts'
import { affordableConnections } from '../manager/opening.ts'
import { addCommand } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { limitsInForce } from './limits-in-force.ts'
import { addLimitsOptions, limitSettings } from './limits-options.ts'
import { InvalidInputError, inputName } from './read-input.ts'
import { writeNote } from './read-limits.ts'
import { styled, writeJSON, writeLine } from './terminal.ts'
import type { Register } from './command.ts'
import type { LimitSettings } from './limits-in-force.ts'
import type { LimitsOptions } from './limits-options.ts'
import type { Terminal } from './terminal.ts'

interface Findings {
  /** What makes the file one that cannot be used */
  problems: string[]

  /** Limits of which one is not what its author expects */
  contradictions: string[]

  /** What is read in another way than it is written */
  notes: string[]
}

/**
 * What a node would warn about when it starts
 */
function contradictionsOf (settings: LimitSettings): string[] {
  const { file, connectionManager, machine, ...knobs } = settings
  const limits = limitsInForce(settings)
  const node = connectionManager === undefined
    ? {}
    : { maxConnections: connectionManager, affordableConnections: affordableConnections(limits.system.memory, resolveBaseCosts()) }

  return [...checkKnobs({ ...knobs, limits: file }, machine), ...checkLimits(limits, { ...node, set: file })]
}

async function findingsOf (terminal: Terminal, path: string, options: LimitsOptions): Promise<Findings> {
  const notes: string[] = []

  try {
    const settings = await limitSettings(terminal, path, options, (note) => { notes.push(note) })

    return { problems: [], contradictions: contradictionsOf(settings), notes }
  } catch (err: any) {
    if (!(err instanceof InvalidInputError)) {
      throw err
    }

    return { problems: err.problems, contradictions: [], notes }
  }
}

/**
 * `limits check`
 */
export const registerLimitsCheck: Register = (limits, terminal) => {
  const command = addCommand(limits, 'check <file>', {
    summary: 'what is wrong with a file with limits, and which of them contradict each other',
    description: 'Lists what is wrong with a file with limits, and which of them contradict each other, or are more than this machine has, or than the other options let the node have.',
    examples: [
      'libp2p-resource-manager limits check limits.json',
      'libp2p-resource-manager limits check limits.toml --connection-manager 2000',
      'libp2p-resource-manager limits check - < limits.json'
    ],
    exitCodes: { [EXIT.NOT_FINE]: 'problems or contradictions were found' }
  })

  addLimitsOptions(command).action(async (path: string, options: LimitsOptions) => {
    const findings = await findingsOf(terminal, path, options)
    const { problems, contradictions, notes } = findings
    const isFine = problems.length + contradictions.length === 0

    terminal.exitCode = isFine ? EXIT.FINE : EXIT.NOT_FINE

    if (options.json === true) {
      writeJSON(terminal, findings)
      return
    }

    notes.forEach(note => { writeNote(terminal, `${inputName(path)}: ${note}`) })
    problems.forEach(problem => { writeLine(terminal.stdout, `${styled(terminal.stdout, 'red', 'problem:')} ${problem}`) })
    contradictions.forEach(contradiction => { writeLine(terminal.stdout, `${styled(terminal.stdout, 'yellow', 'contradiction:')} ${contradiction}`) })

    if (isFine) {
      writeLine(terminal.stdout, `${inputName(path)}: fine`)
    }
  })
}
