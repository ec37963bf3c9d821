import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { fleet } from '../../src/fleet.ts'
import { createResourceManager } from '../../src/index.ts'
import { eventually, rejection } from '../libp2p/fixtures/eventually.ts'
import { peerA, peerB } from '../scopes/fixtures.ts'
import { CONNECT_REDIS } from './clients.ts'
import { useFleet } from './fixtures.ts'
import { RedisServer } from './redis-server.ts'
import type { Member } from './fixtures.ts'
import type { FleetInit } from '../../src/fleet.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'

const ADDRESS = '/ip4/192.0.2.1/tcp/4001'

function isBlocked ({ manager }: Member, address = ADDRESS): boolean {
  try {
    manager.openConnection('inbound', false, address).done()
    return false
  } catch (err: any) {
    expect(err.scope).to.include('ban:')
    return true
  }
}

async function everywhere (members: Member[], probe: (member: Member) => boolean, what: string): Promise<void> {
  await eventually(() => members.every(probe), what)
}

describe('fleet/decisions', () => {
  const { engine, members } = useFleet()

  afterEach(() => {
    expect(engine.listeners).to.equal(0)
  })

  async function three (init?: Partial<FleetInit>): Promise<Member[]> {
    return Promise.all(Array.from({ length: 3 }, async () => members.add(engine.client(), init)))
  }

  it('should have blocks from before the start, also where the clock of the engine is behind', async () => {
    engine.restart(() => Date.now() - 2 * 3_600_000)

    const link = fleet({ client: engine.client(), name: 'test', ttl: 1_000 })

    await link.block('192.0.2.1', { for: '1h' })

    const member = { fleet: link, manager: createResourceManager({ fleet: link, rateLimits: false, warnings: false }) }

    await member.manager.start()
    members.all.push(member)
    expect(isBlocked(member)).to.equal(true)
  })

  it('should block an address on all nodes, until it is taken back', async () => {
    const all = await three()

    expect(all.map(member => isBlocked(member))).to.deep.equal([false, false, false])
    await all[0].fleet.block('192.0.2.0/24', { for: '1h', reason: 'scanner' })
    expect(isBlocked(all[0])).to.equal(true)
    await everywhere(all, member => isBlocked(member), 'the block')
    expect(all.map(member => isBlocked(member, '/ip4/192.0.3.1/tcp/1'))).to.deep.equal([false, false, false])
    expect(all[2].fleet.decisions.block).to.have.lengthOf(1).and.have.nested.property('[0].reason', 'scanner')

    expect(await all[1].fleet.unblock('192.0.2.0/24')).to.equal(true)
    expect(await all[1].fleet.unblock('192.0.2.0/24')).to.equal(false)
    await everywhere(all, member => !isBlocked(member), 'the end of the block')
  })

  it('should block a peer in both directions', async () => {
    const [one, other] = await three()

    await one.fleet.block(peerA)
    await eventually(() => other.fleet.view().blocked === 1, 'the block')

    const connection = other.manager.openConnection('inbound', false, ADDRESS)

    expect(() => { connection.setPeer(peerA) }).to.throw('ban:peer')
    expect(other.manager.explain({ resource: 'connection', direction: 'inbound', address: ADDRESS, peer: peerA }).refusedBy).to.equal(`ban:peer:${peerA}`)
    expect(other.manager.explain({ resource: 'connection', direction: 'inbound', address: ADDRESS, peer: peerB }).fits).to.equal(true)
    expect(() => other.manager.openConnection('outbound', false, multiaddr(`${ADDRESS}/p2p/${peerA}`))).to.throw('ban:peer')
    connection.setPeer(peerB)
    connection.done()
  })

  it('should end a block by itself', async () => {
    const [one, other] = await three()

    await one.fleet.block('192.0.2.1', { for: 300 })
    await everywhere([one, other], member => !isBlocked(member), 'the end of the block')
    await one.fleet.block('192.0.2.7', { for: '1h' })
    expect(one.fleet.decisions.block.map(({ target }) => target)).to.deep.equal(['192.0.2.7/32'])
  })

  for (const [how, failure] of [['without noticing it', undefined], ['and lost the engine', new Error('connection refused')]] as const) {
    it(`should end a block in time on a node whose machine has slept, ${how}`, async () => {
      let slept = 0

      // the clock of a node stands still meanwhile, and that of the engine does not
      engine.restart(() => Date.now() + slept)

      const all = await three()

      await all[0].fleet.block('192.0.2.1', { for: '1h' })
      await all[0].fleet.block('192.0.2.2', { for: '3h' })
      await everywhere(all, member => isBlocked(member) && isBlocked(member, '/ip4/192.0.2.2/tcp/1'), 'the blocks')
      engine.failure = failure
      slept = 2 * 3_600_000
      failure !== undefined && await eventually(() => all.every(({ fleet }) => fleet.view().state === 'lost'), 'the loss')
      engine.failure = undefined
      await everywhere(all, member => !isBlocked(member), 'the end of the block')
      expect(all.map(member => isBlocked(member, '/ip4/192.0.2.2/tcp/1'))).to.deep.equal([true, true, true])
    })
  }

  it('should have no part in what is admitted while nobody is blocked, and leave the bans of the node as they were', async () => {
    const { fleet: link, manager } = await members.add(engine.client())
    const { graph } = (manager as DefaultResourceManager).metricsSource

    expect(graph.bans).to.equal(undefined)
    await link.block('192.0.2.1')
    expect(isBlocked({ fleet: link, manager })).to.equal(true)
    await link.block('192.0.2.2')
    await link.unblock('192.0.2.1')
    expect(isBlocked({ fleet: link, manager }, '/ip4/192.0.2.2/tcp/1')).to.equal(true)
    await link.unblock('192.0.2.2')
    expect(graph.bans).to.equal(undefined)

    await link.block('192.0.2.1')
    await members.stop()
    expect(graph.bans).to.equal(undefined)
    expect(isBlocked({ fleet: link, manager })).to.equal(false)
  })

  it('should trust addresses on all nodes, which are then not blocked', async () => {
    const all = await three()

    await all[0].fleet.block('192.0.2.0/24')
    await all[1].fleet.allow('/ip4/192.0.2.1')
    await all[2].fleet.allow('/ip4/192.0.2.1')
    await everywhere(all, ({ manager }) => manager.allowlist.allowed('/ip4/192.0.2.1'), 'the entry')
    await everywhere(all, member => !isBlocked(member) && isBlocked(member, '/ip4/192.0.2.2/tcp/1'), 'the block of the others')
    expect(await all[0].fleet.disallow('/ip4/192.0.2.1')).to.equal(true)
    expect(await all[0].fleet.disallow('/ip4/192.0.2.1')).to.equal(false)
    await everywhere(all, ({ manager }) => !manager.allowlist.allowed('/ip4/192.0.2.1'), 'the end of the entry')
  })

  it('should leave to a node what it has allowed itself', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), {}, { allowlist: ['/ip4/192.0.2.1'] })

    await link.allow('/ip4/192.0.2.1')
    await link.disallow('/ip4/192.0.2.1')
    expect(manager.allowlist.allowed('/ip4/192.0.2.1')).to.equal(true)
  })

  it('should reach nodes that miss the message, and those that come later', async () => {
    const all = await three()

    engine.deaf = true
    await all[0].fleet.block('192.0.2.1')
    await everywhere(all, member => isBlocked(member), 'the block')
    expect(isBlocked(await members.add(engine.client()))).to.equal(true)
  })

  it('should not lose a change that comes at the same time', async () => {
    const all = await three()

    await Promise.all(Array.from({ length: 9 }, async (_, i) => all[i % 3].fleet.block(`192.0.2.${i}`)))
    await everywhere(all, ({ fleet }) => fleet.decisions.block.length === 9, 'all of them')
  })

  it('should survive nodes, and an engine that has forgotten everything', async () => {
    const [first, second] = await three()

    await first.fleet.block('192.0.2.1')
    await members.stop()

    const third = await members.add(engine.client())

    expect(isBlocked(third)).to.equal(true)
    engine.engine.clear()
    // the nodes that know it write it back
    await eventually(() => engine.engine.run('read', '{libp2p-rm:test}', ['']).includes('192.0.2.1'), 'the decisions')
    expect(isBlocked(third)).to.equal(true)
    expect(first.fleet.view().state).to.equal('stopped')
    expect(isBlocked(second)).to.equal(false)
  })

  it('should keep the last good ones where those in the engine cannot be read', async () => {
    const [one, other] = await three()

    await one.fleet.block('192.0.2.1')

    for (const text of ['no JSON', '{}', '[]', '{"allow":[5],"block":[],"limits":{}}', '{"allow":[],"block":[{"target":"x","reason":"","begin":0,"end":1}],"limits":{}}', '{"allow":[],"block":[],"limits":{"sistem":{}}}']) {
      const { policy } = JSON.parse(engine.engine.run('read', '{libp2p-rm:test}', ['']))

      engine.engine.run('decide', '{libp2p-rm:test}', [JSON.stringify({ policy, next: policy + 1, text })])
      await eventually(() => other.fleet.view().age < 500, 'an answer')
      expect(isBlocked(other)).to.equal(true)
    }

    await other.fleet.block('192.0.2.2')
    await everywhere([one, other], member => isBlocked(member, '/ip4/192.0.2.2/tcp/1') && isBlocked(member), 'the next decision')
  })

  it('should refuse what cannot be used before anybody hears of it', async () => {
    const { fleet: link } = await members.add(engine.client(), { limits: { system: { conns: 9 } } })

    expect((await rejection(link.block('nobody'))).name).to.equal('InvalidParametersError')
    expect((await rejection(link.block(peerA, { for: 'long' }))).message).to.include('for: expected')
    expect((await rejection(link.block(peerA, { for: 0 }))).message).to.include('for: expected')
    expect((await rejection(link.block(peerA, { for: '366d' }))).message).to.include('for: expected')
    expect((await rejection(link.allow('/dns4/example.com'))).name).to.equal('InvalidParametersError')
    expect((await rejection(link.setLimits({ system: { conns: 10 }, peerDefault: { conns: 11 } }))).message).to.include('limits.peerDefault.conns: expected at most limits.system.conns (10)')
    expect((await rejection(link.setLimits({ system: { conns: 10, connsInbound: 11 } }))).message).to.include('limits.system.connsInbound: expected at most conns (10)')
    expect((await rejection(link.setLimits({ transient: {} } as any))).message).to.include('limits.transient: a fleet has no such limit')
    expect(link.view().version).to.equal(1)
  })

  it('should say what is wrong with options', () => {
    const client = engine.client()

    for (const [init, problem] of [
      [{ client: {}, name: 'a' }, 'fleet.client: expected nodeRedis'],
      [{ client, name: '' }, 'fleet.name: expected'],
      [{ client, name: 'a', prefix: '{a}' }, 'fleet.prefix: expected'],
      [{ client, name: 'a', ttl: 5 }, 'fleet.ttl: expected'],
      [{ client, name: 'a', timeout: 5_001 }, 'fleet.timeout: expected'],
      [{ client, name: 'a', allowance: 2 }, 'fleet.allowance: expected'],
      [{ client, name: 'a', onLoss: 'wait' }, 'fleet.onLoss: expected'],
      [{ client, name: 'a', limit: {} }, 'fleet.limit: unknown option'],
      [{ client, name: 'a', limits: { peerDefault: { conn: 1 } } }, 'limits.peerDefault.conn: unknown key']
    ] as const) {
      expect(() => fleet(init as any)).to.throw(problem)
    }

    expect(() => createResourceManager({ fleet: {} as any })).to.throw('fleet: expected fleet(…)')
  })

  it('should be of one node', async () => {
    const { fleet: link } = await members.add(engine.client())
    const second = createResourceManager({ fleet: link })

    expect((await rejection(second.start() as Promise<void>)).message).to.include('one for each node')
  })

  it('should say why it cannot decide while the engine is away', async () => {
    const { fleet: link } = await members.add(engine.client())

    engine.failure = new Error('connection refused')
    expect((await rejection(link.block(peerA))).message).to.equal('connection refused')
    await eventually(() => link.view().state === 'lost', 'the loss')
    expect(link.view().error).to.equal('connection refused')
    engine.failure = undefined
    await link.ready('30s')
    expect(link.view()).to.include({ state: 'joined' }).and.not.have.property('error')
    await link.block(peerA)
  })

  for (const connect of CONNECT_REDIS) {
    it(`should go through a real server: ${connect.name}`, async function () {
      this.timeout(60_000)

      const server = await RedisServer.start()
      const clients = await Promise.all(Array.from({ length: 2 }, async () => connect(server.url)))

      try {
        const all = await Promise.all(clients.map(async ({ client }) => members.add(client)))

        await all[0].fleet.block('192.0.2.0/24')
        await everywhere(all, member => isBlocked(member), 'the block')

        // its data is gone, and the nodes have it
        await clients[0].flushAll()
        await Promise.all(all.map(async ({ fleet }) => fleet.ready('20s')))

        const late = await connect(server.url)

        clients.push(late)
        const third = await members.add(late.client)

        await eventually(() => isBlocked(third), 'the block on a node that comes later')

        const { nodes, total } = await third.fleet.stat()

        expect(nodes).to.have.lengthOf(3)
        expect(total.system.numConnsInbound).to.equal(0)

        await late.set('{libp2p-rm:test}:fleet', 'version', '2')
        expect((await rejection(third.fleet.stat())).message).to.include('another version')
        await late.set('{libp2p-rm:test}:fleet', 'version', '1')
        await members.stop()
        expect(await late.keys()).to.deep.equal(['{libp2p-rm:test}:fleet'])
      } finally {
        await members.stop()
        await Promise.all(clients.map(async client => client.close()))
        await server.stop()
      }
    })

    it(`should refuse a client that is not connected: ${connect.name}`, async () => {
      const server = await RedisServer.start()
      const client = await connect(server.url)

      await client.close()
      await eventually(() => client.client.problem?.() !== undefined, 'the end of the client')
      expect((await rejection(members.add(client.client))).message).to.include('fleet.client: the client is')
      await server.stop()
    })
  }
})
