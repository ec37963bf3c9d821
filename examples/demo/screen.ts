/**
 * Draws over what it has drawn before where that is possible
 */
export class Screen {
  #lines = 0

  draw (lines: string[]): void {
    const { columns, isTTY, rows } = process.stdout

    if (!isTTY) {
      process.stdout.write(`${lines.join('\n')}\n`)
      return
    }

    // what takes more room than there is could not be drawn over
    const visible = lines.slice(0, rows - 1).map(line => line.slice(0, columns))

    process.stdout.write(`${this.#lines === 0 ? '' : `\x1b[${this.#lines}A\x1b[J`}${visible.join('\n')}\n`)
    this.#lines = visible.length
  }
}
