import type { Terminal } from './terminal.ts'

/**
 * How often the bar is drawn, in ms
 */
const INTERVAL = 100

const WIDTH = 30

/**
 * Shows how far something has come, in one line of a terminal, and clears it at the end. Writes
 * nothing if the output is no terminal.
 */
export class ProgressBar {
  readonly #stderr: Terminal['stderr']
  #drawn = 0

  constructor ({ stderr }: Terminal) {
    this.#stderr = stderr
  }

  /**
   * @param done
   * @param total - left out where it is not known
   * @param text - the text behind the bar
   */
  update (done: number, total: number | undefined, text: string): void {
    const now = performance.now()

    if (this.#stderr.isTTY !== true || now - this.#drawn < INTERVAL) {
      return
    }

    this.#drawn = now

    const share = total === undefined || total === 0 ? undefined : Math.min(1, done / total)
    const bar = share === undefined ? '' : `[${'='.repeat(Math.round(WIDTH * share)).padEnd(WIDTH)}] ${Math.floor(100 * share)}% `

    this.#stderr.write(`\r\u001b[K${`${bar}${text}`.slice(0, (this.#stderr.columns ?? 80) - 1)}`)
  }

  end (): void {
    if (this.#drawn > 0) {
      this.#stderr.write('\r\u001b[K')
    }
  }
}
