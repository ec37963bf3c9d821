/**
 * Two nodes over TCP, one with a limit that refuses half of the streams. Prints what was
 * echoed, refused and held, then what is held when the nodes have stopped, as JSON.
 */

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../../src/index.ts'
import type { ResourceManager, ResourceManagerInit } from '../../src/index.ts'
import type { Libp2p } from 'libp2p'

const PROTOCOL = '/echo/1.0.0'
const SIZE = 1_000

async function create (listen: string[], init: ResourceManagerInit): Promise<Libp2p<{ resourceManager: ResourceManager }>> {
  return createLibp2p<{ resourceManager: ResourceManager }>({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { resourceManager: resourceManager({ ...init, warnings: false }) }
  })
}

const listener = await create(['/ip4/127.0.0.1/tcp/0'], { limits: { peerDefault: { streamsInbound: 2 } } })
const dialer = await create([], {})
const { resourceManager: manager } = listener.services

await listener.handle(PROTOCOL, stream => {
  stream.addEventListener('message', ({ data }) => { stream.send(data) })
})

const connection = await dialer.dial(listener.getMultiaddrs())
let echoed = 0
let refused = 0

for (let i = 0; i < 4; i++) {
  try {
    const stream = await connection.newStream(PROTOCOL)
    const answer = Promise.withResolvers<number>()

    stream.addEventListener('message', ({ data }) => { answer.resolve(data.byteLength) })
    stream.addEventListener('close', () => { answer.reject(new Error('the stream was reset')) })
    stream.send(new Uint8Array(SIZE))
    echoed += await answer.promise
  } catch {
    refused++
  }
}

const { numConnsInbound, numFD, numStreamsInbound } = manager.stat().system

process.stdout.write(`${JSON.stringify({ echoed, refused, counted: manager.refusals().map(({ count }) => count), held: { numConnsInbound, numFD, numStreamsInbound } })}\n`)
await Promise.all([dialer.stop(), listener.stop()])
process.stdout.write(`${JSON.stringify(manager.stat().system)}\n`)
process.exit()
