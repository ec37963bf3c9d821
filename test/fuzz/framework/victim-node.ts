import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { fetch } from '@libp2p/fetch'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { byteStream, lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../../../src/index.ts'
import { ANSWER, DIAL, ECHO, OPEN } from './protocols.ts'
import { encrypterOf, muxerOf, victimTransports } from './stacks.ts'
import type { Stack } from './stacks.ts'
import type { ResourceManager } from '../../../src/index.ts'
import type { Connection, Libp2p, ServiceMap, Stream } from '@libp2p/interface'

/**
 * How long a dial may take that the remote asks for, in ms
 */
const DIAL_TIMEOUT = 400

const ANSWER_LENGTH = 512 * 1024

/**
 * How many streams are opened at once by the handler of `OPEN`, and how often
 */
const OPENED = 4
const ROUNDS = 5

export interface VictimServices extends ServiceMap {
  resourceManager: ResourceManager
}

async function echo (stream: Stream): Promise<void> {
  const bytes = byteStream(stream)

  for (;;) {
    const chunk = await bytes.read()

    if (chunk == null) {
      break
    }

    await bytes.write(chunk)
  }

  await stream.close()
}

async function answer (stream: Stream): Promise<void> {
  stream.send(new Uint8Array(ANSWER_LENGTH))

  for await (const chunk of stream) {
    stream.log.trace('read %d bytes', chunk.byteLength)
  }

  await stream.close()
}

/**
 * Opens streams to the remote, which can do to them and to the connection what it likes
 */
async function openStreams (stream: Stream, connection: Connection): Promise<void> {
  for (let round = 0; round < ROUNDS && connection.status === 'open'; round++) {
    await Promise.allSettled(Array.from({ length: OPENED }, async () => {
      const opened = await connection.newStream('/ipfs/ping/1.0.0', { signal: AbortSignal.timeout(DIAL_TIMEOUT) })

      opened.send(new Uint8Array(1))
      await opened.close({ signal: AbortSignal.timeout(DIAL_TIMEOUT) })
    }))
  }

  await stream.close()
}

/**
 * A node as anybody would make it: all that is not said here is default, of libp2p and of the resource manager
 *
 * @param stack
 * @param relay - The address of the relay over which it is reached
 */
export async function startVictimNode (stack: Stack, relay?: string): Promise<Libp2p<VictimServices>> {
  const node: Libp2p<VictimServices> = await createLibp2p<VictimServices>({
    addresses: { listen: [relay == null ? stack.listen : `${relay}${stack.listen}`, ...(stack.via === 'webrtc' ? ['/webrtc'] : [])] },
    transports: victimTransports(stack),
    connectionEncrypters: [encrypterOf(stack)],
    streamMuxers: [muxerOf(stack)],
    services: {
      resourceManager: resourceManager(),
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping(),
      fetch: fetch(),
      // listens to the events of a transport that is not always there
      ...(stack.via === 'memory' ? {} : { relay: circuitRelayServer() })
    }
  })

  await node.handle(ECHO, echo)
  await node.handle(ANSWER, answer)
  await node.handle(OPEN, openStreams)
  await node.handle(DIAL, async (stream) => {
    const messages = lpStream(stream)
    const address = new TextDecoder().decode((await messages.read()).subarray())

    await node.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_TIMEOUT) })
      .then(async connection => connection.close(), () => {})
    await stream.close()
  })

  return node
}
