import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { timeText } from '../what-if/replay-chart.ts'
import { replayPage } from '../what-if/replay-page.ts'
import { replayTrace } from '../what-if/replay-trace.ts'
import { addCommand } from './command.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { formatFigure } from './figure.ts'
import { ProgressBar } from './progress.ts'
import { inputChunks, inputName, STDIN } from './read-input.ts'
import { named, readLimits, writeNote } from './read-limits.ts'
import { tableLines } from './table.ts'
import { styled, writeJSON, writeLine } from './terminal.ts'
import type { CommonOptions } from './command.ts'
import type { Register } from './command.ts'
import type { Terminal } from './terminal.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'
import type { ReplayReport } from '../what-if/replay-report.ts'

interface Options extends CommonOptions {
  limits?: string
  html?: string
}

/**
 * How many lines a table has, and how full a limit must be to be in it, in percent
 */
const MAX_LINES = 40
const MIN_PERCENT = 1

/**
 * Runs a trace against limits, with a bar that shows how far it is
 *
 * @throws {CommandError} naming the trace, if it cannot be read or is none
 */
export async function replayWithProgress (terminal: Terminal, path: string, limits: PartialLimitConfig | 'unlimited'): Promise<ReplayReport> {
  const bar = new ProgressBar(terminal)

  try {
    return await replayTrace(path === STDIN ? inputChunks(terminal, path) : path, {
      limits,
      onProgress: ({ bytes, events, total }) => { bar.update(bytes, total, `${events} events`) }
    })
  } catch (err: any) {
    if (err.name === 'InvalidParametersError' || typeof err.code === 'string') {
      throw new CommandError(`${inputName(path)}: ${reasonOf(err)}`)
    }

    throw err
  } finally {
    bar.end()
  }
}

function reasonOf (err: any): string {
  switch (err.code) {
    case 'ENOENT':
      return 'expected a file, but there is none of this name'
    case 'EISDIR':
      return 'expected a file, got a directory'
    default:
      return err.message
  }
}

/**
 * Says what was not read, and what is not exact
 */
export function writeReplayNotes (terminal: Terminal, { exact, incomplete, skipped }: ReplayReport): void {
  if (incomplete !== undefined) {
    writeNote(terminal, `not all of the trace was read: ${incomplete}`)
  }

  if (skipped > 0) {
    writeNote(terminal, `${skipped} lines are no events or too long, and were skipped`)
  }

  if (!exact) {
    writeNote(terminal, 'this trace does not say who changed a scope, as that of go-libp2p: it is inferred, and what was reserved directly in a scope that all share is left out')
  }
}

/**
 * Writes a file as a whole: if the disk is full, the old content stays
 *
 * @throws {CommandError} naming the file
 */
export async function writeOutput (path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`

  try {
    const before = await stat(path).catch(() => undefined)

    // a device or a pipe stays one
    if (before !== undefined && !before.isFile()) {
      await writeFile(path, text)
      return
    }

    await writeFile(temporary, text)
    await rename(temporary, path)
  } catch (err: any) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new CommandError(`${path}: cannot be written: ${err.message}`)
  }
}

function writeTable (terminal: Terminal, columns: Parameters<typeof tableLines>[0], rows: string[][]): void {
  const [title, ...lines] = tableLines(columns, rows.slice(0, MAX_LINES))

  writeLine(terminal.stdout, styled(terminal.stdout, 'bold', title))
  lines.forEach(line => { writeLine(terminal.stdout, line) })

  if (rows.length > MAX_LINES) {
    writeLine(terminal.stdout, `and ${rows.length - MAX_LINES} more: --json has all`)
  }
}

function writeReport (terminal: Terminal, { admitted, begin, end, events, recorded, refusals, refused, usage }: ReplayReport): void {
  const { stdout } = terminal

  writeLine(stdout, `${events} events from ${timeText(begin)} to ${timeText(end)}`)
  writeLine(stdout, `${recorded} requests were refused by scopes when this was recorded, ${admitted} of which would be let in`)
  writeLine(stdout, styled(stdout, refused > 0 ? 'yellow' : 'green', `${refused} requests would be refused`))

  if (refusals.length > 0) {
    writeLine(stdout, '')
    writeTable(terminal, [{ title: 'refused', align: 'right' }, 'by', 'what', { title: 'limit', align: 'right' }, 'setting', 'first', 'last'], refusals.map(refusal => [
      String(refusal.count),
      refusal.scope,
      `${refusal.direction === undefined ? '' : `${refusal.direction} `}${refusal.resource}`,
      formatFigure(refusal.resource, refusal.limit),
      refusal.setting ?? '',
      timeText(refusal.first),
      timeText(refusal.last)
    ]))
  }

  const full = usage.filter(({ percent }) => percent >= MIN_PERCENT)

  if (full.length > 0) {
    writeLine(stdout, '')
    writeTable(terminal, ['scope', 'field', { title: 'peak', align: 'right' }, { title: 'limit', align: 'right' }, { title: 'used', align: 'right' }, 'when'], full.map(({ field, limit, peak, percent, scope, time }) => [
      scope,
      field,
      formatFigure(field, peak),
      formatFigure(field, limit),
      `${percent === Infinity ? '∞' : Math.round(percent)}%`,
      timeText(time)
    ]))
  }
}

/**
 * `replay`
 */
export const registerReplay: Register = (program, terminal) => {
  addCommand(program, 'replay <trace>', {
    summary: 'what other limits would have refused of what a trace has recorded',
    description: 'Runs a recorded trace, of this package or of go-libp2p, gzipped or not, against other limits. What the limits leave out is as it was recorded, or the default of this machine. `-` is the standard input.',
    examples: [
      'libp2p-resource-manager replay trace.json.gz --limits limits.json',
      'libp2p-resource-manager replay trace.json.gz --limits limits.json --html report.html',
      'libp2p-resource-manager replay trace.json.gz --limits limits.json --json | jq .refusals'
    ],
    exitCodes: { [EXIT.NOT_FINE]: 'something would be refused that was let in when it was recorded' }
  })
    .option('--limits <file>', 'the limits to try')
    .option('--html <file>', 'write a page with charts')
    .action(async (path: string, { html, json, limits: file }: Options) => {
      const limits = file === undefined ? {} : await readLimits(terminal, file)
      const report = await named(file ?? path, () => replayWithProgress(terminal, path, limits))

      writeReplayNotes(terminal, report)

      if (html !== undefined) {
        await writeOutput(html, replayPage(report, { trace: inputName(path), limits: file }))
      }

      if (json === true) {
        writeJSON(terminal, report)
      } else {
        writeReport(terminal, report)
      }

      if (report.refused > report.recorded - report.admitted) {
        terminal.exitCode = EXIT.NOT_FINE
      }
    })
}
