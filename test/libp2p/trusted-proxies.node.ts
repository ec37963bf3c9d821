/**
 * Behind a reverse proxy everybody has its address. It says who they are, and nobody else can.
 */

import { webSockets } from '@libp2p/websockets'
import { expect } from 'aegir/chai'
import { eventually, rejection } from './fixtures/eventually.ts'
import { eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import { openSocket, openWebSocket } from './fixtures/raw-web-socket.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Socket } from 'node:net'

const FORWARDED = 'X-Forwarded-For: '

describe('a reverse proxy in front of a node', () => {
  const nodes = new TestNodes()
  const sockets: Socket[] = []

  afterEach(async () => {
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  async function listen (manager: NodeOptions['manager'] = {}): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [webSockets()],
      manager: {
        transientShare: undefined,
        trustedProxies: ['127.0.0.1', '10.0.0.0/8'],
        subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 1 }], ipv6: [{ prefixLength: 56, connCount: 1 }] },
        ...manager
      }
    })
  }

  async function connect (node: TestNode, forwarded?: string): Promise<boolean> {
    const socket = await openWebSocket(node, forwarded == null ? [] : [FORWARDED + forwarded])

    sockets.push(socket)

    // one that is refused is closed in place of an answer
    return !socket.closed
  }

  /**
   * Who the connections are from
   */
  function remotes (node: TestNode): string[] {
    return (node.services.resourceManager.stat().transientHolders ?? []).map(({ remote }) => remote.replace(/\/tcp\/\d+\/ws$/, '')).sort()
  }

  it('should have its connections counted as those of the hosts that it forwards', async () => {
    const listener = await listen()

    expect(await connect(listener, '1.2.3.4')).to.equal(true)
    expect(await connect(listener, '1.2.3.4')).to.equal(false)
    expect(await connect(listener, '2001:db8::1')).to.equal(true)
    expect(await connect(listener, '2001:db8::2')).to.equal(false)
    expect(await connect(listener, '[2001:db8:1::1]:443')).to.equal(true)
    expect(remotes(listener)).to.deep.equal(['/ip4/1.2.3.4', '/ip6/2001:db8:1::1', '/ip6/2001:db8::1'])
    expect(held(listener).transient).to.deep.equal({ numConnsInbound: 3, numFD: 3 })

    sockets.forEach(socket => { socket.destroy() })
    await eventuallyHeld(listener, {})
    expect(await connect(listener, '1.2.3.4')).to.equal(true)
  })

  it('should not be deceived by what others have written, and pass over other proxies', async () => {
    const listener = await listen()

    expect(await connect(listener, '9.9.9.9, nonsense, 1.2.3.4')).to.equal(true)
    expect(await connect(listener, '8.8.8.8, 1.2.3.4, 10.1.1.1')).to.equal(false)
    expect(remotes(listener)).to.deep.equal(['/ip4/1.2.3.4'])
  })

  for (const forwarded of [undefined, '', 'unknown', '1.2.3.4, unknown', '127.0.0.1', '999.1.1.1', ',,,,']) {
    it(`should be many hosts where it does not say who it forwards: ${forwarded}`, async () => {
      const listener = await listen({ limits: { transient: { connsInbound: 4 } } })

      for (let i = 0; i < 4; i++) {
        expect(await connect(listener, forwarded)).to.equal(true)
      }

      expect(await connect(listener, forwarded)).to.equal(false)
      expect(held(listener).transient).to.deep.equal({ numConnsInbound: 4, numFD: 4 })
    })
  }

  it('should not take a share for itself with sockets that say nothing yet', async () => {
    const listener = await listen({ limits: { transient: { connsInbound: 8 } } })

    for (let i = 0; i < 7; i++) {
      sockets.push(await openSocket(listener))
    }

    await eventually(() => held(listener).transient?.numConnsInbound === 7, 'all sockets')
    expect(await connect(listener, '1.2.3.4')).to.equal(true)
  })

  it('should be able to forward those that are trusted', async () => {
    const listener = await listen({ allowlist: ['/ip4/1.2.3.0/ipcidr/24'] })

    // as many as the limits of the allowlist say, not one
    expect(await connect(listener, '1.2.3.4')).to.equal(true)
    expect(await connect(listener, '1.2.3.4')).to.equal(true)
    expect(await connect(listener, '5.6.7.8')).to.equal(true)
    expect(await connect(listener, '5.6.7.8')).to.equal(false)
  })

  it('should be believed by nobody who has not said so', async () => {
    const listener = await listen({ trustedProxies: undefined })

    expect(await connect(listener, '1.2.3.4')).to.equal(true)
    expect(remotes(listener)).to.deep.equal(['/ip4/127.0.0.1'])
  })

  it('should serve peers', async () => {
    const listener = await listen()
    const dialer = await nodes.create({ transports: [webSockets()] })

    await dialer.dial(listener.getMultiaddrs()[0])
    await eventuallyHeld(listener, {
      system: { numConnsInbound: 1, numFD: 1 },
      [dialer.peerId.toString()]: { numConnsInbound: 1, numFD: 1 }
    })
  })

  for (const [trustedProxies, expected] of [
    ['127.0.0.1', 'trustedProxies'],
    [['127.0.0.1', 'nonsense'], 'trustedProxies[1]'],
    [[5], 'trustedProxies[0]']
  ] as Array<[any, string]>) {
    it(`should not be configured as ${JSON.stringify(trustedProxies)}`, async () => {
      const error = await rejection(listen({ trustedProxies }))

      expect(error).to.have.property('name', 'InvalidParametersError')
      expect(error.message).to.include(expected)
    })
  }
})
