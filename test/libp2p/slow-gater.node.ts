/**
 * A gater may ask a database. What it thinks about is open, and must be counted.
 */

import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { eventually } from './fixtures/eventually.ts'
import { eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import { openSocket } from './fixtures/raw-web-socket.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ConnectionGater } from '@libp2p/interface'
import type { Socket } from 'node:net'

const SOCKETS = 100
const LIMIT = 8

/**
 * More than an address may try at once
 */
const DENIALS = 40

describe('sockets that a gater thinks about', () => {
  const nodes = new TestNodes()
  const sockets: Socket[] = []

  afterEach(async () => {
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  async function listen (connectionGater: ConnectionGater): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      // libp2p's own limits would hide it
      connectionManager: { maxIncomingPendingConnections: SOCKETS, inboundConnectionThreshold: SOCKETS },
      connectionGater,
      manager: {
        limits: { transient: { connsInbound: LIMIT } },
        // as it is for all but loopback addresses
        rateLimits: { connections: { prefixes: [{ network: '127.0.0.0/8', rate: 0.2, burst: 16 }] } }
      }
    })
  }

  it('should be counted while it does, and no more be open than may be', async () => {
    const gate = Promise.withResolvers<boolean>()
    let asked = 0
    const listener = await listen({
      denyInboundConnection: async () => {
        asked++
        return gate.promise
      }
    })

    for (let i = 0; i < SOCKETS; i++) {
      sockets.push(await openSocket(listener))
    }

    await eventually(() => sockets.filter(({ closed }) => closed).length === SOCKETS - LIMIT, 'the end of those that do not fit')
    expect(asked).to.equal(LIMIT)
    expect(held(listener).transient).to.deep.equal({ numConnsInbound: LIMIT, numFD: LIMIT })
    expect(listener.services.resourceManager.refusals()).to.not.be.empty()

    gate.resolve(true)
    await eventuallyHeld(listener, {})
    await eventually(() => sockets.every(({ closed }) => closed), 'the end of those that it denies')
  })

  it('should cost nothing once it has denied them', async () => {
    let asked = 0
    const listener = await listen({
      denyInboundConnection: async () => {
        asked++
        return asked <= DENIALS
      }
    })

    for (let i = 0; i < DENIALS; i++) {
      const socket = await openSocket(listener)

      sockets.push(socket)
      await eventually(() => socket.closed, 'the end of the socket')
      expect(held(listener)).to.deep.equal({})
    }

    expect(asked).to.equal(DENIALS)
    expect(listener.services.resourceManager.refusals()).to.be.empty()

    const dialer = await nodes.create({ transports: [tcp()] })

    await dialer.dial(listener.getMultiaddrs()[0])
  })
})
