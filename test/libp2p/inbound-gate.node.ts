/**
 * libp2p's own limits of inbound connections come before everything else: who may have what
 * is for the resource manager to decide, and everybody may see it. All with the default
 * settings of libp2p and of the resource manager, but for what is named.
 */

import { connect } from 'node:net'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { eventually, rejection } from './fixtures/eventually.ts'
import { eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Connection } from '@libp2p/interface'
import type { Socket } from 'node:net'

/**
 * Each attacker opens more sockets than libp2p would have in their handshake
 */
const ATTACKERS = ['127.0.1.1', '127.0.1.2']
const SOCKETS = 20

/**
 * How many others come, each from an address of its own
 */
const OTHERS = 32

const ALLOWLIST = [multiaddr('/ip4/127.0.3.0/ipcidr/24')]

describe('the gate for inbound connections', () => {
  const nodes = new TestNodes()
  const sockets: Socket[] = []

  afterEach(async () => {
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  async function listen (options: NodeOptions = {}): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      ...options,
      manager: { baseCosts: undefined, transientShare: undefined, ...options.manager }
    })
  }

  async function openSocket (node: TestNode, localAddress: string): Promise<void> {
    const [ip, port] = node.getMultiaddrs()[0].getComponents()
    const socket = connect({ host: ip.value, port: Number(port.value), localAddress })

    socket.on('error', () => {})
    sockets.push(socket)
    await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
  }

  /**
   * A node that dials from an address of this machine
   */
  async function dialFrom (localAddress: string, listener: TestNode): Promise<Connection> {
    // passed on to Node, though it is not among the documented options
    const dialOpts: object = { localAddress }
    const dialer = await nodes.create({ transports: [tcp({ dialOpts })], manager: false })

    return dialer.dial(listener.getMultiaddrs()[0])
  }

  async function countAdmitted (listener: TestNode, network: string): Promise<number> {
    const dials = await Promise.allSettled(Array.from({ length: OTHERS }, async (_, i) => dialFrom(`${network}.${i + 1}`, listener)))

    return dials.filter(({ status }) => status === 'fulfilled').length
  }

  it('should let strangers and trusted peers in while two addresses hold handshakes', async () => {
    const listener = await listen({ manager: { allowlist: ALLOWLIST } })

    for (const address of ATTACKERS) {
      for (let i = 0; i < SOCKETS; i++) {
        await openSocket(listener, address)
      }
    }

    expect(await countAdmitted(listener, '127.0.2')).to.equal(OTHERS)
    expect(await countAdmitted(listener, '127.0.3')).to.equal(OTHERS)
  })

  it('should show who is refused, and keep the number of handshakes bounded', async () => {
    const listener = await listen({ manager: { limits: { transient: { connsInbound: 8 } } } })

    for (let i = 0; i < 3 * SOCKETS; i++) {
      await openSocket(listener, ATTACKERS[0])
    }

    await eventually(() => sockets.filter(({ closed }) => !closed).length <= 8, 'the end of those above the limit')
    expect(listener.services.resourceManager.refusals().reduce((sum, { count }) => sum + count, 0)).to.be.at.least(3 * SOCKETS - 8)
  })

  it('should leave libp2p its limits where those are what bounds the handshakes', async () => {
    const listener = await listen({
      manager: { limits: { transient: { conns: 'unlimited', connsInbound: 'unlimited' } } },
      connectionManager: { inboundConnectionThreshold: 1_000 }
    })

    for (let i = 0; i < SOCKETS; i++) {
      await openSocket(listener, ATTACKERS[0])
    }

    await eventually(() => sockets.filter(({ closed }) => !closed).length === 10, 'the end of those above the limit')
    expect(listener.services.resourceManager.refusals()[0]).to.deep.include({
      kind: 'system', resource: 'connection', direction: 'inbound', count: SOCKETS - 10, setting: 'connectionManager.maxIncomingPendingConnections'
    })
  })

  it('should go on with what has been set lower than the default, and show it', async () => {
    const listener = await listen({ connectionManager: { maxIncomingPendingConnections: 2 } })

    for (let i = 0; i < 5; i++) {
      await openSocket(listener, ATTACKERS[0])
    }

    await eventually(() => sockets.filter(({ closed }) => closed).length === 3, 'the end of those above the limit')
    expect(listener.services.resourceManager.refusals()[0]).to.deep.include({ count: 3, setting: 'connectionManager.maxIncomingPendingConnections' })
  })

  it('should leave the rate to libp2p where there is no other', async () => {
    const listener = await listen({ manager: { rateLimits: false } })

    for (let i = 0; i < 7; i++) {
      await openSocket(listener, ATTACKERS[0])
    }

    await eventually(() => sockets.filter(({ closed }) => closed).length === 2, 'the end of those above the rate')
    expect(listener.services.resourceManager.refusals()[0]).to.deep.include({ count: 2, setting: 'connectionManager.inboundConnectionThreshold' })
  })

  it('should go on with addresses that are denied, without a word', async () => {
    const listener = await listen({ connectionManager: { deny: ['/ip4/127.0.1.1'] }, manager: { allowlist: [multiaddr('/ip4/127.0.1.1')] } })

    expect(await rejection(dialFrom('127.0.1.1', listener))).to.be.instanceOf(Error)
    await dialFrom('127.0.1.2', listener)
    expect(listener.services.resourceManager.refusals()).to.be.empty()
  })

  describe('when there are as many connections as the node may have', () => {
    const MAX = 4

    async function full (manager: NodeOptions['manager'] = {}): Promise<TestNode> {
      const listener = await listen({ connectionManager: { maxConnections: MAX }, manager: { allowlist: ALLOWLIST, ...manager } })

      for (let i = 1; i <= MAX; i++) {
        await dialFrom(`127.0.2.${i}`, listener)
      }

      await eventually(() => listener.getConnections().length === MAX, 'all connections')

      return listener
    }

    it('should refuse more, and say so', async () => {
      const listener = await full({ fairness: false })
      const { resourceManager } = listener.services

      expect(resourceManager.explain({ resource: 'connection', direction: 'inbound', usefd: true, address: multiaddr('/ip4/127.0.2.9/tcp/1') })).to.include({
        fits: false, setting: 'connectionManager.maxConnections', current: MAX, limit: MAX
      })
      expect(resourceManager.refusals()).to.be.empty()
      expect(await rejection(dialFrom('127.0.2.9', listener))).to.be.instanceOf(Error)
      expect(resourceManager.refusals()[0]).to.deep.include({ count: 1, setting: 'connectionManager.maxConnections' })
      expect(listener.getConnections()).to.have.lengthOf(MAX)
    })

    it('should let trusted peers in, and not close them for it', async () => {
      const listener = await full({ fairness: false })
      const connection = await dialFrom('127.0.3.1', listener)

      await eventually(() => listener.getConnections().some(({ remoteAddr }) => remoteAddr.toString().startsWith('/ip4/127.0.3.1/')), 'the trusted connection')
      expect(held(listener).allowlistedSystem).to.include({ numConnsInbound: 1 })
      await eventually(() => listener.getConnections().length === MAX, 'the end of another one')
      expect(connection.status).to.equal('open')
    })

    it('should let those in who have less than others', async () => {
      const listener = await listen({ connectionManager: { maxConnections: MAX } })
      const attackers = await Promise.all(Array.from({ length: MAX }, async () => dialFrom(ATTACKERS[0], listener)))

      await eventually(() => listener.getConnections().length === MAX, 'all connections')
      const connection = await dialFrom('127.7.7.7', listener)

      await eventually(() => attackers.some(({ status }) => status !== 'open'), 'the end of one of them')
      expect(connection.status).to.equal('open')
      await eventually(() => listener.getConnections().length === MAX, 'the connection')
    })
  })

  it('should change nothing in a dry run', async () => {
    const listener = await listen({ manager: { enforce: false } })

    for (let i = 0; i < 7; i++) {
      await openSocket(listener, ATTACKERS[0])
    }

    await eventually(() => sockets.filter(({ closed }) => closed).length === 2, 'the end of those above the rate')
    sockets.forEach(socket => { socket.destroy() })
    await eventuallyHeld(listener, {})
  })
})
