import type { Terminal } from './terminal.ts'

/**
 * Switches to the alternate screen, which leaves the old content alone, without a cursor and
 * without line wrap
 */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'

const HOME = '\u001b[H'
const REST_OF_LINE = '\u001b[K'
const REST_OF_SCREEN = '\u001b[J'

/**
 * Whatever ends a command from outside
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * What keys send, and how they are called
 */
const KEYS: Record<string, string> = {
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'pageUp',
  '\u001b[6~': 'pageDown',
  '\r': 'enter',
  '\n': 'enter',
  '\u001b': 'back',
  '\u007f': 'back',
  '\b': 'back',
  '\u0003': 'quit',
  '\u0004': 'quit',
  q: 'quit',
  k: 'up',
  j: 'down'
}

// eslint-disable-next-line no-control-regex
const KEY = /\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[\s\S]/g

/**
 * The keys in the bytes that were read: several may have been pressed
 */
export function keysIn (text: string): string[] {
  return Array.from(text.matchAll(KEY), ([key]) => KEYS[key] ?? key)
}

type TTYInput = Terminal['stdin'] & { setRawMode?(raw: boolean): void }

/**
 * Takes over the whole terminal and restores it, whatever ends the process, except `SIGKILL`.
 */
export class TopScreen {
  readonly #terminal: Terminal
  readonly #onKey: (key: string) => void
  readonly #onEnd: () => void
  readonly #onResize: () => void
  #isOpen = false

  /**
   * @param terminal
   * @param onKey - is told what is pressed
   * @param onEnd - is told that a signal wants an end
   * @param onResize - is told that there is another size now
   */
  constructor (terminal: Terminal, onKey: (key: string) => void, onEnd: () => void, onResize: () => void) {
    this.#terminal = terminal
    this.#onKey = onKey
    this.#onEnd = onEnd
    this.#onResize = onResize
  }

  get columns (): number {
    return this.#terminal.stdout.columns ?? 80
  }

  get rows (): number {
    return this.#terminal.stdout.rows ?? 24
  }

  open (): void {
    const { stdin, stdout } = this.#terminal

    this.#isOpen = true
    process.once('exit', this.#restore)
    SIGNALS.forEach(signal => { process.on(signal, this.#onEnd) })
    stdout.on('resize', this.#onResize)
    stdin.on('data', this.#read)
    stdin.on('end', this.#onEnd);
    (stdin as TTYInput).setRawMode?.(true)
    stdin.resume()
    stdout.write(ENTER)
  }

  /**
   * Gives the terminal back. A second call does nothing.
   */
  close (): void {
    const { stdin, stdout } = this.#terminal

    this.#restore()
    process.off('exit', this.#restore)
    SIGNALS.forEach(signal => { process.off(signal, this.#onEnd) })
    stdout.off('resize', this.#onResize)
    stdin.off('data', this.#read)
    stdin.off('end', this.#onEnd)
    stdin.pause()
  }

  /**
   * Draws over what is there
   */
  draw (lines: readonly string[]): void {
    const { stdout } = this.#terminal

    // a terminal that does not keep up, over a slow line, gets the next one
    if (this.#isOpen && (stdout as { writableLength?: number }).writableLength === 0) {
      stdout.write(`${HOME}${lines.slice(0, this.rows).map(line => line + REST_OF_LINE).join('\r\n')}${REST_OF_SCREEN}`)
    }
  }

  readonly #read = (chunk: Uint8Array | string): void => {
    keysIn(String(chunk)).forEach(this.#onKey)
  }

  readonly #restore = (): void => {
    if (this.#isOpen) {
      this.#isOpen = false;
      (this.#terminal.stdin as TTYInput).setRawMode?.(false)
      this.#terminal.stdout.write(LEAVE)
    }
  }
}
