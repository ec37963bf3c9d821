import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { eventually } from '../../libp2p/fixtures/eventually.ts'
import { digest, MiB, someBytes } from '../framework/bytes.ts'
import { PATIENCE } from '../framework/patience.ts'
import type { TestNode } from '../../libp2p/fixtures/nodes.ts'
import type { Program } from '../framework/program.ts'
import type { World } from '../framework/world.ts'

const TOPIC = 'flood'

/**
 * Three nodes in a row, all of which publish messages of 1 MiB without waiting: the one in
 * the middle has four times as much to send as one of them publishes
 */
export function flood (messages: number): Program {
  const messagesOf = (node: number): string[] => Array.from({ length: messages }, (_, message) => digest(bytesOf(node, message)))

  return {
    what: `floods a topic with ${messages} messages of 1 MiB from each of three nodes`,
    outcome: [[1, 2], [0, 2], [0, 1]].map(others => others.flatMap(messagesOf).sort()),
    run: async world => {
      const nodes = [await startNode(world), await startNode(world), await startNode(world)]
      const [address] = nodes[1].getMultiaddrs()
      const received = nodes.map(async node => receive(node, 2 * messages))

      nodes.forEach(node => { node.services.pubsub.subscribe(TOPIC) })
      await nodes[0].dial(address)
      await nodes[2].dial(address)
      await eventually(() => hasMesh(nodes[0], 1) && hasMesh(nodes[1], 2) && hasMesh(nodes[2], 1), 'the mesh', PATIENCE)

      const published = nodes.flatMap((node, i) => Array.from({ length: messages }, async (_, message) => node.services.pubsub.publish(TOPIC, bytesOf(i, message))))

      await Promise.all(published)

      return Promise.all(received)
    }
  }
}

async function startNode (world: World): Promise<TestNode> {
  return world.create({
    transports: [tcp()],
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    services: { identify: identify(), pubsub: gossipsub() }
  })
}

function bytesOf (node: number, message: number): Uint8Array {
  return someBytes(MiB, node * 1_000 + message)
}

function hasMesh ({ services }: TestNode, peers: number): boolean {
  return services.pubsub.getMeshPeers(TOPIC).length === peers
}

/**
 * Waits for so many different messages
 */
async function receive ({ services }: TestNode, count: number): Promise<string[]> {
  const digests = new Set<string>()

  return new Promise(resolve => {
    services.pubsub.addEventListener('gossipsub:message', ({ detail }: any) => {
      digests.add(digest(detail.msg.data))

      if (digests.size === count) {
        resolve([...digests].sort())
      }
    })
  })
}
