import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { eventually } from '../../libp2p/fixtures/eventually.ts'
import { BUSY } from '../framework/busy-node.ts'
import { digest, someBytes } from '../framework/bytes.ts'
import { PATIENCE } from '../framework/patience.ts'
import type { NodeOptions, TestNode } from '../../libp2p/fixtures/nodes.ts'
import type { Program } from '../framework/program.ts'

const NODES = 6
const RECORDS = 4
const RECORD_LENGTH = 1_000

/**
 * What all of them provide: any CID would do
 */
const SOMETHING = peerIdFromString('QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN').toCID()

/**
 * The services of a node of a DHT
 */
export const DHT: NodeOptions['services'] = {
  identify: identify(),
  ping: ping(),
  dht: kadDHT({
    protocol: '/ipfs/kad/1.0.0',
    clientMode: false,
    // libp2p would refuse this many at once itself
    maxInboundStreams: 500,
    maxOutboundStreams: 500,
    // the machine may be busy, and nobody is to give up
    networkDialTimeout: { minTimeout: 30_000 },
    incomingMessageTimeout: 30_000,
    peerInfoMapper: passthroughMapper,
    validators: { record: async () => {} },
    selectors: { record: () => 0 }
  })
}

/**
 * A DHT in which each node stores records at once, and then all look at once for the records
 * of their neighbour, for who provides something, and for where the neighbour is
 */
export const queries: Program = {
  what: 'queries a DHT',
  outcome: Array.from({ length: NODES }, (_, i) => ({
    found: Array.from({ length: RECORDS }, (_, record) => digest(valueOf((i + 1) % NODES, record))),
    providers: Array.from({ length: NODES }, (_, node) => node),
    addresses: 'known'
  })),
  run: async world => {
    const nodes = await Promise.all(Array.from({ length: NODES }, async () => world.create({ ...BUSY, transports: [tcp()], services: DHT })))

    // before that plain js-libp2p resets connections with more than 10 streams at once
    await Promise.all(nodes.flatMap((node, i) => nodes.slice(i + 1).map(async other => node.dial(other.getMultiaddrs()))))
    await eventually(() => nodes.every(({ services }) => services.dht.routingTable.size === NODES - 1), 'the routing tables', PATIENCE)

    await Promise.all(nodes.flatMap((node, i) => [
      ...Array.from({ length: RECORDS }, async (_, record) => all(node.services.dht.put(keyOf(i, record), valueOf(i, record)))),
      all(node.services.dht.provide(SOMETHING))
    ]))

    return Promise.all(nodes.map(async (node, i) => lookUp(node, i, nodes)))
  }
}

async function lookUp (node: TestNode, i: number, nodes: TestNode[]): Promise<Record<string, unknown>> {
  const { dht } = node.services
  const neighbour = nodes[(i + 1) % NODES]
  const [found, providers, peer] = await Promise.all([
    Promise.all(Array.from({ length: RECORDS }, async (_, record) => all(dht.get(keyOf((i + 1) % NODES, record))))),
    all(dht.findProviders(SOMETHING)),
    all(dht.findPeer(neighbour.peerId))
  ])
  const named = new Set(providers.flatMap(event => event.providers ?? []).map(({ id }) => id.toString()))

  return {
    found: found.map(events => digest(events.find(({ name }) => name === 'VALUE').value)),
    providers: nodes.map(({ peerId }, i) => named.has(peerId.toString()) ? i : -1).filter(i => i >= 0),
    addresses: peer.some(({ name }) => name === 'FINAL_PEER') ? 'known' : 'unknown'
  }
}

function keyOf (node: number, record: number): Uint8Array {
  return new TextEncoder().encode(`/record/${node}/${record}`)
}

function valueOf (node: number, record: number): Uint8Array {
  return someBytes(RECORD_LENGTH, node * RECORDS + record)
}

async function all (events: AsyncIterable<any>): Promise<any[]> {
  const result = []

  for await (const event of events) {
    result.push(event)
  }

  return result
}
