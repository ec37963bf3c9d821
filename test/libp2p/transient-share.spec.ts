import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError, StreamLimitExceededError } from '../../src/index.ts'
import { TransientHolders } from '../../src/libp2p/fairness/transient-holders.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { refusalCounts } from '../scopes/fixtures.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { held, muxerOf, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Transient } from '../../src/libp2p/fairness/transient-holders.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { Refusal } from '../../src/scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

const ADDRESS = multiaddr('/ip4/1.2.3.4/tcp/1')
const SAME_IP = multiaddr('/ip4/1.2.3.4/tcp/2')
const OTHER_IP = multiaddr('/ip4/1.2.3.5/tcp/1')
const RELAYED = multiaddr('/ip4/1.2.3.4/tcp/1/p2p-circuit')

const LIMITS = { transient: { connsInbound: 8, streamsInbound: 8 } }
const OTHER_PEER = peerIdFromString('12D3KooWJzTfskWUcKTU6uVbiKP95s73P9RpXmB1vzYbYNcergKe')

describe('the share of one remote of the transient scope', () => {
  let now = 1000

  function setUp (share?: number, init: ResourceManagerInit = { limits: LIMITS }, others = 6): { manager: DefaultResourceManager, holders: TransientHolders, open(address?: typeof ADDRESS, direction?: MessageStreamDirection): { name: string, transient: Transient } } {
    const manager = makeManager({ rateLimits: false, subnetLimits: { ipv4: [] }, ...init })
    const holders = new TransientHolders(manager.core, share, () => now)

    // shares matter only where there is little room left
    for (let i = 0; i < others; i++) {
      manager.openConnection('inbound', false)
      manager.openStream(OTHER_PEER, 'inbound')
    }

    return {
      manager,
      holders,
      open: (address = ADDRESS, direction = 'inbound') => {
        const connection = manager.openConnection(direction, false, address) as DefaultConnectionScope

        return { name: connection.name, transient: holders.addConnection(connection, address) }
      }
    }
  }

  function explain (refusal: Refusal | undefined): any {
    return refusal?.toError()
  }

  it('should refuse one address above a quarter, whatever the port, and nobody else', () => {
    const { holders, open } = setUp()

    open()
    expect(holders.findConnection(SAME_IP)).to.equal(undefined)
    open(SAME_IP)

    const error = explain(holders.findConnection(SAME_IP))
    expect(error).to.be.instanceOf(ConnectionLimitExceededError)
    expect(error).to.include({ message: 'transient:1.2.3.4: cannot reserve inbound connection: resource limit exceeded', current: 2, attempted: 1, limit: 2 })
    expect(error.settingPath).to.deep.equal(['transientShare'])
    expect(holders.findConnection(OTHER_IP)).to.equal(undefined)
  })

  it('should count an IPv6 /56 as one remote, and an IPv4 address in any spelling', () => {
    const { holders, open } = setUp()
    const inPrefix = (host: string): typeof ADDRESS => multiaddr(`/ip6/${host}/tcp/1`)

    open(inPrefix('2001:db8:0:100::1'))
    open(inPrefix('2001:db8:0:1ff:ffff:ffff:ffff:ffff'))
    expect(explain(holders.findConnection(inPrefix('2001:db8:0:180::2')))).to.include({
      message: 'transient:2001:db8:0:100::/56: cannot reserve inbound connection: resource limit exceeded',
      current: 2
    })
    expect(holders.findConnection(inPrefix('2001:db8:0:200::1'))).to.equal(undefined)
    expect(holders.findConnection(inPrefix('2001:db8:0:ff::1'))).to.equal(undefined)

    const mapped = setUp()

    mapped.open()
    mapped.open(inPrefix('::ffff:1.2.3.4'))
    expect(explain(mapped.holders.findConnection(SAME_IP))).to.have.property('scope', 'transient:1.2.3.4')
    expect(mapped.holders.findConnection(inPrefix('::ffff:1.2.3.5'))).to.equal(undefined)
  })

  it('should refuse nobody while there is room', () => {
    const { holders, open } = setUp(0.01, { limits: { transient: { connsInbound: 80, streamsInbound: 80 } } }, 60)

    for (let i = 0; i < 10; i++) {
      expect(holders.findConnection(ADDRESS)).to.equal(undefined)
      open()
    }

    expect(explain(holders.findConnection(ADDRESS))).to.include({ current: 10, limit: 0 })
    expect(holders.findConnection(OTHER_IP)).to.equal(undefined)
  })

  it('should count what is transient only, and what is inbound only', () => {
    const { holders, open } = setUp(undefined, undefined, 5)

    open(ADDRESS, 'outbound')
    open(ADDRESS, 'outbound')
    const first = open()
    open()
    expect(holders.findConnection(ADDRESS)).to.not.equal(undefined)

    holders.delete(first)
    holders.delete(first)
    expect(holders.findConnection(ADDRESS)).to.equal(undefined)
    open()
    expect(holders.findConnection(ADDRESS)).to.not.equal(undefined)
  })

  it('should let everybody have one, and all where the share is one or there is no limit', () => {
    const tiny = setUp(0.01)
    expect(tiny.holders.findConnection(ADDRESS)).to.equal(undefined)
    tiny.open()
    expect(tiny.holders.findConnection(ADDRESS)).to.not.equal(undefined)

    for (const { holders, open } of [setUp(1, undefined, 0), setUp(0.25, { limits: { transient: { conns: 'unlimited', connsInbound: 'unlimited' } } })]) {
      for (let i = 0; i < 7; i++) {
        open()
        expect(holders.findConnection(ADDRESS)).to.equal(undefined)
      }
    }
  })

  it('should be one for all that come over a relay, and not count against its address', () => {
    const { holders, open } = setUp(undefined, undefined, 5)

    open(RELAYED)
    expect(holders.findConnection(RELAYED)).to.equal(undefined)
    open(RELAYED)
    expect(explain(holders.findConnection(RELAYED))).to.include({ scope: 'transient:relay /ip4/1.2.3.4/tcp/1', current: 2, limit: 2 })
    expect(holders.findConnection(ADDRESS)).to.equal(undefined)
  })

  it('should be that of the peer that is the relay, whatever its address', () => {
    const { holders, open } = setUp(undefined, undefined, 5)
    const over = (address: string): typeof ADDRESS => multiaddr(`${address}/p2p/${OTHER_PEER}/p2p-circuit`)

    open(over('/ip4/1.2.3.4/tcp/1'))
    open(over('/ip6/2001:db8::1/tcp/1'))
    expect(explain(holders.findConnection(over('/dns4/a.example/tcp/1')))).to.include({ scope: `transient:relay ${OTHER_PEER}`, current: 2 })
    expect(holders.findConnection(RELAYED)).to.equal(undefined)
  })

  it('should only count refusals where limits are not enforced', () => {
    const { manager, holders, open } = setUp(0.01, { enforce: false, limits: LIMITS })

    open()
    manager.core.strangersConnections.push({ find: address => address && holders.findConnection(address) })
    expect(manager.core.refuseStranger(ADDRESS)).to.equal(undefined)
    expect(refusalCounts(manager)).to.deep.equal([{ kind: 'transient', resource: 'connection', direction: 'inbound', count: 1 }])
  })

  it('should refuse a share that is none', () => {
    for (const share of [0, -1, 1.1, NaN, '50%' as any]) {
      expect(() => setUp(share)).to.throw(`transientShare: expected a number above 0, up to 1, got ${typeof share === 'string' ? JSON.stringify(share) : share}`)
        .with.property('name', 'InvalidParametersError')
    }
  })

  it('should list those that have been there longest, oldest first, ten at most', () => {
    const { holders, open } = setUp(1, {}, 0)
    const [first, second] = [open(), open(OTHER_IP, 'outbound')]

    now += 500
    expect(holders.oldest()).to.deep.equal([
      { scope: first.name, direction: 'inbound', remote: ADDRESS.toString(), age: 500 },
      { scope: second.name, direction: 'outbound', remote: OTHER_IP.toString(), age: 500 }
    ])

    for (let i = 0; i < 20; i++) {
      open()
    }

    holders.delete(first)
    expect(holders.oldest()).to.have.lengthOf(10).with.property('0').that.includes({ scope: second.name })
  })

  it('should share streams by peer', async () => {
    const { manager, holders } = setUp()
    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

    for (let i = 0; i < 2; i++) {
      expect(holders.findStream(manager.core.graph.peers.get(peer.toString()))).to.equal(undefined)
      holders.addStream(manager.openStream(peer, 'inbound') as any)
    }

    expect(explain(holders.findStream(manager.core.graph.peers.get(peer.toString())))).to.be.instanceOf(StreamLimitExceededError).with.property('scope', `transient:${peer}`)
    expect(holders.findStream(manager.core.graph.peers.get(other.toString()))).to.equal(undefined)
  })

  describe('of a node', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    it('should keep room for streams of others while one peer never negotiates', async () => {
      const manager = { transientShare: 0.25, limits: { transient: { streamsInbound: 8 } } }
      const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager } })
      const local = await dialer.dial(address)
      await otherEnd(local, dialer, listener)
      const streams = await Promise.all(Array.from({ length: 9 }, async () => muxerOf(local).createStream()))

      streams.forEach(stream => { stream.send(Uint8Array.of(19)) })
      await eventually(() => streams.filter(({ status }) => status === 'reset').length === 2, 'two resets')
      expect(held(listener).transient).to.deep.equal({ numStreamsInbound: 7 })

      const { transientHolders } = listener.services.resourceManager.stat()
      expect(transientHolders?.map(({ remote }) => remote)).to.deep.equal(new Array(7).fill(dialer.peerId.toString()))

      streams.forEach(stream => { stream.abort(new Error('enough')) })
      await eventually(() => listener.services.resourceManager.stat().transientHolders?.length === 0, 'the end of the streams')
      expect(await rejection(local.newStream('/nobody/1.0.0'))).to.have.property('name', 'UnsupportedProtocolError')
    })
  })
})
