/**
 * A row of a table that can be read in a terminal, and be copied into a README
 *
 * @param cells - the first is text, the others are figures
 * @param widths
 */
export function row (cells: string[], widths: number[]): string {
  return `| ${cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(' | ')} |`
}

export function head (cells: string[], widths: number[]): string {
  return `${row(cells, widths)}\n${row(cells.map((_, i) => '-'.repeat(widths[i])), widths)}`
}
