import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { fleet } from '../../src/fleet.ts'
import { resourceManager } from '../../src/index.ts'
import { connectIORedis, connectNodeRedis } from './clients.ts'

/**
 * One node of the proof, in a process of its own: it answers with what it was sent, and
 * says what it holds when it is asked
 */
const [url, number, nodes] = process.argv.slice(2)
const redis = await (Number(number) % 2 === 0 ? connectNodeRedis : connectIORedis)(url)
const link = fleet({
  client: redis.client,
  name: 'proof',
  node: `node-${number}`,
  nodes: Number(nodes),
  limits: {
    system: { connsInbound: 200 },
    peerDefault: { conns: 8 },
    subnets: { prefixes: [{ network: '127.0.0.9/32', connCount: 20 }] }
  }
})

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { maxConnections: 300, inboundConnectionThreshold: 10_000 },
  services: {
    resourceManager: resourceManager({ fleet: link, rateLimits: false, warnings: false, fairness: false })
  }
})

await node.handle('/proof/echo/1.0.0', stream => {
  stream.addEventListener('message', ({ data }) => {
    stream.status === 'open' && stream.send(data)
  })
  stream.addEventListener('remoteCloseWrite', () => { void stream.close().catch(() => {}) })
})

process.on('uncaughtException', err => { process.send?.({ type: 'error', message: String(err.stack) }) })
process.on('unhandledRejection', err => { process.send?.({ type: 'error', message: String(err) }) })

process.on('message', (message: { type: string }) => {
  if (message.type === 'stat') {
    const { peers, system } = node.services.resourceManager.stat()

    process.send?.({
      type: 'stat',
      system,
      peers: Object.fromEntries(Object.entries(peers).map(([peer, { numConnsInbound, numConnsOutbound }]) => [peer, numConnsInbound + numConnsOutbound])),
      hosts: node.getConnections().map(({ remoteAddr }) => remoteAddr.toString().split('/')[2])
    })
  } else {
    void (async () => {
      await node.stop()
      await redis.close()

      const { peers, system } = node.services.resourceManager.stat()

      process.send?.({ type: 'stopped', system, peers }, () => { process.disconnect() })
    })()
  }
})

// nobody is left to ask
process.once('disconnect', () => { process.exit() })
process.send?.({ type: 'ready', address: node.getMultiaddrs()[0].toString() })
