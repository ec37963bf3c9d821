/**
 * Behind a reverse proxy everybody has its address. It says who they are, and nobody else can.
 */

import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { expect } from 'aegir/chai'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import { openSocket, openWebSocket } from './fixtures/raw-web-socket.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Socket } from 'node:net'

const FORWARDED = 'X-Forwarded-For: '

/**
 * The same as in version 1: from 1.2.3.4 port 1000 to 127.0.0.1 port 2000
 */
const PROXY_V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000c010203047f00000103e807d0', 'hex')

/**
 * In ms
 */
const DIAGNOSIS_PATIENCE = 30_000

describe('a reverse proxy in front of a node', () => {
  const nodes = new TestNodes()
  const sockets: Socket[] = []

  afterEach(async () => {
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  async function listen (manager: NodeOptions['manager'] = {}, options: NodeOptions = {}): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [webSockets()],
      ...options,
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

  it('should be noticed once where it is not known, with what to do, and let others in when that is done', async () => {
    const logger = new CapturedLogger()
    const unknown = await listen({ trustedProxies: undefined, subnetLimits: undefined }, { logger })
    const { connsInbound = 0 } = unknown.services.resourceManager.limits?.transient ?? {}

    // what the default share and the default limits leave to one address
    for (let i = 0; i < connsInbound; i++) {
      sockets.push(await openSocket(unknown))
    }

    expect(await connect(unknown, '1.2.3.4')).to.equal(false)

    const said = (): string[] => logger.errors.filter(line => line.includes('a proxy, container gateway or NAT there'))

    // the log is written every ten seconds
    await eventually(() => said().length > 0, 'the line that says so', DIAGNOSIS_PATIENCE)
    expect(said()).to.have.lengthOf(1)
    expect(said()[0]).to.include('127.0.0.1, a loopback address').and.include("trustedProxies: ['127.0.0.1']")

    const known = await listen({ trustedProxies: ['127.0.0.1'], subnetLimits: undefined })

    for (let i = 0; i < connsInbound - 1; i++) {
      await connect(known, `1.2.${i}.4`)
    }

    expect(await connect(known, '250.3.3.4')).to.equal(true)
  })

  for (const header of [Buffer.from('PROXY TCP4 1.2.3.4 127.0.0.1 1000 2000\r\n'), PROXY_V2]) {
    for (const over of ['websockets', 'tcp']) {
      it(`should not be believed what it says in the PROXY protocol (version ${header === PROXY_V2 ? 2 : 1}) over ${over}`, async () => {
        const tcpOnly = { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()] }
        const listener = await listen({}, over === 'tcp' ? tcpOnly : {})
        const socket = await openSocket(listener)

        sockets.push(socket)
        socket.write(Buffer.concat([header, Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(10))]))
        socket.resume()
        await eventually(() => socket.closed, 'the end of what is no handshake')
        await eventuallyHeld(listener, {})
      })
    }
  }

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
