/**
 * A length that never ends, in place of the first message: libp2p would wait for its end until
 * the handshake times out, and be busy with each byte meanwhile
 */

import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { encodeFrame } from '../attacks/framework/web-socket-client.ts'
import { eventually } from './fixtures/eventually.ts'
import { eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import { openSocket, openWebSocket } from './fixtures/raw-web-socket.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { Socket } from 'node:net'

/**
 * It must be given up long before, in ms
 */
const HANDSHAKE_TIMEOUT = 600_000

const ENDLESS = new Uint8Array(1000).fill(0xff)

const TRANSPORTS = {
  tcp: { transport: tcp(), suffix: '', open: openSocket, bytes: ENDLESS },
  websockets: { transport: webSockets(), suffix: '/ws', open: openWebSocket, bytes: encodeFrame({ payload: ENDLESS }) }
}

describe('a length that never ends', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  for (const [name, { transport, suffix, open, bytes }] of Object.entries(TRANSPORTS)) {
    it(`should end a connection over ${name} at once`, async () => {
      const listener: TestNode = await nodes.create({
        addresses: { listen: [`/ip4/127.0.0.1/tcp/0${suffix}`] },
        transports: [transport as any],
        connectionManager: { inboundUpgradeTimeout: HANDSHAKE_TIMEOUT }
      })
      const socket: Socket = await open(listener)
      const closed = new Promise(resolve => socket.once('close', resolve))

      await eventually(() => held(listener).transient?.numConnsInbound === 1, 'the connection')
      socket.resume()
      socket.write(bytes)
      await closed
      await eventuallyHeld(listener, {})
    })
  }
})
