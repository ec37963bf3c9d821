import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { nodeCluster } from '../../src/fleet.ts'
import type { TestClient } from './clients.ts'
import type { Commands } from './cluster-worker.ts'
import type { FleetClient } from '../../src/fleet.ts'
import type { ChildProcess } from 'node:child_process'

const FILE = fileURLToPath(new URL(`./cluster-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url))
const EXEC_ARGV = ['--no-warnings']

type Answer<C extends keyof Commands> = Awaited<ReturnType<Commands[C]>>

interface Waiting {
  resolve(result: any): void
  reject(err: Error): void
}

/**
 * A process that does what it is told to, a worker of the cluster whose primary is this process
 */
export class Worker {
  readonly process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Map<string, (message: string) => void>()
  #asked = 0

  private constructor (process: ChildProcess) {
    this.process = process
    process.on('message', (message: any) => { this.#received(message) })
    process.on('exit', () => {
      this.#waiting.forEach(({ reject }) => { reject(new Error('the worker has ended')) })
      this.#waiting.clear()
    })
  }

  static async fork (): Promise<Worker> {
    cluster.setupPrimary({ exec: FILE, args: [], execArgv: EXEC_ARGV })

    return Worker.#started(cluster.fork().process)
  }

  /**
   * A worker whose primary never answers what a fleet asks
   */
  static async forkOfNobody (): Promise<Worker> {
    // what makes a process a worker: `node:cluster` looks at it when it is imported
    return Worker.#started(fork(FILE, { execArgv: EXEC_ARGV, env: { ...process.env, NODE_UNIQUE_ID: '1000' } }))
  }

  static async #started (process: ChildProcess): Promise<Worker> {
    const worker = new Worker(process)

    for (;;) {
      const [message] = await once(process, 'message')

      if (message.ready === true) {
        return worker
      }
    }
  }

  async ask <C extends keyof Commands> (command: C, ...args: Parameters<Commands[C]>): Promise<Answer<C>> {
    const asked = ++this.#asked

    return new Promise<any>((resolve, reject) => {
      this.#waiting.set(asked, { resolve, reject })
      this.process.send({ asked, command, args })
    })
  }

  listen (channel: string, listener: (message: string) => void): void {
    this.#listeners.set(channel, listener)
  }

  async kill (): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit')

      this.process.kill('SIGKILL')
      await ended
    }
  }

  #received (received: any): void {
    const { asked, channel, error, message, result } = received ?? {}

    if (channel !== undefined) {
      this.#listeners.get(channel)?.(message)
      return
    }

    const waiting = this.#waiting.get(asked)

    this.#waiting.delete(asked)

    if (error === undefined) {
      waiting?.resolve(result)
    } else {
      waiting?.reject(new Error(error))
    }
  }
}

/**
 * The client of a worker, used from here
 */
export async function connectNodeCluster (): Promise<TestClient> {
  nodeCluster(cluster)

  const worker = await Worker.fork()
  const client: FleetClient = {
    run: async ({ name }, key, args) => worker.ask('run', name, key, args),
    async subscribe (channel, listener) {
      worker.listen(channel, listener)
      await worker.ask('subscribe', channel)
    },
    unsubscribe: async channel => { await worker.ask('unsubscribe', channel) }
  }

  return { name: 'cluster', client, close: async () => worker.kill() }
}
