/* eslint-disable no-console */
/**
 * Four processes behind one port, as one node with one set of limits:
 *
 * `node examples/cluster.ts`, or with a server, `node examples/cluster.ts --redis redis://127.0.0.1:6379`.
 * `--workers` and `--port` are how many and where.
 *
 * Each worker of the cluster has a node of libp2p. All have one key, so that it does not matter
 * to a remote which one it reaches. A peer may have 8 connections with all of them together, and
 * the primary prints who holds how many. Try to kill a worker, and stop all with Ctrl-C.
 */

import cluster from 'node:cluster'
import { parseArgs } from 'node:util'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { createClient } from 'redis'
import { fleet, nodeCluster, nodeRedis } from '../src/fleet.ts'
import { resourceManager } from '../src/index.ts'
import type { Fleet, FleetClient } from '../src/fleet.ts'
import type { Worker } from 'node:cluster'

/** How often the primary prints what is held, in ms */
const REPORT_INTERVAL = 1_000

/** How soon a worker is started again after it was started, in ms */
const FORK_INTERVAL = 1_000

/** What a worker says before it is a node */
const ASK_FOR_KEY = 'key?'

const { values: { port, redis, workers } } = parseArgs({
  options: {
    port: { type: 'string', default: '4001' },
    redis: { type: 'string' },
    workers: { type: 'string', default: '4' }
  }
})

/**
 * Where the processes meet
 */
async function connect (): Promise<{ client: FleetClient, close(): void }> {
  if (redis === undefined) {
    return { client: nodeCluster(cluster), close: () => {} }
  }

  const client = createClient({ url: redis })

  // it connects again by itself
  client.on('error', err => { console.error(err.message) })
  await client.connect()

  return { client: nodeRedis(client), close: () => { client.destroy() } }
}

/**
 * Ctrl-C is a signal for all processes, and the primary sends its workers another one
 */
function stopWith (stop: () => void): void {
  let stopping = false
  const stopOnce = (): void => {
    if (!stopping) {
      stopping = true
      stop()
    }
  }

  process.once('SIGINT', stopOnce)
  process.once('SIGTERM', stopOnce)
}

async function primary (): Promise<void> {
  const { client, close } = await connect()
  const key = Buffer.from(privateKeyToProtobuf(await generateKeyPair('Ed25519'))).toString('base64')
  let stopping = false

  cluster.on('message', (worker, message) => { message === ASK_FOR_KEY && worker.send({ key }) })

  const fork = (): void => {
    const start = Date.now()
    const worker = cluster.fork()

    worker.once('exit', () => {
      console.info(`worker-${worker.id} has ended`)
      // one that dies at once would be started again and again
      setTimeout(() => { stopping || fork() }, Math.max(0, start + FORK_INTERVAL - Date.now())).unref()
    })
  }

  for (let i = 0; i < Number(workers); i++) {
    fork()
  }

  const reporting = setInterval(() => { void report(fleet({ client, name: 'workers' })) }, REPORT_INTERVAL)

  stopWith(() => {
    stopping = true
    clearInterval(reporting)
    Object.values(cluster.workers ?? {}).forEach(worker => { worker?.process.kill('SIGTERM') })
    cluster.disconnect(close)
  })
}

let lastReport = ''

async function report (all: Fleet): Promise<void> {
  try {
    const { nodes, total } = await all.stat()
    const held = nodes.map(({ node, system }) => `${node} ${system.numConnsInbound}`).sort()
    const text = `${held.join(', ')}: ${total.system.numConnsInbound} connections`

    if (nodes.length > 0 && text !== lastReport) {
      console.info(text)
      lastReport = text
    }
  } catch (err: any) {
    console.error(err.message)
  }
}

async function worker ({ id }: Worker): Promise<void> {
  const { key } = await new Promise<{ key: string }>(resolve => {
    process.once('message', resolve)
    process.send?.(ASK_FOR_KEY)
  })
  const { client, close } = await connect()

  const node = await createLibp2p({
    privateKey: privateKeyFromProtobuf(Buffer.from(key, 'base64')),
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      resourceManager: resourceManager({
        fleet: fleet({ client, name: 'workers', node: `worker-${id}`, limits: { peerDefault: { conns: 8 } } })
      })
    }
  })

  console.info(`worker-${id} (${process.pid}) listens on ${node.getMultiaddrs()[0]}`)

  stopWith(() => {
    void (async () => {
      await node.stop()
      close()
      cluster.worker?.disconnect()
    })()
  })
}

await (cluster.worker === undefined ? primary() : worker(cluster.worker))
