import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { TestNodes } from './fixtures/nodes.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Connection } from '@libp2p/interface'

/**
 * Real nodes over TCP. Several addresses of the loopback network stand for
 * several hosts: all of it is unlimited by default, so each has a limit of its
 * own here.
 */
describe('admission of connections over TCP', function () {
  let nodes: TestNodes

  beforeEach(() => {
    nodes = new TestNodes()
  })

  afterEach(async () => {
    await nodes.stop()
  })

  async function listener (manager: ResourceManagerInit): Promise<TestNode> {
    return nodes.create({
      transports: [tcp()],
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      // libp2p's own limit of 5 connections per second and host
      connectionManager: { inboundConnectionThreshold: 1_000 },
      manager
    })
  }

  /**
   * A node whose connections come from one address
   */
  async function dialer (localAddress: string): Promise<TestNode> {
    // it is passed on to `net.connect`, though the type does not list it
    const dialOpts: object = { localAddress }

    return nodes.create({
      transports: [tcp({ dialOpts })],
      connectionManager: { reconnectRetries: 0 }
    })
  }

  async function dial (from: TestNode, to: TestNode): Promise<Connection> {
    return from.dial(to.getMultiaddrs(), { force: true })
  }

  async function refused (from: TestNode, to: TestNode): Promise<void> {
    const before = from.getConnections().length

    await rejection(dial(from, to))
    expect(from.getConnections()).to.have.lengthOf(before)
  }

  function count (node: TestNode, resource: string): number {
    return node.services.resourceManager.refusals()
      .filter(refusal => refusal.resource === resource)
      .reduce((sum, refusal) => sum + refusal.count, 0)
  }

  describe('subnets', () => {
    it('should refuse what a host has too much of, and nobody else', async () => {
      const server = await listener({
        subnetLimits: {
          prefixes: [{ network: '127.0.0.2/32', connCount: 2 }, { network: '127.0.0.3/32', connCount: 2 }]
        }
      })
      const [first, second] = await Promise.all([dialer('127.0.0.2'), dialer('127.0.0.3')])

      const connection = await dial(first, server)
      await dial(first, server)
      await refused(first, server)
      expect(count(server, 'subnet')).to.equal(1)

      await dial(second, server)

      // room for one more when one has gone
      await connection.close()
      await eventually(() => server.services.resourceManager.stat().system.numConnsInbound === 2, 'the connection to go')
      await dial(first, server)
      await refused(first, server)
    })

    it('should count the connections of a network together', async () => {
      const server = await listener({
        subnetLimits: { prefixes: [{ network: '127.0.8.0/24', connCount: 2 }] }
      })
      const hosts = await Promise.all([dialer('127.0.8.1'), dialer('127.0.8.2'), dialer('127.0.8.3')])

      await dial(hosts[0], server)
      await dial(hosts[1], server)
      await refused(hosts[2], server)
    })

    it('should limit a network that is added while there are connections', async () => {
      const server = await listener({})
      const host = await dialer('127.0.0.4')

      await dial(host, server)
      server.services.resourceManager.addPrefixLimit({ network: '127.0.0.4', connCount: 1 })
      await refused(host, server)

      server.services.resourceManager.removePrefixLimit('127.0.0.4')
      await dial(host, server)
    })

    it('should refuse dials, too, before there is a socket', async () => {
      const server = await listener({})
      const host = await nodes.create({
        transports: [tcp()],
        manager: { subnetLimits: { prefixes: [{ network: '127.0.0.1', connCount: 1 }] } }
      })

      await dial(host, server)
      const error = await rejection(dial(host, server))

      expect(error).to.have.property('name', 'SubnetLimitExceededError')
      expect(error).to.include({ resource: 'subnet', temporary: true, current: 1, limit: 1 })
      expect(server.services.resourceManager.stat().system.numConnsInbound).to.equal(1)
    })

    it('should lift the limits of trusted networks', async () => {
      const server = await listener({
        subnetLimits: { prefixes: [{ network: '127.0.0.0/8', connCount: 0 }] },
        trustedNetworks: ['127.0.9.0/24']
      })
      const [trusted, stranger] = await Promise.all([dialer('127.0.9.1'), dialer('127.0.10.1')])

      await refused(stranger, server)
      await dial(trusted, server)
    })
  })

  describe('rates', () => {
    it('should refuse connections that come too fast from one host', async () => {
      const server = await listener({
        rateLimits: {
          connections: {
            // practically never refilled during the test
            prefixes: [{ network: '127.0.0.2/32', rate: 0.0001, burst: 2 }]
          }
        }
      })
      const [fast, other] = await Promise.all([dialer('127.0.0.2'), dialer('127.0.0.3')])

      await (await dial(fast, server)).close()
      await (await dial(fast, server)).close()
      await refused(fast, server)
      expect(count(server, 'rate')).to.equal(1)

      await dial(other, server)
    })

    it('should let allowlisted addresses come as fast as they like', async () => {
      const server = await listener({
        allowlist: [multiaddr('/ip4/127.0.0.2')],
        rateLimits: {
          connections: { prefixes: [{ network: '127.0.0.0/8', rate: 0.0001, burst: 1 }] }
        }
      })
      const [trusted, stranger] = await Promise.all([dialer('127.0.0.2'), dialer('127.0.0.3')])

      for (let i = 0; i < 4; i++) {
        await (await dial(trusted, server)).close()
      }

      await dial(stranger, server)
      await refused(stranger, server)
    })

    it('should reset streams of a peer that come too fast, and keep the connection', async () => {
      const server = await listener({
        rateLimits: { streams: { peer: { rate: 0.0001, burst: 2 } } }
      })
      const inbox = await Inbox.of(server)
      const peer = await dialer('127.0.0.2')
      const connection = await dial(peer, server)

      await connection.newStream(PROTOCOL)
      await connection.newStream(PROTOCOL)
      await rejection(connection.newStream(PROTOCOL))

      expect(connection.status).to.equal('open')
      expect(inbox.streams).to.have.lengthOf(2)
      expect(count(server, 'rate')).to.equal(1)
    })

    it('should reset streams of a protocol that come too fast', async () => {
      const server = await listener({
        rateLimits: { streams: { protocol: { [PROTOCOL]: { rate: 0.0001, burst: 1 } } } }
      })
      const other = '/other/1.0.0'
      const inbox = await Inbox.of(server)
      await Inbox.of(server, other)
      const peer = await dialer('127.0.0.2')
      const connection = await dial(peer, server)

      await connection.newStream(PROTOCOL)
      const tooFast = await connection.newStream(PROTOCOL)
      await eventually(() => tooFast.status === 'reset', 'the stream to be reset')
      await connection.newStream(other)

      expect(inbox.streams).to.have.lengthOf(1)
    })
  })

  describe('allowlist', () => {
    const FULL: ResourceManagerInit = { limits: { system: { connsInbound: 1 }, transient: { connsInbound: 1 } } }

    it('should let allowlisted hosts in when the normal limits are full', async () => {
      const server = await listener({ ...FULL, allowlist: [multiaddr('/ip4/127.0.0.2')] })
      const [trusted, stranger] = await Promise.all([dialer('127.0.0.2'), dialer('127.0.0.3')])

      await dial(stranger, server)
      await refused(stranger, server)
      await dial(trusted, server)

      // the dialer may be done a little earlier
      await eventually(() => server.getConnections(trusted.peerId).length === 1, 'the connection at the other end')
      const { system, allowlistedSystem, allowlistedTransient } = server.services.resourceManager.stat()
      expect(system.numConnsInbound).to.equal(1)
      expect(allowlistedSystem.numConnsInbound).to.equal(1)
      expect(allowlistedTransient.numConnsInbound).to.equal(0)
    })

    it('should refuse another peer at the address of a trusted one', async () => {
      const trusted = await dialer('127.0.0.2')
      const imposter = await dialer('127.0.0.2')
      const stranger = await dialer('127.0.0.3')
      const server = await listener({ ...FULL, allowlist: [multiaddr(`/ip4/127.0.0.2/p2p/${trusted.peerId}`)] })

      await dial(stranger, server)

      // the peer is only known after the handshake, so the other end may see a
      // connection that is closed at once
      await dial(imposter, server).catch(() => {})
      await eventually(() => imposter.getConnections().length === 0, 'the imposter to be disconnected')

      await dial(trusted, server)
      await eventually(() => server.getConnections(trusted.peerId).length === 1, 'the connection at the other end')
      expect(server.services.resourceManager.stat().allowlistedSystem.numConnsInbound).to.equal(1)
    })

    it('should let streams of an allowlisted connection use the allowlisted limits', async () => {
      const server = await listener({
        limits: { system: { connsInbound: 1, streamsInbound: 1 } },
        allowlist: [multiaddr('/ip4/127.0.0.2')]
      })
      await Inbox.of(server)
      const [trusted, stranger] = await Promise.all([dialer('127.0.0.2'), dialer('127.0.0.3')])
      const strange = await dial(stranger, server)
      await strange.newStream(PROTOCOL)
      await rejection(strange.newStream(PROTOCOL))

      const connection = await dial(trusted, server)
      await connection.newStream(PROTOCOL)

      await eventually(() => server.services.resourceManager.stat().allowlistedSystem.numStreamsInbound === 1, 'the stream to be counted')
      expect(server.services.resourceManager.stat().allowlistedTransient.numStreamsInbound).to.equal(0)
    })

    // a peer that connects in calm times would otherwise lose its streams in an attack
    it('should let streams use the allowlisted limits where the connection had room under the normal ones', async () => {
      const server = await listener({
        limits: { system: { streamsInbound: 1 } },
        allowlist: [multiaddr('/ip4/127.0.0.2')]
      })
      await Inbox.of(server)
      const [trusted, stranger] = await Promise.all([dialer('127.0.0.2'), dialer('127.0.0.3')])
      const connection = await dial(trusted, server)
      const strange = await dial(stranger, server)

      await strange.newStream(PROTOCOL)
      await rejection(strange.newStream(PROTOCOL))
      await connection.newStream(PROTOCOL)

      await eventually(() => server.services.resourceManager.stat().allowlistedSystem.numStreamsInbound === 1, 'the stream to be counted')
      expect(server.services.resourceManager.stat().allowlistedSystem.numConnsInbound).to.equal(0)
    })

    it('should follow changes while the node runs', async () => {
      const server = await listener(FULL)
      const [host, stranger] = await Promise.all([dialer('127.0.0.2'), dialer('127.0.0.3')])
      const { allowlist } = server.services.resourceManager

      await dial(stranger, server)
      await refused(host, server)

      allowlist.add(multiaddr('/ip4/127.0.0.0/ipcidr/30'))
      await dial(host, server)

      allowlist.remove(multiaddr('/ip4/127.0.0.0/ipcidr/30'))
      await refused(host, server)
    })
  })
})
