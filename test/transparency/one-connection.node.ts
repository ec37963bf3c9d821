import { ping } from '@libp2p/ping'
import { expect } from 'aegir/chai'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { overTcp, overWebSockets } from '../libp2p/fixtures/node-transports.ts'
import { PATIENCE, PATIENT } from './framework/patience.ts'
import { World } from './framework/world.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'
import type { TransportUnderTest } from '../libp2p/suite/transport.ts'

/**
 * It depends on time which of the connections is ready first, and where
 */
const ROUNDS = 8

/**
 * Without a manager they would have two connections
 */
describe('two nodes that may have one connection and dial each other at once', function () {
  this.timeout(PATIENCE)

  let world: World

  beforeEach(() => {
    world = new World({ limits: { peerDefault: { conns: 1 } } })
  })

  afterEach(async () => {
    await world.stop()
  })

  async function connectBoth (transport: TransportUnderTest): Promise<TestNode[]> {
    const options = { connectionManager: PATIENT, services: { ping: ping() } }
    const { dialer, listener } = await transport.connect(world, { dialer: { ...options, addresses: listenAs(transport) }, listener: options })

    // one of the dials may be told that its connection is closed already
    await Promise.allSettled([dialer.dial(listener.getMultiaddrs()), listener.dial(dialer.getMultiaddrs())])
    await eventually(() => isConnectedOnce(dialer, listener), 'one connection')

    return [dialer, listener]
  }

  for (const [name, transport] of Object.entries({ TCP: overTcp, WebSockets: overWebSockets })) {
    it(`should end with one connection that works, over ${name}`, async () => {
      for (let i = 0; i < ROUNDS; i++) {
        const [a, b] = await connectBoth(transport)

        await Promise.all([a.services.ping.ping(b.peerId), b.services.ping.ping(a.peerId)])
        expect(isConnectedOnce(a, b)).to.equal(true)
      }
    })
  }
})

function listenAs (transport: TransportUnderTest): { listen: string[] } {
  return { listen: [`/ip4/127.0.0.1/tcp/0${transport === overWebSockets ? '/ws' : ''}`] }
}

/**
 * Whether each has one connection, and both have the same: it is outbound for one of them only
 */
function isConnectedOnce (...nodes: TestNode[]): boolean {
  const directions = nodes.map(node => node.getConnections().filter(({ status }) => status === 'open').map(({ direction }) => direction))

  return directions.every(({ length }) => length === 1) && directions[0][0] !== directions[1][0]
}
