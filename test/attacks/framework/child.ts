import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from './serve.ts'
import type { ChildProcess } from 'node:child_process'

/**
 * How long a process may take to end before it is killed, in ms
 */
const END_TIMEOUT = 5_000

/**
 * How much of what a process prints is kept, in characters
 */
const KEPT_OUTPUT = 10_000

/**
 * A party in a process of its own, with an event loop and memory of its own. It
 * ends when its parent does.
 */
export class Child {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, PromiseWithResolvers<any>>()
  #questions = 0
  #output = ''

  private constructor (name: string, module: URL, options: unknown, execArgv: string[]) {
    this.#process = fork(fileURLToPath(module), [JSON.stringify(options)], {
      // what the resource manager has to say is looked at in its log
      execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=ResourceManagerWarning', ...execArgv],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    this.#exited = once(this.#process, 'exit').then(([code, signal]) => {
      const error = new Error(`the process "${name}" has ended with ${signal ?? code}: ${this.#output}`)

      this.#waiting.forEach(({ reject }) => { reject(error) })
      this.#waiting.clear()
    })

    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', chunk => { this.#output = (this.#output + String(chunk)).slice(0, KEPT_OUTPUT) })
    }

    this.#process.on('message', ({ id, answer, error }: Answer) => {
      const waiting = this.#waiting.get(id)

      this.#waiting.delete(id)

      if (error == null) {
        waiting?.resolve(answer)
      } else {
        waiting?.reject(new Error(error))
      }
    })
  }

  /**
   * Resolves when the process can be asked
   *
   * @param name
   * @param options - What it gets from `childOptions`
   * @param execArgv - Arguments for Node.js
   * @param directory - Where its module is
   */
  static async start (name: string, options: unknown, execArgv: string[] = [], directory: string = import.meta.url): Promise<Child> {
    const child = new Child(name, new URL(`./${name}.ts`, directory), options, execArgv)

    await child.#answer(0)

    return child
  }

  /**
   * What the process has printed
   */
  get output (): string {
    return this.#output
  }

  async ask <T> (question: string, value?: unknown): Promise<T> {
    const id = ++this.#questions
    const message: Question = { id, question, value }

    if (!this.#process.connected) {
      throw new Error(`the process has ended before it was asked for "${question}": ${this.#output}`)
    }

    // where that fails the process has ended, which rejects the answer
    this.#process.send(message, () => {})

    return this.#answer(id)
  }

  /**
   * Ends the process, and with it all it has opened
   */
  async end (): Promise<void> {
    const timer = setTimeout(() => { this.#process.kill('SIGKILL') }, END_TIMEOUT)

    if (this.#process.connected) {
      this.#process.disconnect()
    }

    await this.#exited
    clearTimeout(timer)
  }

  async #answer <T> (id: number): Promise<T> {
    const waiting = Promise.withResolvers<T>()

    this.#waiting.set(id, waiting)

    return waiting.promise
  }
}
