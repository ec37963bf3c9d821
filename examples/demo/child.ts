import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ChildProcess } from 'node:child_process'

/**
 * How long a process may take to stop before it is killed, in ms
 */
const STOP_TIMEOUT = 5_000

/**
 * Runs one of the other parties in a process of its own, with an event loop of
 * its own
 */
export class Child {
  readonly #process: ChildProcess
  readonly #exited: Promise<void>

  constructor (name: 'honest' | 'hostile', server: Multiaddr) {
    this.#process = fork(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), [server.toString()])
    this.#exited = new Promise(resolve => this.#process.once('exit', () => { resolve() }))
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

  /**
   * Asks the process to end, and makes sure that it does
   */
  async stop (): Promise<void> {
    const timer = setTimeout(() => { this.#process.kill('SIGKILL') }, STOP_TIMEOUT)

    if (this.#process.connected) {
      this.#process.send('stop')
    }

    await this.#exited
    clearTimeout(timer)
  }
}
