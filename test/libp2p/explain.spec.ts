import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { TransientHolders } from '../../src/libp2p/fairness/transient-holders.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { fakePeer } from '../scopes/fixtures.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { Pair } from './suite/transport.ts'
import type { Explanation, ResourceManagerInit } from '../../src/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const SERVICE = 'test.service'
const ADDRESS = multiaddr('/ip4/1.2.3.4/tcp/1')
const TRUSTED = multiaddr('/ip4/5.6.7.8/tcp/1')

describe('explain on a node', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function connect (manager: ResourceManagerInit): Promise<Pair & { local: Connection, inbox: Inbox }> {
    const pair = await overMemory().connect(nodes, { dialer: { manager } })
    const inbox = await Inbox.of(pair.listener)
    const local = await pair.dialer.dial(pair.address)
    await otherEnd(local, pair.dialer, pair.listener)

    return { ...pair, local, inbox }
  }

  it('should know that the process refuses what remotes open, other than trusted ones', async function () {
    if (globalThis.process?.memoryUsage?.rss == null) {
      // a browser does not say how large it is
      return this.skip()
    }

    const node = await nodes.create({ manager: { processMemory: { max: 1 }, allowlist: [multiaddr('/ip4/5.6.7.8')] } })
    const manager = node.services.resourceManager
    const pressed = { fits: false, refusedBy: 'process', limit: 1, setting: 'processMemory.max' }

    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: ADDRESS })).to.deep.include(pressed)
    expect(manager.explain({ resource: 'connection', direction: 'inbound' })).to.deep.include(pressed)
    expect(manager.explain({ resource: 'stream', direction: 'inbound', peer: fakePeer(1) })).to.deep.include(pressed)

    const connection = manager.openConnection('inbound', true, TRUSTED)
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: TRUSTED })).to.include({ fits: true })
    expect(manager.explain({ resource: 'stream', direction: 'inbound', peer: fakePeer(1), connection })).to.include({ fits: true })
    expect(manager.explain({ resource: 'connection', direction: 'outbound', address: ADDRESS })).to.include({ fits: true })
    expect(manager.explain({ resource: 'stream', direction: 'outbound', peer: fakePeer(1) })).to.include({ fits: true })

    // asking is no refusal
    expect(manager.refusals()).to.deep.equal([])
    connection.done()
  })

  it('should count what a stream weighs in itself, up to 80% for remotes', async () => {
    const node = await nodes.create({ manager: { baseCosts: { connection: 0, stream: 100 }, limits: { system: { memory: 512 } } } })
    const manager = node.services.resourceManager
    const left = (direction: 'inbound' | 'outbound'): number | undefined => {
      return manager.explain({ resource: 'stream', direction }).headroom.find(({ scope }) => scope === 'system')?.headroom
    }

    // floor(204 / 256 × 512) bytes for what remotes open
    expect([left('inbound'), left('outbound')]).to.deep.equal([4, 5])

    manager.viewSystem(scope => {
      scope.reserveMemory(350)
      expect(manager.explain({ resource: 'stream', direction: 'inbound' })).to.deep.include({ fits: false, refusedBy: 'system', current: 350, limit: 408, setting: 'System.Memory' })
      expect(manager.explain({ resource: 'stream', direction: 'outbound' })).to.include({ fits: true })
      scope.releaseMemory(350)
    })
  })

  it('should know the service of a protocol, and when its collector is full', async () => {
    const { dialer, local } = await connect({ services: { [SERVICE]: [PROTOCOL] }, sessions: { collectors: { [SERVICE]: { maxSessions: 1 } } } })
    const manager = dialer.services.resourceManager
    const request = { resource: 'stream', direction: 'outbound', peer: local.remotePeer, protocol: PROTOCOL } as const

    expect(manager.explain(request).headroom.map(({ scope }) => scope)).to.include(`service:${SERVICE}`)
    expect(manager.explain(request)).to.include({ fits: true })

    await local.newStream(PROTOCOL)
    expect(manager.explain(request)).to.deep.include({
      fits: false, refusedBy: `collector:${SERVICE}`, current: 1, limit: 1, setting: `sessions.collectors["${SERVICE}"].maxSessions`
    })
    expect(await rejection(local.newStream(PROTOCOL))).to.include({ scope: `collector:${SERVICE}` })

    // another service is not concerned
    expect(manager.explain({ ...request, service: 'other' })).to.include({ fits: true })
  })

  it('should know when the collector of connections is full', async () => {
    const { dialer, local } = await connect({ sessions: { collectors: { connections: { maxSessions: 1 } } } })
    const manager = dialer.services.resourceManager

    expect(manager.explain({ resource: 'connection', direction: 'outbound', peer: local.remotePeer })).to.include({ fits: false, refusedBy: 'collector:connections' })

    // the peer is not known yet when it is opened
    expect(manager.explain({ resource: 'connection', direction: 'outbound' })).to.include({ fits: true })
  })

  it('should know the rate of a protocol, which only a node is told of', async () => {
    const { dialer, listener, local } = await connect({ rateLimits: { streams: { protocolPeer: { '/rated/1': { rate: 0.001, burst: 1 } } } } })
    const manager = dialer.services.resourceManager
    const request = { resource: 'stream', direction: 'inbound', peer: local.remotePeer, protocol: '/rated/1' } as const
    let handled = 0

    await dialer.handle('/rated/1', () => { handled++ })
    expect(manager.explain(request)).to.include({ fits: true })

    const [remote] = listener.getConnections(dialer.peerId)
    const stream = await remote.newStream('/rated/1')
    stream.send(new Uint8Array(1))
    await eventually(() => handled === 1, 'the stream')

    expect(manager.explain(request)).to.deep.include({
      fits: false, refusedBy: `protocol:/rated/1.peer:${local.remotePeer}`, limit: 1, setting: 'rateLimits.streams.protocolPeer["/rated/1"]'
    })
    expect(manager.explain({ ...request, direction: 'outbound' })).to.include({ fits: true })
  })
})

describe('what a node would refuse', () => {
  it('should be the share of the transient scope that one remote has, without counting it', () => {
    const manager = makeManager({ rateLimits: false, limits: { transient: { connsInbound: 8, streamsInbound: 8 } } })
    const transient = new TransientHolders(manager.core)
    const accepted = (address?: Multiaddr): Explanation => manager.explain({ resource: 'connection', direction: 'inbound', address })
    const opened = (peer?: PeerId): Explanation => manager.explain({ resource: 'stream', direction: 'inbound', peer })

    manager.core.strangersConnections.push({ find: address => address && transient.findConnection(address) })
    manager.core.strangersStreams.push({ find: peer => transient.findStream(peer) })

    // shares matter only where there is little room left
    for (let i = 0; i < 6; i++) {
      manager.openConnection('inbound', false)
      manager.openStream(fakePeer(2), 'inbound')
    }

    for (let i = 0; i < 2; i++) {
      expect(accepted(ADDRESS)).to.include({ fits: true })
      expect(opened(fakePeer(1))).to.include({ fits: true })
      transient.addConnection(manager.openConnection('inbound', false, ADDRESS) as any, ADDRESS)
      transient.addStream(manager.openStream(fakePeer(1), 'inbound') as any)
    }

    expect(accepted(ADDRESS)).to.include({ refusedBy: 'transient:1.2.3.4', current: 2, limit: 2 })
    expect(opened(fakePeer(1))).to.include({ refusedBy: `transient:${fakePeer(1)}`, current: 2, limit: 2 })
    // of others only those are refused for whom there is no room at all
    expect(accepted(TRUSTED)).to.include({ refusedBy: 'transient' })
    expect(accepted()).to.include({ refusedBy: 'transient' })
    expect(opened()).to.include({ refusedBy: 'transient' })
    expect(manager.refusals()).to.deep.equal([])
  })
})
