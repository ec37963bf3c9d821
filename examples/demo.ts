/**
 * A node under attack, with an honest peer that should not notice.
 *
 * - `npm start`: with a resource manager
 * - `npm start -- --without`: the same attack without one
 *
 * Exits with 1 if the honest peer lost service, a limit was exceeded, or anything
 * was still reserved after the nodes had stopped.
 */

import { Child } from './demo/child.ts'
import { PeakUsage } from './demo/peak-usage.ts'
import { Screen } from './demo/screen.ts'
import { startServer } from './demo/server.ts'
import type { HonestReport } from './demo/honest.ts'
import type { ResourceManager } from '../src/index.ts'

/**
 * How long the honest peer is alone, and then the attack lasts, in ms
 */
const CALM = 2_000
const ATTACK = 12_000

/**
 * How often the limits are checked and the table is drawn, in ms
 */
const LOOK_INTERVAL = 50
const DRAW_INTERVAL = 1_000

/**
 * The honest peer has lost service if fewer of its echoes than this succeed
 */
const MIN_SUCCESS = 0.99

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

function percentile (values: number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0
}

/**
 * Collects what the honest peer reports
 */
class HonestRecord {
  succeeded = 0
  failed = 0
  lastError?: string
  recent: number[] = []
  readonly all: number[] = []

  add (report: HonestReport): void {
    this.succeeded = report.succeeded
    this.failed = report.failed
    this.lastError = report.lastError
    this.recent = report.latencies
    this.all.push(...report.latencies)
  }

  get successRate (): number {
    const total = this.succeeded + this.failed

    return total === 0 ? 0 : this.succeeded / total
  }

  describe (latencies = this.recent): string {
    return `${this.succeeded} echoes, ${(this.successRate * 100).toFixed(1)}% succeeded, latency median ${percentile(latencies, 0.5).toFixed(1)} ms, 99th percentile ${percentile(latencies, 0.99).toFixed(1)} ms`
  }
}

async function sleep (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}

function findReserved (manager: ResourceManager): string[] {
  manager.gc()

  const { system, transient, allowlistedSystem, allowlistedTransient, peers, protocols, services } = manager.stat()
  const scopes = { system, transient, allowlistedSystem, allowlistedTransient, ...services, ...protocols, ...peers }

  return Object.entries(scopes)
    .filter(([, stat]) => Object.values(stat).some(value => value !== 0))
    .map(([name]) => name)
}

function describeRefusals (manager: ResourceManager): string {
  const refusals = manager.refusals().sort((a, b) => b.count - a.count)

  return refusals.length === 0
    ? 'nothing refused yet'
    : `refused: ${refusals.map(({ kind, resource, direction, count }) => `${count} × ${direction ?? 'any'} ${resource} by ${kind}`).join(', ')}`
}

const enabled = !process.argv.includes('--without')
const server = await startServer(enabled)
const manager = server.services.resourceManager
const [address] = server.getMultiaddrs()
const peak = new PeakUsage(manager)
const record = new HonestRecord()
const screen = new Screen()
const started = performance.now()
let phase = 'calm'
let maxMemory = 0
let maxConnections = 0
let maxStreams = 0

function look (): void {
  const connections = server.getConnections()

  maxMemory = Math.max(maxMemory, process.memoryUsage.rss())
  maxConnections = Math.max(maxConnections, connections.length)
  maxStreams = Math.max(maxStreams, connections.reduce((sum, connection) => sum + connection.streams.length, 0))
  peak.look()
}

function draw (): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0)

  screen.draw([
    '',
    `  ${seconds.padStart(2)} s  ${phase.padEnd(8)} ${server.getConnections().length} connections, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB resident, ${enabled ? 'with' : 'without'} a resource manager`,
    `  honest peer: ${record.describe()}`,
    '',
    ...(enabled ? [...String(manager).split('\n'), '', describeRefusals(manager)].map(line => `  ${line}`) : [])
  ])
}

const honest = new Child('honest', address)
honest.onMessage<HonestReport>(report => { record.add(report) })
await honest.ready()

const looking = setInterval(look, LOOK_INTERVAL)
const drawing = setInterval(draw, DRAW_INTERVAL)

await sleep(CALM)
phase = 'attack'
const hostile = new Child('hostile', address)

await sleep(ATTACK)
phase = 'stopping'
await honest.stop()
await hostile.stop()
clearInterval(looking)
clearInterval(drawing)
await server.stop()

const reserved = findReserved(manager)
const refused = manager.refusals().reduce((sum, { count }) => sum + count, 0)
const problems = [
  ...(refused === 0 ? ['nothing was refused, there was no attack'] : []),
  ...(record.successRate < MIN_SUCCESS ? [`the honest peer lost service: ${record.lastError ?? 'no echo came back'}`] : []),
  ...(peak.exceeded.size > 0 ? [`limits were exceeded: ${[...peak.exceeded].join(', ')}`] : []),
  ...(reserved.length > 0 ? [`still reserved after the nodes had stopped: ${reserved.join(', ')}`] : [])
]

print(`
  Summary, ${enabled ? 'with' : 'without'} a resource manager
  honest peer        ${record.describe(record.all)}
  most at a time     ${maxConnections} connections, ${maxStreams} streams, ${Math.round(maxMemory / 2 ** 20)} MiB resident`)

if (enabled) {
  print(`  refused            ${refused} connections and streams
  limits exceeded    ${peak.exceeded.size === 0 ? 'none' : [...peak.exceeded].join(', ')}
  still reserved     ${reserved.length === 0 ? 'nothing' : reserved.join(', ')}
`)
  problems.forEach(problem => { print(`  ✗ ${problem}`) })
  process.exitCode = problems.length === 0 ? 0 : 1
}
