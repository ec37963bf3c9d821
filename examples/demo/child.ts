import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'

/**
 * How long a process may take to stop before it is killed, in ms
 */
const STOP_TIMEOUT = 5_000

/**
 * By default V8 lets garbage grow by some hundred MiB as long as there is memory. So little
 * of it makes the memory of a process that of what it holds.
 */
const FLAGS = ['--max-semi-space-size=2']

/**
 * Runs one of the parties in a process of its own, with an event loop of its own
 */
export class Child {
  readonly #process: ChildProcess
  readonly #exited: Promise<void>

  constructor (name: 'victim' | 'honest' | 'hostile', argument: string) {
    this.#process = fork(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), [argument], {
      execArgv: FLAGS,
      // what the victim says when it dies is no news
      stdio: ['ignore', 'ignore', 'ignore', 'ipc']
    })
    this.#process.on('error', () => {})
    this.#exited = new Promise(resolve => this.#process.once('exit', () => { resolve() }))
  }

  get running (): boolean {
    return this.#process.exitCode == null && this.#process.signalCode == null
  }

  /**
   * Calls `fn` with everything that the other process says
   */
  onMessage <T> (fn: (message: T) => void): void {
    this.#process.on('message', (message) => { fn(message as T) })
  }

  /**
   * Resolves when the other process has said something
   */
  async ready (): Promise<void> {
    await Promise.race([
      new Promise(resolve => this.#process.once('message', resolve)),
      this.#exited.then(() => { throw new Error('a process ended before it was ready') })
    ])
  }

  send (message: string): void {
    if (this.#process.connected) {
      this.#process.send(message, () => {})
    }
  }

  kill (): void {
    this.#process.kill('SIGKILL')
  }

  /**
   * Asks the process to end, and makes sure that it does
   */
  async stop (): Promise<void> {
    const timer = setTimeout(() => { this.kill() }, STOP_TIMEOUT)

    this.send('stop')

    await this.#exited
    clearTimeout(timer)
  }
}
