import { multiaddr } from '@multiformats/multiaddr'
import { median } from '../statistics.ts'
import { MeasuredProcess } from './measured-process.ts'
import { holdStreams } from './traffic.ts'
import type { VariantName } from './variants.ts'
import type { Connection, Libp2p } from '@libp2p/interface'

const CONNECTIONS = 400

/**
 * Those that come first make a node set things up that it then keeps, and V8 compile what they run
 */
const CONNECTIONS_BEFORE = 200

/**
 * There may be a thousand streams on each
 */
const CONNECTIONS_OF_STREAMS = 4
const STREAMS_BEFORE = 100
const STREAMS = 500

const ROUNDS = 3
const COMPARED: VariantName[] = ['absent', 'absent, again', 'present', 'present, sessions']

async function connect (node: Libp2p, address: string, count: number): Promise<Connection[]> {
  const connections: Connection[] = []

  for (let i = 0; i < count; i++) {
    connections.push(await node.dial(multiaddr(address), { force: true }))
  }

  return connections
}

async function measureConnections (node: Libp2p, process: MeasuredProcess): Promise<number> {
  const connections = await connect(node, process.address, CONNECTIONS_BEFORE)
  const before = await process.ask({ do: 'memory' })

  connections.push(...await connect(node, process.address, CONNECTIONS))

  const after = await process.ask({ do: 'memory' })

  await Promise.all(connections.map(async connection => connection.close()))

  return (after - before) / CONNECTIONS
}

async function measureStreams (node: Libp2p, process: MeasuredProcess): Promise<number> {
  const connections = await connect(node, process.address, CONNECTIONS_OF_STREAMS)

  await Promise.all(connections.map(async connection => holdStreams(connection, STREAMS_BEFORE)))

  const before = await process.ask({ do: 'memory' })

  await Promise.all(connections.map(async connection => holdStreams(connection, STREAMS)))

  const after = await process.ask({ do: 'memory' })

  await Promise.all(connections.map(async connection => connection.close()))

  return (after - before) / (CONNECTIONS_OF_STREAMS * STREAMS)
}

/**
 * In a new process for each variant and round
 */
async function measureInTurn (measure: (process: MeasuredProcess) => Promise<number>): Promise<Record<string, number>> {
  const bytes = new Map<VariantName, number[]>(COMPARED.map(name => [name, []]))

  for (let round = 0; round < ROUNDS; round++) {
    for (const name of COMPARED) {
      const process = await MeasuredProcess.start(name)

      bytes.get(name)?.push(await measure(process))
      await process.stop()
    }
  }

  return Object.fromEntries(Array.from(bytes, ([name, values]) => [name, Math.round(median(values))]))
}

/**
 * Bytes that stay allocated for each inbound connection that does nothing
 *
 * @param node - the other end
 */
export async function measureIdleConnections (node: Libp2p): Promise<Record<string, number>> {
  return measureInTurn(async process => measureConnections(node, process))
}

/**
 * The same for each inbound stream that has been handled, is open and does nothing
 *
 * @param node - the other end
 */
export async function measureLiveStreams (node: Libp2p): Promise<Record<string, number>> {
  return measureInTurn(async process => measureStreams(node, process))
}
