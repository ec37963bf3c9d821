import { pipe } from 'it-pipe'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../../src/index.ts'
import { BLOCK_PROTOCOL, BLOCK_SIZE, ECHO_PROTOCOL, nodeOptions, TRANSFER_PROTOCOL, TRANSFER_SIZE } from './node.ts'
import type { Libp2p, ServiceMap, Stream } from '@libp2p/interface'

const CHUNK_SIZE = 2 ** 16

/**
 * Small limits, so that an attack of a few seconds meets all of them
 */
const OPTIONS: Parameters<typeof resourceManager>[0] = {
  maxMemory: '96MiB',
  limits: {
    system: { connsInbound: 48, streamsInbound: 1024 },
    transient: { connsInbound: 24, streamsInbound: 1024 },
    peerDefault: { connsInbound: 4, streamsInbound: 16, memory: 16 * 2 ** 20 },
    protocol: {
      [BLOCK_PROTOCOL]: { streamsInbound: 32 }
    }
  },
  sessions: { collectors: { echo: {}, blocks: {}, transfer: {} } },
  services: { echo: [ECHO_PROTOCOL], blocks: [BLOCK_PROTOCOL], transfer: [TRANSFER_PROTOCOL] }
}

export interface ServerServices extends ServiceMap {
  resourceManager: ReturnType<ReturnType<typeof resourceManager>>
}

async function echo (stream: Stream): Promise<void> {
  await pipe(stream, async (source) => {
    for await (const data of source) {
      if (!stream.send(data)) {
        await stream.onDrain()
      }
    }
  })

  await stream.close()
}

/**
 * Most handlers are like this one: they answer, and what the remote does not read is in the
 * write buffer of the stream
 */
async function answerWithBlocks (stream: Stream): Promise<void> {
  for await (const request of stream) {
    stream.send(new Uint8Array(BLOCK_SIZE).fill(request.byteLength))
  }

  await stream.close()
}

async function transfer (stream: Stream): Promise<void> {
  const chunk = new Uint8Array(CHUNK_SIZE).fill(7)

  for (let sent = 0; sent < TRANSFER_SIZE; sent += CHUNK_SIZE) {
    if (!stream.send(chunk)) {
      await stream.onDrain()
    }
  }

  await stream.close()
}

/**
 * The node under attack, with or without a resource manager
 */
export async function startServer (enabled: boolean): Promise<Libp2p<ServerServices>> {
  const node = await createLibp2p<ServerServices>({
    ...nodeOptions(),
    addresses: {
      listen: ['/ip4/127.0.0.1/tcp/0']
    },
    services: {
      resourceManager: resourceManager({ ...OPTIONS, enabled, warnings: false })
    }
  })

  for (const [protocol, handle] of Object.entries({ [ECHO_PROTOCOL]: echo, [BLOCK_PROTOCOL]: answerWithBlocks, [TRANSFER_PROTOCOL]: transfer })) {
    // the limits of libp2p itself are per connection: out of the way, too
    await node.handle(protocol, async stream => {
      await handle(stream).catch(err => { stream.abort(err) })
    }, { maxInboundStreams: 100_000 })
  }

  return node
}
