/**
 * `npm run bench:scale`: what a resource manager costs a node with 1,000, 10,000 and 100,000 peers,
 * each with a connection and a stream: libp2p's own ones, on top of nothing. It writes `scale.svg`.
 * Every size has processes of its own, with a manager and without. 100,000 peers take 2 GB, and all
 * of it takes a few minutes.
 *
 * Other sizes can be given, and then nothing is written: `npm run bench:scale -- 500 5000`.
 */

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Registry } from 'prom-client'
import { inSlices } from '../src/in-slices.ts'
import { prometheusMetrics } from '../src/prometheus.ts'
import { head, row } from './markdown.ts'
import { createManager, LIMITED, limitsWith, NEVER_REACHED, openStream, populate, PROTOCOL, SERVICE } from './operations/operation.ts'
import { WiredNode } from './operations/wired-node.ts'
import { createPeers } from './peers.ts'
import { plot } from './plot.ts'
import { median } from './statistics.ts'
import { breaks, longestTurn } from './turns.ts'
import type { WiredConnection } from './operations/wired-node.ts'
import type { Work } from './turns.ts'
import type { PartialLimitConfig, ResourceManager } from '../src/index.ts'
import type { PeerId } from '@libp2p/interface'

const SIZES = [1_000, 10_000, 100_000]
const FILE = fileURLToPath(import.meta.url)
const PLOT = fileURLToPath(new URL('./scale.svg', import.meta.url))

/** Which peer is next, in an order that no cache can guess */
const STRIDE = 7_919

/**
 * Short ones: most of them must end before others are given the processor. Between them is a turn of
 * the event loop, in which what is over can be forgotten, as on a real node.
 */
const ROUNDS = 600
const LIVES_PER_ROUND = 50

/**
 * After so many rounds everything is collected, which is not timed: otherwise the whole heap, most of
 * which is peers, would be collected again and again in the middle of a few thousand lives
 */
const ROUNDS_BETWEEN_COLLECTIONS = 100

/** No two processes of the same code are equally fast */
const PROCESSES = 3

const HOLD_RUNS = 5

/** In ms: buffers are measured four times a second */
const OBSERVED_FOR = 600
const MESSAGE = new Uint8Array(64)

/** All of them fit */
const ROOMY: PartialLimitConfig = {
  system: { ...NEVER_REACHED.system, memory: 'unlimited' },
  serviceDefault: { ...NEVER_REACHED.serviceDefault, memory: 'unlimited' },
  protocolDefault: { ...NEVER_REACHED.protocolDefault, memory: 'unlimited' }
}
const LIMITS = limitsWith(ROOMY)
const OTHERS = limitsWith({ ...ROOMY, peerDefault: { streams: 999 } })

interface Node {
  /** In µs */
  connect: number

  /** In µs */
  stream: number

  /** In bytes, for each peer */
  heap: number

  /** In ms */
  holds: Record<string, number>
}

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

function heapUsed (): number {
  globalThis.gc?.()

  return process.memoryUsage().heapUsed
}

/**
 * The median of the rounds that ran without a break, in µs
 */
async function timeOf (count: number, life: (i: number) => void): Promise<number> {
  const rounds: number[] = []
  const undisturbed: number[] = []
  let next = 0

  for (let round = 0; round < ROUNDS; round++) {
    if (round % ROUNDS_BETWEEN_COLLECTIONS === 0) {
      globalThis.gc?.()
    }

    await setImmediate()

    const before = breaks()
    const start = performance.now()

    for (let i = 0; i < LIVES_PER_ROUND; i++) {
      life(next)
      next = (next + STRIDE) % count
    }

    const time = 1_000 * (performance.now() - start) / LIVES_PER_ROUND

    rounds.push(time)

    if (breaks() === before) {
      undisturbed.push(time)
    }
  }

  return median(undisturbed.length > ROUNDS / 10 ? undisturbed : rounds)
}

/**
 * The CPU time of this thread, in µs
 */
function cpuTime (): number {
  const { system, user } = process.threadCpuUsage()

  return system + user
}

async function holdOf (work: Work, prepare: Work = () => {}): Promise<number> {
  const holds: number[] = []

  globalThis.gc?.()

  for (let run = 0; run < HOLD_RUNS; run++) {
    await prepare()
    holds.push(await longestTurn(work))
  }

  return median(holds)
}

async function measureHolds (manager: ResourceManager): Promise<Record<string, number>> {
  const registry = new Registry()
  const sliced = inSlices(manager)

  prometheusMetrics(manager, { registry })

  return {
    scrape: await holdOf(async () => registry.metrics()),
    'stat in slices': await holdOf(async () => sliced.stat()),
    'setLimits in slices': await holdOf(async () => sliced.setLimits(OTHERS.limits), () => { manager.setLimits(LIMITS.limits) }),
    'measuring buffers': await holdOf(async () => new Promise(resolve => setTimeout(resolve, OBSERVED_FOR)))
  }
}

async function connectAll (node: WiredNode, peers: PeerId[]): Promise<WiredConnection[]> {
  const connections: WiredConnection[] = []

  for (const peer of peers) {
    const connection = await node.connect(peer)

    if (connection == null) {
      throw new Error('a connection was refused')
    }

    connection.holdStream()
    connections.push(connection)
  }

  return connections
}

async function measureNode (count: number, isPresent: boolean): Promise<Node> {
  const peers = createPeers(count)
  const node = await WiredNode.start(peers[0], isPresent ? { ...LIMITS, fairness: { handshakes: false }, services: { [SERVICE]: [PROTOCOL] }, warnings: false } : false, Infinity)
  const before = heapUsed()
  const start = cpuTime()
  const connections = await connectAll(node, peers)
  const connect = (cpuTime() - start) / count
  const heap = (heapUsed() - before) / count
  const stream = await timeOf(count, i => { connections[i].stream(MESSAGE) })

  return { connect, stream, heap, holds: node.manager == null ? {} : await measureHolds(node.manager) }
}

/**
 * The graph alone: a stream of a random peer that has three others, in ns
 */
async function measureGraph (count: number): Promise<number> {
  const peers = createPeers(count)
  const manager = createManager(LIMITED)

  populate(manager, peers)

  return 1_000 * await timeOf(count, i => { openStream(manager, peers[i], '/bench/1', 'bench-1').done() })
}

const MEASURED: Record<string, (count: number) => unknown> = {
  present: async count => measureNode(count, true),
  absent: async count => measureNode(count, false),
  graph: measureGraph
}

function inProcess <T> (what: string, count: number): T {
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', '--max-old-space-size=6000', FILE, what, String(count)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))
}

/**
 * The median of each figure in several processes
 */
function medianOf <T> (results: T[]): T {
  const [first] = results

  if (typeof first === 'number') {
    return median(results as number[]) as T
  }

  return Object.fromEntries(Object.keys(first as object).map(key => [key, medianOf(results.map(result => result[key as keyof T]))])) as T
}

function inProcesses <T> (what: string, count: number): T {
  return medianOf(Array.from({ length: PROCESSES }, () => inProcess<T>(what, count)))
}

function measureAll (sizes: number[], isStored: boolean): void {
  const all = [1, ...sizes].map(count => inProcesses<number>('graph', count))
  const [one, ...graph] = all
  const present = sizes.map(count => inProcesses<Node>('present', count))
  const absent = sizes.map(count => inProcesses<Node>('absent', count))
  const widths = [40, ...sizes.map(() => 12)]
  const printRow = (name: string, values: number[], unit: string, digits = 1): void => {
    print(row([name, ...values.map(value => `${value.toFixed(digits)} ${unit}`)], widths))
  }

  print(`1 peer, the graph alone: ${one.toFixed(0)} ns\n`)
  print(head(['peers', ...sizes.map(size => size.toLocaleString('en'))], widths))
  printRow('stream, the graph alone, at random', graph, 'ns', 0)
  printRow('the same, against 1 peer', graph.map(value => value / one), 'times')
  printRow('stream at random, with', present.map(({ stream }) => stream), 'µs')
  printRow('stream at random, without', absent.map(({ stream }) => stream), 'µs')
  printRow('connection with a stream, with', present.map(({ connect }) => connect), 'µs')
  printRow('connection with a stream, without', absent.map(({ connect }) => connect), 'µs')
  printRow('heap of both, with', present.map(({ heap }) => heap), 'bytes', 0)
  printRow('heap of both, without', absent.map(({ heap }) => heap), 'bytes', 0)

  const holds = Object.keys(present[0].holds)

  holds.forEach(name => { printRow(`longest hold, ${name}`, present.map(node => node.holds[name]), 'ms', 2) })

  if (isStored) {
    writeFileSync(PLOT, plot([
      { title: 'a stream is opened and closed, at random, µs', lines: [{ name: 'with', values: present.map(({ stream }) => stream) }, { name: 'without', values: absent.map(({ stream }) => stream) }] },
      { title: 'the same in the graph alone, ns', lines: [{ name: 'graph', values: graph }] },
      { title: 'heap of a connection with a stream, bytes', lines: [{ name: 'with', values: present.map(({ heap }) => heap) }, { name: 'without', values: absent.map(({ heap }) => heap) }] },
      { title: 'longest hold of the event loop, ms', lines: holds.map(name => ({ name, values: present.map(node => node.holds[name]) })) }
    ], sizes))
  }
}

const [first, second] = process.argv.slice(2)

if (first in MEASURED) {
  print(JSON.stringify(await MEASURED[first](Number(second))))
  // the timers of the node
  process.exit()
} else {
  measureAll(first === undefined ? SIZES : process.argv.slice(2).map(Number), first === undefined)
}
