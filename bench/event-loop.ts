/**
 * `node --expose-gc bench/event-loop.ts`: for how long the event loop is held, in one piece, by
 * work that reads or changes everything, on a node with many peers. Each has a
 * connection and a stream: libp2p's own ones, on top of nothing. Other numbers of peers can be
 * given: `node --expose-gc bench/event-loop.ts 1000`. 100,000 peers take 2 GB.
 */

import { Registry } from 'prom-client'
import { inSlices } from '../src/in-slices.ts'
import { prometheusMetrics } from '../src/prometheus.ts'
import { head, row } from './markdown.ts'
import { limitsWith, NEVER_REACHED, PROTOCOL, SERVICE } from './operations/operation.ts'
import { WiredNode } from './operations/wired-node.ts'
import { createPeers } from './peers.ts'
import { median } from './statistics.ts'
import { longestTurn } from './turns.ts'
import type { ResourceManager } from '../src/index.ts'
import type { WiredConnection } from './operations/wired-node.ts'
import type { Work } from './turns.ts'
import type { PeerId } from '@libp2p/interface'

const PEERS = [10_000, 100_000]

/**
 * How often everything is measured. What else the machine does only makes it longer: the
 * least is what the manager does in every run.
 */
const RUNS = 9

/**
 * For how long the measuring of buffers is observed, in ms: it happens four times a second
 */
const OBSERVED_FOR = 600

/**
 * Every so manyth stream has something in its buffer
 */
const BUFFERED = 10
const UNREAD = new Uint8Array(1024)

/** All of them fit */
const LIMITS = limitsWith({ ...NEVER_REACHED, system: { ...NEVER_REACHED.system, memory: 'unlimited' } })

const OTHERS = limitsWith({ ...NEVER_REACHED, system: { ...NEVER_REACHED.system, memory: 'unlimited' }, peerDefault: { streams: 999 } })

const WIDTHS = [46, 12, 12, 12]

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * @param name
 * @param work - what holds the event loop, in one piece or in several
 * @param prepare - what comes before each run
 */
async function measure (name: string, work: Work, prepare: Work = () => {}): Promise<void> {
  const longest: number[] = []

  // what others have left is not what is measured
  globalThis.gc?.()

  for (let run = 0; run < RUNS; run++) {
    await prepare()
    longest.push(await longestTurn(work))
  }

  const ms = (value: number): string => `${value.toFixed(2)} ms`

  print(row([name, ms(Math.min(...longest)), ms(median(longest)), ms(Math.max(...longest))], WIDTHS))
}

async function connect (node: WiredNode, peers: PeerId[]): Promise<WiredConnection[]> {
  const connections: WiredConnection[] = []

  for (const [i, peer] of peers.entries()) {
    const connection = await node.connect(peer)

    if (connection == null) {
      throw new Error('a connection was refused')
    }

    connection.holdStream(i % BUFFERED === 0 ? UNREAD : undefined)
    connections.push(connection)
  }

  return connections
}

async function observeMeasuring (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, OBSERVED_FOR))
}

async function measureViews (manager: ResourceManager): Promise<void> {
  const registry = new Registry()

  prometheusMetrics(manager, { registry })

  await measure('scrape of the Prometheus reporter', async () => registry.metrics())
  await measure('stat()', () => manager.stat())
  await measure('usage()', () => manager.usage())
  await measure('usage({ minPercent: 0 })', () => manager.usage({ minPercent: 0 }))
  await measure('String(manager)', () => String(manager))
  await measure('systemState()', () => manager.systemState())
  await measure('holders()', () => manager.holders())
  await measure('listPeers()', () => manager.listPeers())
  await measure('setLimits() of peers', () => { manager.setLimits(LIMITS.limits) }, () => { manager.setLimits(OTHERS.limits) })
  await measure('setLimits() of the system', () => { manager.setLimits({ system: { fd: 5_000_000 } }) }, () => { manager.setLimits({}) })

  const sliced = inSlices(manager)

  await measure('in slices: stat()', async () => sliced.stat())
  await measure('in slices: usage()', async () => sliced.usage())
  await measure('in slices: usage({ minPercent: 0 })', async () => sliced.usage({ minPercent: 0 }))
  await measure('in slices: text()', async () => sliced.text())
  await measure('in slices: holders()', async () => sliced.holders())
  await measure('in slices: setLimits() of peers', async () => sliced.setLimits(OTHERS.limits), () => { manager.setLimits(LIMITS.limits) })
  await measure('measuring buffers', observeMeasuring)
}

async function measureNode (peers: PeerId[]): Promise<void> {
  const node = new WiredNode(peers[0], { ...LIMITS, fairness: { handshakes: false }, services: { [SERVICE]: [PROTOCOL] } }, Infinity)
  const manager = node.manager as ResourceManager & { start(): Promise<void>, stop(): Promise<void> }

  print(`\n${head([`${peers.length} peers`, 'least', 'median', 'greatest'], WIDTHS)}`)

  await manager.start()

  let connections = await connect(node, peers)

  await measureViews(manager)
  await measure('stop()', async () => manager.stop(), async () => manager.start())
  await measure('start()', async () => manager.start(), async () => manager.stop())

  const leaveAllIdle = async (): Promise<void> => {
    if (connections.length === 0) {
      connections = await connect(node, peers)
    }

    connections.forEach(connection => { connection.close() })
    connections = []
  }

  await measure('gc(), everything is idle', () => { manager.gc() }, leaveAllIdle)
  await measure('in slices: gc(), everything is idle', async () => inSlices(manager).gc(), leaveAllIdle)

  await manager.stop()
}

for (const count of process.argv.length > 2 ? process.argv.slice(2).map(Number) : PEERS) {
  await measureNode(createPeers(count))
}
