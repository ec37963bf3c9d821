import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pin } from './pin.ts'
import type { Answer, Request } from './measured.ts'
import type { VariantName } from './variants.ts'
import type { ChildProcess } from 'node:child_process'

/**
 * The young generation is as large from the start as it gets, for all: else what is
 * collected when depends on how it grew
 */
const NODE_OPTIONS = ['--expose-gc', '--min-semi-space-size=16', '--max-semi-space-size=16']

/**
 * A node in a process of its own, so that only its CPU time is measured, and so that
 * what the compiler has learned from one variant is not applied to another one
 */
export class MeasuredProcess {
  readonly name: VariantName
  readonly address: string
  readonly #process: ChildProcess

  private constructor (name: VariantName, address: string, process: ChildProcess) {
    this.name = name
    this.address = address
    this.#process = process
  }

  static async start (name: VariantName): Promise<MeasuredProcess> {
    const process = fork(fileURLToPath(new URL('./measured.ts', import.meta.url)), [name], { execArgv: NODE_OPTIONS })
    const address = await nextAnswer(process)

    if (process.pid != null) {
      pin(process.pid, 'measured')
    }

    return new MeasuredProcess(name, address, process)
  }

  async ask (request: Request): Promise<any> {
    const answer = nextAnswer(this.#process)

    this.#process.send(request)

    return answer
  }

  async stop (): Promise<void> {
    const exited = new Promise(resolve => this.#process.once('exit', resolve))

    this.#process.disconnect()
    await exited
  }
}

async function nextAnswer (process: ChildProcess): Promise<any> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => { reject(new Error('the process has ended')) }

    process.once('exit', onExit)
    process.once('message', ({ result, error }: Answer) => {
      process.off('exit', onExit)

      if (error == null) {
        resolve(result)
      } else {
        reject(new Error(error))
      }
    })
  })
}
