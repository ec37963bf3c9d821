import { gossipsub } from '@libp2p/gossipsub'
import { tcp } from '@libp2p/tcp'
import { eventually } from '../../libp2p/fixtures/eventually.ts'
import { BUSY } from '../framework/busy-node.ts'
import { digest, someBytes } from '../framework/bytes.ts'
import { PATIENCE } from '../framework/patience.ts'
import { DHT } from './dht.ts'
import type { TestNode } from '../../libp2p/fixtures/nodes.ts'
import type { Program } from '../framework/program.ts'

const TOPIC = 'news'
const NEWS = someBytes(10_000)

/**
 * Peers that join a node of a gossipsub topic and of a DHT, all at once, and then hear from it
 */
export function joining (peers: number): Program {
  return {
    what: `has ${peers} peers join a gossipsub and DHT node at once`,
    outcome: {
      subscribers: peers,
      connections: peers,
      heard: Array.from({ length: peers }, () => digest(NEWS))
    },
    run: async world => {
      // sends to all subscribers, and does not mind that all of them have one address
      const pubsub = gossipsub({ floodPublish: true, scoreParams: { IPColocationFactorWeight: 0 } })
      const node = await world.create({ ...BUSY, services: { ...DHT, pubsub } })
      const [address] = node.getMultiaddrs()
      const joined = await Promise.all(Array.from({ length: peers }, async () => {
        return world.create({ transports: [tcp()], services: { ...DHT, pubsub: gossipsub() } })
      }))

      node.services.pubsub.subscribe(TOPIC)
      joined.forEach(({ services }) => { services.pubsub.subscribe(TOPIC) })

      await Promise.all(joined.map(async peer => peer.dial(address)))
      await eventually(() => subscribers(node) === peers && joined.every(peer => subscribers(peer) > 0), 'the subscriptions', PATIENCE)

      const heard = Promise.all(joined.map(hear))

      await node.services.pubsub.publish(TOPIC, NEWS)

      return {
        heard: await heard,
        subscribers: subscribers(node),
        connections: node.getConnections().length
      }
    }
  }
}

function subscribers ({ services }: TestNode): number {
  return services.pubsub.getSubscribers(TOPIC).length
}

async function hear ({ services }: TestNode): Promise<string> {
  return new Promise(resolve => {
    services.pubsub.addEventListener('gossipsub:message', ({ detail }: any) => { resolve(digest(detail.msg.data)) }, { once: true })
  })
}
