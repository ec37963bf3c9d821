import { identify } from '@libp2p/identify'
import { byteStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { ECHO } from './protocols.ts'
import { dialerTransports, encrypterOf, muxerOf } from './stacks.ts'
import type { Stack } from './stacks.ts'

const MESSAGE_LENGTH = 64 * 1024

/**
 * How long it waits, in ms: far longer than it takes
 */
const TIMEOUT = 3_000

/**
 * About every tenth dial over WebRTC between two nodes on one machine never ends
 */
const WEBRTC_TIMEOUT = 6_000

/**
 * Somebody whom the victim has never seen connects and is echoed
 *
 * @throws {Error} If that fails
 */
export async function serveStranger (stack: Stack, address: string): Promise<void> {
  const signal = AbortSignal.timeout(stack.webRtc ? WEBRTC_TIMEOUT : TIMEOUT)
  const node = await createLibp2p({
    transports: dialerTransports(stack, () => '127.0.0.1'),
    connectionEncrypters: [encrypterOf(stack)],
    streamMuxers: [muxerOf(stack)],
    connectionManager: { reconnectRetries: 0 },
    // relayed connections need it
    services: { identify: identify() }
  })

  try {
    const connection = await node.dial(multiaddr(address), { signal })
    const stream = await connection.newStream(ECHO, { signal, runOnLimitedConnection: true })
    const bytes = byteStream(stream)

    await bytes.write(new Uint8Array(MESSAGE_LENGTH), { signal })
    await bytes.read({ bytes: MESSAGE_LENGTH, signal })
    await stream.close({ signal })
  } finally {
    await node.stop()
  }
}
