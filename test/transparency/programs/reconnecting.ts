import { KEEP_ALIVE } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { freePort } from '../../fixtures/free-port.ts'
import { eventually } from '../../libp2p/fixtures/eventually.ts'
import { BUSY } from '../framework/busy-node.ts'
import { PATIENCE } from '../framework/patience.ts'
import type { Program } from '../framework/program.ts'

/**
 * How soon and how often a peer tries again, in ms
 */
const RETRY_INTERVAL = 100
const RETRIES = PATIENCE / RETRY_INTERVAL

/**
 * A node that is restarted, and peers that keep their connection to it alive: as soon as they
 * have lost it they all dial again and again
 */
export function reconnecting (peers: number, restarts: number): Program {
  return {
    what: `is restarted ${restarts} times, whereupon ${peers} peers reconnect at once`,
    outcome: Array.from({ length: restarts }, () => ({ connections: peers, pinged: peers })),
    run: async world => {
      const node = await world.create({ ...BUSY, addresses: { listen: [`/ip4/127.0.0.1/tcp/${await freePort()}`] }, services: { ping: ping() } })
      const others = await Promise.all(Array.from({ length: peers }, async () => world.create({
        transports: [tcp()],
        services: { ping: ping() },
        connectionManager: { reconnectRetryInterval: RETRY_INTERVAL, reconnectBackoffFactor: 1, reconnectRetries: RETRIES }
      })))
      const allConnected = async (): Promise<void> => {
        await eventually(() => node.getConnections().length === peers && others.every(peer => peer.getConnections().length === 1), 'the connections', PATIENCE)
      }

      await Promise.all(others.map(async peer => {
        await peer.peerStore.merge(node.peerId, { multiaddrs: node.getMultiaddrs(), tags: { [KEEP_ALIVE]: {} } })
        await peer.dial(node.peerId)
      }))
      await allConnected()

      const outcome = []

      for (let i = 0; i < restarts; i++) {
        await node.stop()
        await node.start()
        await allConnected()

        const pings = await Promise.all(others.map(async peer => peer.services.ping.ping(node.peerId)))

        outcome.push({ connections: node.getConnections().length, pinged: pings.length })
      }

      return outcome
    }
  }
}
