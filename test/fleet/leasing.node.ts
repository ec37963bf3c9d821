import { expect } from 'aegir/chai'
import delay from 'delay'
import { fleet } from '../../src/fleet.ts'
import { createResourceManager, SubnetLimitExceededError } from '../../src/index.ts'
import { eventually, rejection } from '../libp2p/fixtures/eventually.ts'
import { peerA, peerB } from '../scopes/fixtures.ts'
import { fill, useFleet } from './fixtures.ts'
import type { Member, TestEngine } from './fixtures.ts'
import type { FleetLimits, LeaseStat } from '../../src/fleet.ts'

/** How long to wait for what takes several calls, in ms */
const PATIENCE = 60_000

/**
 * The other nodes are elsewhere, and the engine is told what they hold
 */
function holdElsewhere (engine: TestEngine, scope: string, held: number, limit: number, ttl: number): void {
  engine.engine.run('sync', '{libp2p-rm:test}', [JSON.stringify({
    id: 'elsewhere.1',
    seq: Date.now(),
    ttl,
    policy: JSON.parse(engine.engine.run('read', '{libp2p-rm:test}', [''])).policy,
    sum: '{}',
    gone: [],
    scopes: [[scope, [[3, limit, held, held, held]]]]
  })])
}

function leaseOf ({ fleet }: Member, scope: string): LeaseStat | undefined {
  return fleet.view().leases.find(lease => lease.scope === scope)
}

describe('fleet/leasing', function () {
  this.timeout(4 * PATIENCE)

  const { engine, members } = useFleet()

  function open ({ manager }: Member, address: string, evicted: string[]): any {
    const connection = manager.openConnection('inbound', false, address) as any

    connection.holder = { active: 0, evict: () => { evicted.push(address); connection.done(); return true } }

    return connection
  }

  it('should keep the lease of a protocol that has an entry of its own, although nobody uses it', async () => {
    const member = await members.add(engine.client(), { ttl: 10_000, limits: { protocol: { '/a/1.0.0': { streams: 40 } } } })
    const { manager } = member
    const use = (): Array<{ done(): void }> => Array.from({ length: 6 }, () => {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol('/a/1.0.0')

      return stream
    })

    await eventually(() => Number(leaseOf(member, 'protocol:/a/1.0.0')?.leased.streams) >= 10, 'the lease')
    use().forEach(stream => { stream.done() })
    manager.gc()
    expect(manager.listProtocols()).to.deep.equal(['/a/1.0.0'])
    // the allowance is an eighth: 5
    expect(use()).to.have.lengthOf(6)
    expect(leaseOf(member, 'protocol:/a/1.0.0')?.held).to.deep.equal({ streams: 6 })
  })

  it('should keep no protocols when it has no limits for them any more', async () => {
    const member = await members.add(engine.client(), { limits: { protocol: { '/a/1.0.0': { streams: 40 }, '/b/*': { streams: 9 } }, service: { s: { streams: 40 } } } })
    const { manager } = member

    expect(manager.listProtocols()).to.deep.equal(['/a/1.0.0'])
    await member.fleet.setLimits({ protocol: { '/c/1.0.0': { streams: 40 } } })
    manager.gc()
    expect(manager.listProtocols()).to.deep.equal(['/c/1.0.0'])
    await manager.stop()
    manager.gc()
    expect(manager.listProtocols()).to.deep.equal([])
  })

  it('should end the newest of a subnet, but none of a network in it, and nobody who is trusted', async () => {
    const limits: FleetLimits = { subnets: { ipv4: [{ prefixLength: 24, connCount: 8 }], prefixes: [{ network: '192.0.2.128/25', connCount: 100 }] } }
    const member = await members.add(engine.client(), { ttl: 10_000, allowance: 0.5, limits }, { allowlist: ['/ip4/192.0.2.7', `/p2p/${peerB}`] })
    const evicted: string[] = []

    for (const host of [1, 2]) {
      open(member, `/ip4/192.0.2.${host}/tcp/1`, evicted)
    }

    // each is younger than those, and none of them is what is too many
    open(member, '/ip4/192.0.2.3/tcp/1', evicted).setPeer(peerB)
    open(member, '/ip4/192.0.2.130/tcp/1', evicted)
    open(member, '/ip4/192.0.2.7/tcp/1', evicted)
    open(member, '/ip4/198.51.100.1/tcp/1', evicted)
    holdElsewhere(engine, 'subnet:192.0.2.0/24', 7, 8, 10_000)
    await eventually(() => evicted.length === 2, 'the end of two')
    expect(evicted).to.deep.equal(['/ip4/192.0.2.2/tcp/1', '/ip4/192.0.2.1/tcp/1'])
    expect(leaseOf(member, 'subnet:192.0.2.0/24')?.held).to.deep.equal({ conns: 1 })
  })

  it('should ask for more room for a connection that has to leave the allowlisted pair', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: 600_000, timeout: 20_000, limits: { subnets: { ipv4: [{ prefixLength: 24, connCount: 40 }] } } }, {
      allowlist: [`/ip4/192.0.2.0/ipcidr/24/p2p/${peerB}`],
      limits: { system: { conns: 7 } }
    })
    // the normal pair is full
    const others = [1, 2].flatMap(i => fill(manager, 4, `/ip4/198.51.${i}.1/tcp/1`))
    const [first, second] = [1, 2].map(() => manager.openConnection('inbound', false, '/ip4/192.0.2.9/tcp/1'))

    others.forEach(scope => { scope.done() })
    // an eighth of the limit, which nobody has to be asked for
    expect(fill(manager, 5, '/ip4/192.0.2.1/tcp/1')).to.have.lengthOf(5)
    // `explain` asks nobody
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: '/ip4/192.0.2.9/tcp/1', peer: peerA }).fits).to.equal(false)
    expect(link.view().leases).to.be.empty()
    expect(() => { first.setPeer(peerA) }).to.throw(SubnetLimitExceededError)
    await eventually(() => link.view().leases.some(({ leased }) => leased.conns > 5), 'a lease')
    second.setPeer(peerA)
    expect(second.stat()).to.have.property('numConnsInbound', 1)
  })

  it('should not count who is trusted, also from now on', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: 10_000, allowance: 0.5, limits: { subnets: { ipv4: [{ prefixLength: 24, connCount: 4 }] } } })
    const [first] = fill(manager, 1, '/ip4/192.0.2.1/tcp/1')

    await link.allow('/ip4/192.0.2.1')
    expect(fill(manager, 8, '/ip4/192.0.2.1/tcp/1')).to.have.lengthOf(8)
    first.done()
    expect(fill(manager, 8, '/ip4/192.0.2.2/tcp/1')).to.have.lengthOf(2)
    await link.disallow('/ip4/192.0.2.1')
    // those that are there count again
    expect(fill(manager, 8, '/ip4/192.0.2.1/tcp/1')).to.have.lengthOf(0)
    await eventually(() => link.view().leases.some(({ held }) => held.conns === 10), 'the sum')
  })

  it('should lease room for all subnets, however many come and go between two scans', async () => {
    const unlimited = { conns: 'unlimited', connsInbound: 'unlimited', memory: 'unlimited' } as const
    const { manager } = await members.add(engine.client(), { ttl: 2_000, limits: { subnets: { ipv4: [{ prefixLength: 24, connCount: 8 }] } } }, { limits: { system: unlimited, transient: unlimited } })
    const subnets = 1_100

    for (let i = 0; i < 2_000; i++) {
      manager.openConnection('inbound', false, '/ip4/192.0.2.1/tcp/1').done()
    }

    for (let i = 0; i < subnets; i++) {
      expect(fill(manager, 1, `/ip4/10.${i >> 8}.${i & 255}.1/tcp/1`)).to.have.lengthOf(1)
    }

    await eventually(() => engine.engine.leased('{libp2p-rm:test}').size === subnets, 'all leases', PATIENCE)
  })

  it('should need no more of who has gone, also while too much waits for an answer', async () => {
    const client = engine.client()
    let isAway = false
    let waiting = 0
    const run: typeof client.run = async (...args) => {
      if (!isAway) {
        return client.run(...args)
      }

      waiting++

      return new Promise(() => {})
    }
    const { fleet: link, manager } = await members.add({ ...client, run }, { timeout: 100, limits: { peerDefault: { conns: 8 } } })
    const connection = manager.openConnection('inbound', false)

    connection.setPeer(peerA)
    await eventually(() => link.view().leases.length === 1, 'the lease', PATIENCE)
    isAway = true
    await eventually(() => waiting === 4, 'as many calls as there may be', PATIENCE)
    connection.done()
    await eventually(() => link.view().leases.length === 0, 'the end of the lease', PATIENCE)
    expect(waiting).to.equal(4)
  })

  it('should go on waiting for an answer when it cannot read what was decided meanwhile', async () => {
    const client = engine.client()
    const held: Array<() => void> = []
    let isSlow = false
    const run: typeof client.run = async (script, ...args) => {
      if (isSlow && script.name === 'read') {
        throw new Error('it cannot be read')
      }

      if (isSlow && script.name === 'sync') {
        await new Promise<void>(resolve => { held.push(resolve) })
      }

      return client.run(script, ...args)
    }
    const { fleet: link, manager } = await members.add({ ...client, run }, { ttl: 60_000, timeout: 60_000, allowance: 0.5, limits: { peerDefault: { conns: 2 } } })

    isSlow = true
    // what is full has to be asked for
    fill(manager, 1)[0].setPeer(peerA)
    expect(() => { fill(manager, 1)[0].setPeer(peerA) }).to.throw('peer:')
    await eventually(() => held.length === 1, 'the call', PATIENCE)
    engine.engine.run('decide', '{libp2p-rm:test}', [JSON.stringify({ policy: 1, next: 7, text: '{}' })])
    await eventually(() => link.view().error === 'it cannot be read', 'the failure', PATIENCE)
    // longer than it takes until what has failed is tried again
    await delay(600)
    expect(held).to.have.lengthOf(1)
    isSlow = false
    held[0]()
  })

  it('should explain what it would refuse, with nothing asked for', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: 600_000, timeout: 20_000, allowance: 0.5, limits: { subnets: { ipv4: [{ prefixLength: 24, connCount: 2 }] } } })

    fill(manager, 1, '/ip4/192.0.2.1/tcp/1')

    const { calls, leases } = link.view()
    const explanation = manager.explain({ resource: 'connection', direction: 'inbound', address: '/ip4/192.0.2.1/tcp/1' })

    expect(explanation).to.include({ fits: false, refusedBy: 'subnet:192.0.2.0/24', setting: 'fleet.limits.subnets' })
    expect(link.view().leases).to.deep.equal(leases)
    expect(link.view().calls).to.equal(calls)
  })

  it('should have limits that were set before it started', async () => {
    const first = await members.add(engine.client(), { limits: { system: { conns: 5 } } })
    const link = fleet({ client: engine.client(), name: 'test', ttl: 1_000, limits: { system: { conns: 5 } } })

    await link.setLimits({ system: { conns: 7 }, peerDefault: { conns: 3 } })

    const manager = createResourceManager({ fleet: link, rateLimits: false, warnings: false })

    await manager.start()
    members.all.push({ fleet: link, manager })
    expect(link.decisions.limits).to.deep.equal({ system: { conns: 7 }, peerDefault: { conns: 3 } })
    expect(leaseOf({ fleet: link, manager }, 'system')?.limit).to.deep.equal({ conns: 7 })
    await eventually(() => leaseOf(first, 'system')?.limit.conns === 7, 'the limit on the other node')
  })

  it('should name up to 200 services and protocols, and no more', async () => {
    const named = (count: number): FleetLimits => ({
      service: { s: { streams: 5 }, 't*': { streams: 5 } },
      protocol: Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`/${i}/1.0.0`, { streams: 5 }]))
    })
    const { fleet: link } = await members.add(engine.client())

    await link.setLimits(named(200))
    expect(link.view().leases).to.have.lengthOf(100)
    expect((await rejection(link.setLimits(named(201)))).message).to.include('at most 200 services and protocols')
    expect(() => fleet({ client: engine.client(), name: 'test', limits: named(201) })).to.throw('at most 200 services and protocols')
    expect(link.decisions.limits).to.deep.equal(named(200))
  })

  it('should lease nothing for what has no limit', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { limits: { system: { conns: 9 }, protocol: { '/a/1.0.0': { streams: 5 } } } })

    manager.openConnection('inbound', false).setPeer(peerA)
    manager.openStream(peerA, 'inbound').setProtocol('/b/1.0.0')
    await eventually(() => link.view().leases.find(({ scope }) => scope === 'system')?.held.conns === 1, 'the connection')

    const { calls } = link.view()

    // they would be there after the next scan
    await eventually(() => link.view().calls >= calls + 2, 'two calls')
    expect([...engine.engine.leased('{libp2p-rm:test}').keys()].sort()).to.deep.equal(['protocol:/a/1.0.0 0', 'system 3'])
  })

  it('should say all that has changed with a call that comes early, if that is found out at once', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: 600_000, limits: { system: { connsInbound: 40 }, peerDefault: { conns: 8 } } })

    manager.openConnection('inbound', false).setPeer(peerA)
    expect(link.view().leases.map(({ scope }) => scope)).to.deep.equal(['system'])
    // the next call would be minutes later if there was enough for everybody
    fill(manager, 40)
    await eventually(() => link.view().leases.some(({ leased, scope }) => scope === `peer:${peerA}` && leased.conns > 0), 'the lease of the peer')
  })

  it('should call the engine as often as its pace allows, whoever is refused', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: 20_000, allowance: 0, limits: { peerDefault: { conns: 2 }, system: { conns: 50 } } })
    const begin = Date.now()
    const before = link.view().calls
    let refused = 0

    await eventually(() => {
      refused += fill(manager, 60).length < 60 ? 1 : 0

      return refused > 100 && link.view().calls - before > 4
    }, 'refusals')
    // a burst, one for each second, one for each quarter of a lease
    expect(link.view().calls - before).to.be.at.most(6 + 2 * Math.ceil((Date.now() - begin) / 1_000))
  })

  it('should not call an engine that fails more often because somebody is refused', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: 1_000, limits: { system: { conns: 4 } } })

    engine.failure = new Error('away')
    await eventually(() => link.view().failures > 2, 'failures')

    const { calls } = link.view()
    const begin = Date.now()

    await eventually(() => {
      fill(manager, 5)

      return Date.now() - begin > 1_500
    }, 'some time')
    // after one second, two, four, five and so on
    expect(link.view().calls - calls).to.be.at.most(Math.ceil((Date.now() - begin) / 1_000))
  })

  it('should have one call under way at a time, however slow the engine is', async () => {
    const client = engine.client()
    let under = 0
    let most = 0
    const slow = {
      ...client,
      async run (...args: Parameters<typeof client.run>): Promise<unknown> {
        most = Math.max(most, ++under)
        await new Promise(resolve => { setTimeout(resolve, 200) })
        under--

        return client.run(...args)
      }
    }
    const { manager } = await members.add(slow, { ttl: 4_000, limits: { system: { conns: 30 } } })

    await eventually(() => {
      fill(manager, 1)

      return manager.stat().system.numConnsInbound === 30
    }, 'all of the limit')
    expect(most).to.equal(1)
  })
})
