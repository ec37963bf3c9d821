import { multiaddr } from '@multiformats/multiaddr'
import { median } from '../statistics.ts'
import { MeasuredProcess } from './measured-process.ts'
import type { VariantName } from './variants.ts'
import type { Connection, Libp2p } from '@libp2p/interface'

const CONNECTIONS = 200

/**
 * Those that come first make a node set things up that it then keeps
 */
const CONNECTIONS_BEFORE = 50
const ROUNDS = 3
const COMPARED: VariantName[] = ['absent', 'present', 'present, sessions']

async function connect (node: Libp2p, address: string, count: number): Promise<Connection[]> {
  const connections: Connection[] = []

  for (let i = 0; i < count; i++) {
    connections.push(await node.dial(multiaddr(address), { force: true }))
  }

  return connections
}

async function measureOnce (node: Libp2p, name: VariantName): Promise<number> {
  const process = await MeasuredProcess.start(name)
  const connections = await connect(node, process.address, CONNECTIONS_BEFORE)
  const before = await process.ask({ do: 'memory' })

  connections.push(...await connect(node, process.address, CONNECTIONS))

  const after = await process.ask({ do: 'memory' })

  await Promise.all(connections.map(async connection => connection.close()))
  await process.stop()

  return (after - before) / CONNECTIONS
}

/**
 * Bytes that stay allocated for each inbound connection that does nothing, in a new
 * process for each variant and round
 *
 * @param node - the other end
 */
export async function measureIdleConnections (node: Libp2p): Promise<Record<string, number>> {
  const bytes = new Map<VariantName, number[]>(COMPARED.map(name => [name, []]))

  for (let round = 0; round < ROUNDS; round++) {
    for (const name of COMPARED) {
      bytes.get(name)?.push(await measureOnce(node, name))
    }
  }

  return Object.fromEntries(Array.from(bytes, ([name, values]) => [name, Math.round(median(values))]))
}
