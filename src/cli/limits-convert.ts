import { apply } from '../limits/build-limits.ts'
import { isKubo } from '../limits/kubo-settings.ts'
import { limitsToJSON } from '../limits/limits-json.ts'
import { readKubo } from '../limits/options-from-kubo.ts'
import { parseLimits } from '../limits/parse-limits.ts'
import { addCommand } from './command.ts'
import { CommandError } from './exit-codes.ts'
import { STDIN, inputName, readInput } from './read-input.ts'
import { isTOML, limitsIn, named, readJSON, writeNote } from './read-limits.ts'
import { writeJSON, writeLine } from './terminal.ts'
import type { CommonOptions } from './command.ts'
import type { Register } from './command.ts'
import type { Terminal } from './terminal.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'
import type { KuboOptions } from '../limits/options-from-kubo.ts'
import type { NoteListener } from '../util/problems.ts'

interface ConvertOptions extends CommonOptions {
  overrides?: string
  zerosAreDefaults?: boolean
}

/**
 * The content of a file. Only files of kubo have more in them than limits.
 */
interface Converted extends KuboOptions {
  notes: string[]
}

function isKuboText (path: string, text: string): boolean {
  return !isTOML(path, text) && isKubo(readJSON(text))
}

async function convert (terminal: Terminal, path: string, { overrides, zerosAreDefaults }: ConvertOptions): Promise<Converted> {
  const notes: string[] = []
  const noteOf = (path: string): NoteListener => (note) => { notes.push(`${inputName(path)}: ${note}`) }

  if (path === STDIN && overrides === STDIN) {
    throw new CommandError('--overrides: expected a file, as the standard input is the configuration, got "-"')
  }

  const text = await readInput(terminal, path)

  if (!named(path, () => isKuboText(path, text))) {
    if (overrides !== undefined) {
      throw new CommandError(`${inputName(path)}: expected a configuration of kubo, as there are --overrides`)
    }

    return { resourceManager: { limits: limitsIn(path, text, noteOf(path), zerosAreDefaults) }, connectionManager: {}, notes }
  }

  const options = named(path, () => readKubo(readJSON(text), undefined, { onNote: noteOf(path) }, zerosAreDefaults))

  if (overrides !== undefined) {
    // read apart, so that messages name the file
    const above = limitsIn(overrides, await readInput(terminal, overrides), noteOf(overrides), zerosAreDefaults)

    options.resourceManager.limits = options.resourceManager.limits == null ? above : apply(above, options.resourceManager.limits)
  }

  return { ...options, notes }
}

/**
 * The limits as a file of their own. The memory of the system is in it, so that it is there
 * even if somebody forgets the option.
 */
function limitsOfFile ({ limits = {}, maxMemory }: KuboOptions['resourceManager']): PartialLimitConfig {
  return maxMemory === undefined || limits.system?.memory !== undefined ? limits : { ...limits, system: { ...limits.system, memory: maxMemory } }
}

/**
 * Settings that cannot be in a file with limits, as code
 */
function writeOptions (terminal: Terminal, { resourceManager, connectionManager }: KuboOptions): void {
  const { limits, ...options } = resourceManager

  if (Object.keys(options).length > 0) {
    writeNote(terminal, `these are no limits, but options: resourceManager(${JSON.stringify(options)})`)
  }

  if (options.maxMemory !== undefined && limits?.system?.memory === undefined) {
    writeNote(terminal, 'with maxMemory, all other limits are derived from it, as in kubo; the file has it as System.Memory only')
  }

  if (Object.keys(connectionManager).length > 0) {
    writeNote(terminal, `this is an option of libp2p: createLibp2p(${JSON.stringify({ connectionManager })})`)
  }
}

/**
 * `limits convert`
 */
export const registerLimitsConvert: Register = (limits, terminal) => {
  const command = addCommand(limits, 'convert <file>', {
    summary: 'writes what is in a file of go-libp2p, kubo or lotus as limits of ours',
    description: 'Writes the limits in a file as one that loadLimits reads. It reads JSON of go-libp2p of all versions, configurations of kubo, TOML, and - for the standard input. What has no counterpart, or is an option and no limit, is listed on the standard error. Limits that scale or are dynamic are written as what they come to on this machine.',
    examples: [
      'libp2p-resource-manager limits convert limits.json > ours.json',
      'libp2p-resource-manager limits convert ~/.ipfs/config --overrides ~/.ipfs/libp2p-resource-limit-overrides.json > ours.json',
      'libp2p-resource-manager limits convert limits.toml --json'
    ]
  })

  command
    .option('--overrides <file>', 'kubo\'s libp2p-resource-limit-overrides.json, whose limits count before those in the file')
    .option('--zeros-are-defaults', 'the file is from a time in which 0 meant the default, and not that everything is refused')
    .action(async (path: string, options: ConvertOptions) => {
      const converted = await convert(terminal, path, options)
      const { resourceManager, connectionManager, notes } = converted

      if (options.json === true) {
        const { limits } = resourceManager

        writeJSON(terminal, {
          file: JSON.parse(limitsToJSON(limitsOfFile(resourceManager))),
          // as in code, where files have other names for the same
          resourceManager: { ...resourceManager, ...limits !== undefined && { limits: parseLimits(limits) } },
          connectionManager,
          notes
        })
        return
      }

      notes.forEach(note => { writeNote(terminal, note) })
      writeOptions(terminal, converted)
      writeLine(terminal.stdout, limitsToJSON(limitsOfFile(resourceManager)))
    })
}
