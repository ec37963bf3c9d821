import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect } from 'aegir/chai'
import { LevelDatastore } from 'datastore-level'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { connected, refusals, TcpNodes } from './fixtures/tcp-nodes.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Bans, ResourceManagerInit, TraceEvent } from '../../src/index.ts'

/**
 * Enough strikes to ban anybody
 */
const ENOUGH = 1_000

/**
 * Real nodes over TCP. Addresses of the loopback network stand for hosts.
 */
describe('bans over TCP', function () {
  const nodes = new TcpNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function listen (manager: ResourceManagerInit = {}, options: NodeOptions = {}, localAddress?: string): Promise<TestNode> {
    return nodes.listen({ bans: {}, ...manager }, options, localAddress)
  }

  async function refused (from: TestNode, to: TestNode): Promise<void> {
    await nodes.refused(from, to, 'ban')
  }

  async function closed (from: TestNode, to: TestNode): Promise<void> {
    await eventually(() => from.getConnections().length === 0 && !connected(to, from), 'the end of the connections')
  }

  function bansOf (node: TestNode): Bans {
    return node.services.resourceManager.bans as Bans
  }

  function report (node: TestNode, { peerId }: TestNode, strikes = ENOUGH): void {
    node.services.resourceManager.report(peerId, 'nonsense', strikes)
  }

  function banned (node: TestNode): string[] {
    return bansOf(node).list().map(({ level, target }) => `${level} ${target}`)
  }

  /**
   * As many peers of a host as ban it
   */
  async function offenders (node: TestNode, localAddress: string): Promise<TestNode[]> {
    const peers = await Promise.all(Array.from({ length: 4 }, async () => nodes.remote(localAddress)))

    for (const peer of peers) {
      await nodes.connect(peer, node)
    }

    peers.forEach(peer => { report(node, peer) })

    return peers
  }

  it('should end what there is with a peer that a handler reports, refuse it, and let others in', async () => {
    const [hostile, honest] = await Promise.all([nodes.remote(), nodes.remote()])
    const node = await listen()

    await nodes.connect(hostile, node)
    await nodes.connect(hostile, node)
    report(node, hostile, 29)
    expect(banned(node)).to.deep.equal([])
    report(node, hostile, 1)
    expect(banned(node)).to.deep.equal([`peer ${hostile.peerId}`])
    await closed(hostile, node)
    await refused(hostile, node)
    await nodes.connect(honest, node)
    await refused(hostile, node)
    expect(connected(node, honest)).to.equal(true)
    expect(node.services.resourceManager.refusals()[0]).to.include({ kind: 'ban', resource: 'connection', direction: 'inbound', setting: 'bans' })
    expect(bansOf(node).list()[0]).to.include({ by: 'strikes', address: '127.0.0.1', reason: '30 strikes, last for nonsense' })

    expect(bansOf(node).lift(hostile.peerId)).to.equal(true)
    await nodes.connect(hostile, node)
  })

  it('should not dial a peer that is banned, and say so', async () => {
    const node = await listen()
    const hostile = await listen({ bans: false })

    bansOf(node).add(hostile.peerId)
    const errors = await rejection(node.dial(hostile.getMultiaddrs()))
    const error: any = (errors as any).errors?.[0] ?? errors

    expect(error).to.include({ name: 'ConnectionLimitExceededError', scope: `ban:peer:${hostile.peerId}`, setting: 'bans', direction: 'outbound' })
    // nor does it come out with an address without its peer id
    const [address] = hostile.getMultiaddrs()
    await rejection(node.dial(address.decapsulateCode(421)))
    await closed(hostile, node)

    bansOf(node).lift(hostile.peerId)
    await node.dial(hostile.getMultiaddrs())
  })

  it('should count what a limit of its own refuses, and what has given way', async () => {
    const hostile = await nodes.remote()
    const node = await listen({ bans: { strikes: 1 }, limits: { peerDefault: { streamsInbound: 1 } } })

    await Inbox.of(node)
    const connection = await hostile.dial(node.getMultiaddrs())
    await connection.newStream(PROTOCOL)
    await connection.newStream(PROTOCOL).catch(() => {})
    await closed(hostile, node)
    expect(bansOf(node).list()[0].reason).to.equal(`1 strikes, last for more than peer:${hostile.peerId} may have`)

    const [greedy, stranger] = await Promise.all([nodes.remote(), nodes.remote('127.0.0.9')])
    const full = await listen({ bans: { strikes: 1 }, limits: { system: { connsInbound: 3 } }, fairness: { protect: 0 } })

    for (let i = 0; i < 3; i++) {
      await nodes.connect(greedy, full)
    }

    await nodes.connect(stranger, full)
    await closed(greedy, full)
    expect(bansOf(full).list()[0].reason).to.equal('1 strikes, last for holding most of system')
    expect(connected(full, stranger)).to.equal(true)
  })

  it('should not count what others have filled', async () => {
    const [first, second] = await Promise.all([nodes.remote(), nodes.remote()])
    const node = await listen({ bans: { strikes: 1 }, limits: { system: { connsInbound: 1 }, protocolDefault: { streamsInbound: 1 } } })

    await Inbox.of(node)
    await nodes.connect(first, node)
    await second.dial(node.getMultiaddrs()).catch(() => {})
    await first.getConnections()[0].newStream(PROTOCOL)
    await first.getConnections()[0].newStream(PROTOCOL).catch(() => {})
    await eventually(() => node.services.resourceManager.refusals().some(({ kind }) => kind === 'protocol'), 'the refusals')
    expect(banned(node)).to.deep.equal([])
  })

  it('should refuse a host before its handshake, and nobody else', async () => {
    let handshakes = 0
    const node = await listen({}, { connectionGater: { denyInboundEncryptedConnection: async () => { handshakes++; return false } } })
    const peers = await offenders(node, '127.0.0.2')
    const [beside, elsewhere] = await Promise.all([nodes.remote('127.0.0.2'), nodes.remote('127.0.0.3')])

    expect(banned(node)).to.have.lengthOf(5).and.include('host 127.0.0.2/32')
    await Promise.all(peers.map(async peer => closed(peer, node)))

    const before = handshakes
    await refused(beside, node)
    expect(handshakes).to.equal(before)
    await nodes.connect(elsewhere, node)

    expect(bansOf(node).lift('127.0.0.2')).to.equal(true)
    await nodes.connect(beside, node)
    // they are still banned themselves
    await refused(peers[0], node)
  })

  it('should not ban a host while somebody who has done nothing shares its address, and dial whom it likes there', async () => {
    const node = await listen()
    const honest = await listen({ bans: false }, {}, '127.0.0.2')
    const neighbour = await nodes.remote('127.0.0.2')

    await nodes.connect(neighbour, node)
    await offenders(node, '127.0.0.2')
    expect(banned(node)).to.have.lengthOf(4).and.not.include('host 127.0.0.2/32')
    expect(connected(node, neighbour)).to.equal(true)

    bansOf(node).add('127.0.0.2')
    await closed(neighbour, node)
    await node.dial(honest.getMultiaddrs())
    expect(connected(node, honest)).to.equal(true)
  })

  it('should not affect those who are allowlisted, by their id or their address', async () => {
    const [friend, neighbour] = await Promise.all([nodes.remote('127.0.0.4'), nodes.remote('127.0.0.2')])
    const node = await listen({ allowlist: [`/p2p/${friend.peerId}`, '/ip4/127.0.0.2'] })

    await nodes.connect(friend, node)
    await nodes.connect(neighbour, node)
    report(node, friend)
    report(node, neighbour)
    expect(banned(node)).to.deep.equal([])
    expect(() => bansOf(node).add(friend.peerId)).to.throw('target: expected somebody who is not allowlisted')

    bansOf(node).add('127.0.0.0/24')
    bansOf(node).add(neighbour.peerId)
    await nodes.connect(neighbour, node)
    expect(connected(node, friend), 'it has proved who it is').to.equal(true)
    // before that the address is all that there is
    await friend.hangUp(node.peerId)
    await refused(friend, node)
  })

  it('should keep bans over a restart, in the datastore of the node', async () => {
    const path = await mkdtemp(join(tmpdir(), 'bans-'))

    try {
      const hostile = await nodes.remote()
      // bans belong to the node, and nodes may share a datastore
      const privateKey = await generateKeyPair('Ed25519')
      let datastore = new LevelDatastore(path)
      await datastore.open()
      const before = await listen({}, { datastore: datastore as any, privateKey })

      await nodes.connect(hostile, before)
      report(before, hostile)
      bansOf(before).add('127.0.0.2', { reason: 'a list', duration: 60_000 })
      const list = bansOf(before).list()
      await before.stop()
      await datastore.close()

      datastore = new LevelDatastore(path)
      await datastore.open()
      const after = await listen({}, { datastore: datastore as any, privateKey })

      expect(bansOf(after).list()).to.deep.equal(list)
      await refused(hostile, after)
      await refused(await nodes.remote('127.0.0.2'), after)
      bansOf(after).lift(hostile.peerId)
      await after.stop()
      await datastore.close()

      datastore = new LevelDatastore(path)
      await datastore.open()
      const again = await listen({}, { datastore: datastore as any, privateKey })

      expect(banned(again)).to.deep.equal(['host 127.0.0.2/32'])
      await nodes.connect(hostile, again)
      await again.stop()
      await datastore.close()
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  })

  it('should go on when the node is stopped and started', async () => {
    const hostile = await nodes.remote()
    const node = await listen()

    await nodes.connect(hostile, node)
    report(node, hostile)
    await node.stop()
    await node.start()
    expect(banned(node)).to.deep.equal([`peer ${hostile.peerId}`])
    await refused(hostile, node)
  })

  it('should only say who would be banned in a dry run', async () => {
    const logger = new CapturedLogger()
    const hostile = await nodes.remote()
    const node = await listen({ enforce: false }, { logger })

    await nodes.connect(hostile, node)
    report(node, hostile)
    await nodes.connect(hostile, node)
    expect(banned(node)).to.deep.equal([`peer ${hostile.peerId}`])
    expect(hostile.getConnections()).to.have.lengthOf(2)
    await eventually(() => refusals(node, 'ban') === 1, 'what would have been refused')
    expect(logger.errors.filter(line => line.includes('banned'))).to.deep.equal([
      `%s would have banned level=peer address=127.0.0.1 peer=${hostile.peerId} seconds=${seconds(node)} reason="1000 strikes, last for nonsense"`
    ])
  })

  function seconds (node: TestNode): number {
    const [{ begin, end }] = bansOf(node).list()

    return Math.round((end - begin) / 1_000)
  }

  it('should tell people and tools', async () => {
    const logger = new CapturedLogger()
    const events: TraceEvent[] = []
    const hostile = await nodes.remote()
    const warnings: any[] = []
    const onWarning = (warning: any): void => { warnings.push(warning) }
    const node = await listen({ warnings: true, trace: [{ consumeEvent: event => { events.push(event) } }] }, { logger })
    const manager = node.services.resourceManager

    process.on('warning', onWarning)

    try {
      await nodes.connect(hostile, node)
      report(node, hostile)
      bansOf(node).add('127.0.0.2', { duration: 60_000 })
      await eventually(() => warnings.some(({ code }) => code === 'RESOURCE_MANAGER_BAN'), 'the warning')
    } finally {
      process.removeListener('warning', onWarning)
    }

    expect(warnings.filter(({ code }) => code === 'RESOURCE_MANAGER_BAN'), 'one in ten minutes').to.have.lengthOf(1)
    expect(logger.errors).to.include('%s banned level=host address=127.0.0.2 peer=- seconds=60 reason="by the operator"')
    expect(String(manager)).to.match(/\nbanned: 1 peer, 1 host$/)
    expect(manager.stat().bans).to.deep.equal({ active: { peer: 1, host: 1, subnet: 0 }, begun: { peer: 1, host: 1, subnet: 0 }, strikes: { refusal: 0, eviction: 0, report: ENOUGH } })
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: '/ip4/127.0.0.2/tcp/1' })).to.include({ fits: false, refusedBy: 'ban:host:127.0.0.2/32', setting: 'bans' })
    expect(manager.explain({ resource: 'connection', direction: 'inbound', peer: hostile.peerId })).to.include({ fits: false, refusedBy: `ban:peer:${hostile.peerId}`, setting: 'bans' })
    expect(manager.explain({ resource: 'connection', direction: 'outbound', address: '/ip4/127.0.0.2/tcp/1' })).to.include({ fits: true })

    bansOf(node).lift('127.0.0.2')
    expect(events.filter(({ type }) => type === 'ban' || type === 'lift').map(({ type, name }) => `${type} ${name}`)).to.deep.equal([
      `ban ban:peer:${hostile.peerId}`, 'ban ban:host:127.0.0.2/32', 'lift ban:host:127.0.0.2/32'
    ])
  })

  it('should not be there without the option', async () => {
    const hostile = await nodes.remote()

    for (const manager of [{ bans: undefined }, { bans: false as const }]) {
      const node = await listen(manager)

      await nodes.connect(hostile, node)
      report(node, hostile)
      expect(node.services.resourceManager.bans).to.equal(undefined)
      expect(node.services.resourceManager.stat()).not.to.have.property('bans')
      expect(connected(node, hostile)).to.equal(true)
      expect(() => { node.services.resourceManager.report('nobody' as any, 'nonsense') }).to.throw('peer: expected a PeerId')
    }

    const node = await listen()
    expect(() => { node.services.resourceManager.report(hostile.peerId, '') }).to.throw('reason: expected a non-empty string')
    expect(() => { node.services.resourceManager.report(hostile.peerId, 'a', 0) }).to.throw('strikes: expected a whole number from 1 to')
    await rejection(listen({ bans: { peers: 1 } }))
  })
})
