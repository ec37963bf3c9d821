import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import delay from 'delay'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import type { ChildProcess } from 'node:child_process'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

const BINARY = process.env.PROMETHEUS_BIN ?? 'prometheus'

/**
 * How often it scrapes, in seconds. The least that a rate can be computed from are two
 * scrapes.
 */
const SCRAPE_INTERVAL = 1

/**
 * How long it may take to start, in ms: far longer than it does on any machine
 */
const PATIENCE = 30_000

/**
 * How often it is asked whether it is ready, in ms
 */
const READY_INTERVAL = 50

export function hasPrometheus (): boolean {
  try {
    execFileSync(BINARY, ['--version'], { stdio: 'ignore' })

    return true
  } catch {
    return false
  }
}

/**
 * A real Prometheus that scrapes registries of this process
 */
export class PrometheusServer {
  readonly #directory: string
  readonly #targets: Server[]
  readonly #process: ChildProcess
  readonly #url: string

  private constructor (directory: string, targets: Server[], process: ChildProcess, url: string) {
    this.#directory = directory
    this.#targets = targets
    this.#process = process
    this.#url = url
  }

  /**
   * @param registries - each is an instance of its own
   * @param rules - the text of a file with alerts
   */
  static async start (registries: Registry | Registry[], rules?: string): Promise<PrometheusServer> {
    const directory = await mkdtemp(join(tmpdir(), 'prometheus-'))
    const servers = await Promise.all([registries].flat().map(serve))
    const targets = servers.map(server => `127.0.0.1:${(server.address() as AddressInfo).port}`)

    await writeFile(join(directory, 'prometheus.yml'), JSON.stringify({
      global: { scrape_interval: `${SCRAPE_INTERVAL}s`, scrape_timeout: `${SCRAPE_INTERVAL}s`, evaluation_interval: `${SCRAPE_INTERVAL}s` },
      rule_files: rules == null ? [] : [join(directory, 'rules.yml')],
      scrape_configs: [{ job_name: 'node', static_configs: [{ targets }] }]
    }))

    if (rules != null) {
      await writeFile(join(directory, 'rules.yml'), rules)
    }

    const child = spawn(BINARY, [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      // it takes any port that is free, and says which
      '--web.listen-address=127.0.0.1:0',
      '--log.level=info'
    ], { stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''

    child.stderr.setEncoding('utf8').on('data', (text) => { log += text })

    const address = await eventually(() => {
      if (child.exitCode != null) {
        throw new Error(`Prometheus has ended: ${log}`)
      }

      return log.match(/msg="Listening on" address=(127\.0\.0\.1:\d+)/)?.[1]
    }, 'the address of Prometheus', PATIENCE)

    const server = new PrometheusServer(directory, servers, child, `http://${address}`)

    try {
      await server.#ready()
    } catch (err) {
      await server.stop()
      throw err
    }

    return server
  }

  /**
   * The values that an expression has now
   */
  async query (expression: string): Promise<number[]> {
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`)
    const { data, error, status } = await response.json() as any

    if (status !== 'success') {
      throw new Error(`${expression}: ${error}`)
    }

    return data.result.map(({ value }: any) => Number(value[1].replace('Inf', 'Infinity')))
  }

  /**
   * The alerts that are pending or firing now
   */
  async alerts (): Promise<Array<{ state: string, labels: Record<string, string>, annotations: Record<string, string> }>> {
    const { data } = await (await fetch(`${this.#url}/api/v1/alerts`)).json() as any

    return data.alerts
  }

  /**
   * It listens before it can answer anything, and says 503 until then
   */
  async #ready (): Promise<void> {
    const deadline = Date.now() + PATIENCE

    while (!(await fetch(`${this.#url}/-/ready`)).ok) {
      if (Date.now() > deadline) {
        throw new Error('waited in vain for Prometheus to be ready')
      }

      await delay(READY_INTERVAL)
    }
  }

  async stop (): Promise<void> {
    const ended = new Promise(resolve => { this.#process.once('exit', resolve) })

    this.#process.kill()
    await Promise.all(this.#targets.map(async target => {
      target.closeAllConnections()
      await new Promise(resolve => { target.close(resolve) })
    }))
    await ended
    await rm(this.#directory, { recursive: true })
  }
}

async function serve (registry: Registry): Promise<Server> {
  const server = createServer((_, response) => {
    registry.metrics().then(text => {
      response.setHeader('Content-Type', registry.contentType).end(text)
    }, err => {
      response.writeHead(500).end(String(err))
    })
  })

  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })

  return server
}
