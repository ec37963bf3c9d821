import { printable } from '../util/printable.ts'
import { styled, writeLine } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/**
 * A column of a table
 */
export interface Column {
  title: string

  /**
   * Numbers are easier to compare when they end at the same place
   *
   * @default 'left'
   */
  align?: 'left' | 'right'
}

/**
 * What is between two columns
 */
const GAP = '  '

/**
 * The lines of a table, the titles first. Cells are escaped, because names may come from remote
 * peers and must not move the cursor of a terminal.
 *
 * @param columns - a text is a column that is aligned to the left
 * @param rows - one text for each column
 */
export function tableLines (columns: ReadonlyArray<Column | string>, rows: readonly string[][]): string[] {
  const described = columns.map(column => typeof column === 'string' ? { title: column } : column)
  const cells = [described.map(({ title }) => title), ...rows.map(row => row.map(printable))]
  const widths = described.map((_, i) => cells.reduce((width, row) => Math.max(width, row[i].length), 0))

  return cells.map(row => row.map((cell, i) => {
    return described[i].align === 'right' ? cell.padStart(widths[i]) : cell.padEnd(widths[i])
  }).join(GAP).trimEnd())
}

/**
 * Writes a table, the titles in bold where the terminal has that
 */
export function writeTable (terminal: Terminal, columns: ReadonlyArray<Column | string>, rows: readonly string[][]): void {
  const [titles, ...lines] = tableLines(columns, rows)

  writeLine(terminal.stdout, styled(terminal.stdout, 'bold', titles))
  lines.forEach(line => { writeLine(terminal.stdout, line) })
}
