import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../fixtures/free-port.ts'
import type { ChildProcess } from 'node:child_process'

function findBinary (): string {
  const found = [process.env.REDIS_BIN, 'redis-server', 'valkey-server']
    .find(name => name !== undefined && spawnSync(name, ['--version']).status === 0)

  if (found === undefined) {
    throw new Error('no Redis: the tests of fleets need redis-server or valkey-server (bash tasks/install-redis.sh, as root on Debian), or its path in REDIS_BIN')
  }

  return found
}

/**
 * A server of its own, which keeps nothing on disk
 */
export class RedisServer {
  readonly port: number
  #process: ChildProcess

  private constructor (port: number, process: ChildProcess) {
    this.port = port
    this.#process = process
  }

  static async start (): Promise<RedisServer> {
    const port = await freePort()

    return new RedisServer(port, await run(port))
  }

  get url (): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /**
   * Sends a signal, and waits for the end of the process if it is one that ends it
   */
  async signal (signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    this.#process.kill(signal)

    if (signal === 'SIGKILL' && this.#process.exitCode === null && this.#process.signalCode === null) {
      await once(this.#process, 'exit')
    }
  }

  /**
   * Starts it again after SIGKILL, with nothing in it
   */
  async restart (): Promise<void> {
    this.#process = await run(this.port)
  }

  async stop (): Promise<void> {
    await this.signal('SIGKILL')
  }
}

async function run (port: number): Promise<ChildProcess> {
  const child = spawn(findBinary(), ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = (): void => { child.kill('SIGKILL') }

  process.on('exit', stop)
  child.once('exit', () => process.off('exit', stop))

  await new Promise<void>((resolve, reject) => {
    let output = ''

    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString()

      if (output.includes('eady to accept connections')) {
        resolve()
      }
    })
    child.once('exit', () => { reject(new Error(`Redis does not start: ${output}`)) })
    child.once('error', reject)
  })

  return child
}
