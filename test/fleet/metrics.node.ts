import { prometheusMetrics as libp2pMetrics } from '@libp2p/prometheus-metrics'
import { expect } from 'aegir/chai'
import { Registry } from 'prom-client'
import { adminServer } from '../../src/admin.ts'
import { fleet } from '../../src/fleet.ts'
import { createResourceManager } from '../../src/index.ts'
import { ask } from '../admin/fixtures/http.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { scrape, scrapeManager, withPrefix } from '../reporting/scrape.ts'
import { peerA, peerB } from '../scopes/fixtures.ts'
import { fill, readUntil, useFleet } from './fixtures.ts'
import type { FleetHolder, FleetLimits, FleetSums } from '../../src/fleet.ts'

/** How long leases last, in ms: a machine that stands still for a moment has not lost the fleet */
const TTL = 10_000

const LIMITS = {
  system: { connsInbound: 40, memory: 1_000_000 },
  peerDefault: { conns: 8 },
  protocol: { '/a/1.0.0': { streams: 10 } },
  subnets: { prefixes: [{ network: '192.0.2.0/24', connCount: 5 }] }
}

describe('fleet/metrics', () => {
  const nodes = new TestNodes()
  const { engine, members } = useFleet(nodes)

  it('should say what a node has of the limits of its fleet, with as many series whoever comes', async () => {
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: TTL / 2, limits: LIMITS })
    const before = withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_fleet_')

    expect(before).to.include({
      'libp2p_rcmgr_fleet_limit{fleet="test",scope="system",resource="conns_inbound"}': 40,
      'libp2p_rcmgr_fleet_limit{fleet="test",scope="system",resource="memory"}': 1_000_000,
      'libp2p_rcmgr_fleet_limit{fleet="test",scope="protocol:/a/1.0.0",resource="streams"}': 10,
      'libp2p_rcmgr_fleet_limit{fleet="test",scope="subnet:192.0.2.0/24",resource="conns"}': 5,
      'libp2p_rcmgr_fleet_held{fleet="test",scope="system",resource="conns_inbound"}': 0,
      'libp2p_rcmgr_fleet_state{fleet="test",state="joined"}': 1,
      'libp2p_rcmgr_fleet_state{fleet="test",state="lost"}': 0,
      'libp2p_rcmgr_fleet_nodes{fleet="test"}': 1,
      'libp2p_rcmgr_fleet_losses{fleet="test"}': 0,
      'libp2p_rcmgr_fleet_ended{fleet="test"}': 0,
      'libp2p_rcmgr_fleet_calls{fleet="test",kind="failed"}': 0,
      'libp2p_rcmgr_fleet_decisions{fleet="test",kind="blocked"}': 0
    })
    expect(before['libp2p_rcmgr_fleet_leased{fleet="test",scope="system",resource="conns_inbound"}']).to.be.within(1, 40)
    expect(before['libp2p_rcmgr_fleet_age{fleet="test"}']).to.be.within(0, 60)

    for (const peer of [peerA, peerB]) {
      manager.openConnection('inbound', false, '/ip4/198.51.100.1/tcp/1').setPeer(peer)
    }

    fill(manager, 1, '/ip4/192.0.2.1/tcp/1')
    await link.block('203.0.113.0/24')
    await eventually(() => link.view().leases.some(({ scope }) => scope === `peer:${peerB}`), 'the leases of the peers')

    const after = withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_fleet_')

    expect(after).to.include({
      'libp2p_rcmgr_fleet_held{fleet="test",scope="system",resource="conns_inbound"}': 3,
      'libp2p_rcmgr_fleet_held{fleet="test",scope="subnet:192.0.2.0/24",resource="conns"}': 1,
      'libp2p_rcmgr_fleet_leases{fleet="test"}': 5,
      'libp2p_rcmgr_fleet_decisions{fleet="test",kind="blocked"}': 1
    })
    expect(Object.keys(after)).to.deep.equal(Object.keys(before))

    engine.failure = new Error('away')
    await eventually(() => link.view().state === 'lost', 'the loss')

    const lost = withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_fleet_')

    expect(lost).to.include({ 'libp2p_rcmgr_fleet_state{fleet="test",state="lost"}': 1, 'libp2p_rcmgr_fleet_losses{fleet="test"}': 1 })
    expect(lost['libp2p_rcmgr_fleet_age{fleet="test"}']).to.be.above(1.5)
    expect(lost['libp2p_rcmgr_fleet_calls{fleet="test",kind="failed"}']).to.be.above(0)
    engine.failure = undefined
    await link.ready('30s')
    expect(withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_fleet_')).to.include({ 'libp2p_rcmgr_fleet_state{fleet="test",state="joined"}': 1, 'libp2p_rcmgr_fleet_losses{fleet="test"}': 1 })
  })

  it('should say what there is of rates and bit rates and what is used of them, with as many series whoever comes', async () => {
    const global = { rate: 3, burst: 40 }
    const limits: FleetLimits = {
      rates: { global, ipv4: [{ prefixLength: 24, rate: 100, burst: 100 }], prefixes: [{ network: '198.51.100.0/24', rate: 0.5, burst: 10 }] },
      sessions: { throttle: { system: { maxTxBitrate: 8_000_000 }, peer: { maxTxBitrate: 800_000 } }, collectors: { media: { maxRxBitrate: 1_000_000 } } }
    }
    const { fleet: link, manager } = await members.add(engine.client(), { ttl: 4_000, limits }, { sessions: {} })
    const read = async (): Promise<Record<string, number>> => withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_fleet_')
    const before = await read()

    expect(before).to.include({
      'libp2p_rcmgr_fleet_rate_limit{fleet="test",scope="global"}': 3,
      'libp2p_rcmgr_fleet_rate_limit{fleet="test",scope="network:198.51.100.0/24"}': 0.5,
      'libp2p_rcmgr_fleet_rate_accepted{fleet="test",scope="global"}': 0,
      'libp2p_rcmgr_fleet_rate_accepted{fleet="test",scope="network:198.51.100.0/24"}': 0,
      'libp2p_rcmgr_fleet_bitrate_limit{fleet="test",scope="system",dir="egress"}': 8_000_000,
      'libp2p_rcmgr_fleet_bitrate_limit{fleet="test",scope="collector:media",dir="ingress"}': 1_000_000,
      'libp2p_rcmgr_fleet_bitrate{fleet="test",scope="system",dir="egress"}': 0,
      'libp2p_rcmgr_fleet_bitrate{fleet="test",scope="collector:media",dir="ingress"}': 0
    })
    // what has no limit is not there
    expect(Object.keys(before).filter(name => /bitrate_limit.*(?:system",dir="ingress|media",dir="egress)/.test(name))).to.deep.equal([])
    // a quarter of the burst is ready
    expect(before['libp2p_rcmgr_fleet_rate_tokens{fleet="test",scope="global"}']).to.be.within(1, 40)
    expect(before['libp2p_rcmgr_fleet_bitrate_share{fleet="test",scope="system",dir="egress"}']).to.be.within(1, 8_000_000)

    const collector = manager.sessions.register('media')

    collector.registerAndActivate('active', 'stream', '/ip4/192.0.2.1/tcp/1', String(peerA))

    for (let subnet = 0; subnet < 5; subnet++) {
      manager.openConnection('inbound', false, `/ip4/192.0.${subnet}.1/tcp/1`).done()
    }

    fill(manager, 2, '/ip4/198.51.100.1/tcp/1')

    const after = await readUntil(async () => {
      collector.ingress('active', 1_000)

      return read()
    }, series => series['libp2p_rcmgr_fleet_rate_accepted{fleet="test",scope="global"}'] > 0 && series['libp2p_rcmgr_fleet_bitrate{fleet="test",scope="collector:media",dir="ingress"}'] > 0, 'what was used')

    // what is in a network with a rate of its own takes no other
    expect(after).to.include({
      'libp2p_rcmgr_fleet_rate_accepted{fleet="test",scope="global"}': 5,
      'libp2p_rcmgr_fleet_rate_accepted{fleet="test",scope="network:198.51.100.0/24"}': 2
    })
    expect(Object.keys(after)).to.deep.equal(Object.keys(before))
    expect(link.view().rates.slice(0, 2).map(({ name }) => name)).to.have.members(['global', 'network:198.51.100.0/24'])

    // what was accepted of the same rate does not get less, and another rate begins at 0
    await link.setLimits({ rates: { global, prefixes: [{ network: '198.51.100.0/24', rate: 1, burst: 10 }] } })

    const changed = await read()

    expect(changed).to.include({
      'libp2p_rcmgr_fleet_rate_accepted{fleet="test",scope="global"}': 5,
      'libp2p_rcmgr_fleet_rate_limit{fleet="test",scope="network:198.51.100.0/24"}': 1,
      'libp2p_rcmgr_fleet_rate_accepted{fleet="test",scope="network:198.51.100.0/24"}': 0
    })
    expect(Object.keys(changed).filter(name => name.includes('bitrate'))).to.deep.equal([])
    await link.setLimits({})
    expect(Object.keys(await read()).filter(name => name.includes('rate'))).to.deep.equal([])
  })

  it('should not be there without a fleet', async () => {
    expect(withPrefix(await scrapeManager(createResourceManager()), 'libp2p_rcmgr_fleet_')).to.deep.equal({})
  })

  it('should be among the metrics of libp2p', async () => {
    const registry = new Registry()
    const link = fleet({ client: engine.client(), name: 'test', ttl: TTL, limits: LIMITS })

    await nodes.create({ metrics: libp2pMetrics({ registry }), manager: { fleet: link } })

    const series = withPrefix(await scrape(registry), 'libp2p_resource_manager_fleet_')

    expect(series).to.include({
      'libp2p_resource_manager_fleet_limit{fleet_scope_resource="test system conns_inbound"}': 40,
      'libp2p_resource_manager_fleet_state{fleet_state="test joined"}': 1
    })
    expect(Object.keys(series).some(name => name.startsWith('libp2p_resource_manager_fleet_calls'))).to.equal(true)
  })

  it('should answer over HTTP with what all nodes hold, also while the engine does not answer', async () => {
    const [one, other] = await Promise.all([0, 1].map(async i => members.add(engine.client(), { node: `n${i}`, ttl: TTL, limits: LIMITS })))
    const admin = await adminServer(one.manager, { port: 0 })
    const read = async (): Promise<any> => {
      const { status, text } = await ask(new URL('/fleet', admin.url))

      expect(status).to.equal(200, text)

      return JSON.parse(text)
    }

    try {
      for (const { manager } of [one, other]) {
        manager.openConnection('inbound', false).setPeer(peerA)
      }

      fill(other.manager, 2)

      const answer: { holders: FleetHolder[] } & FleetSums & { view: any } = await readUntil(read, ({ total }) => total.system.numConnsInbound === 4, 'the sum')

      expect(answer.view).to.include({ name: 'test', node: 'n0', state: 'joined', nodes: 2 })
      expect(answer.nodes.map(({ node, system }) => [node, system.numConnsInbound]).sort()).to.deep.equal([['n0', 1], ['n1', 3]])
      expect(answer.holders[0]).to.include({ peer: String(peerA), numConnsInbound: 2, nodes: 2 })

      engine.failure = new Error('connection refused')
      expect(await read()).to.include({ error: 'connection refused' }).and.have.nested.property('view.name', 'test')
      expect(await ask(new URL('/fleet?x=1', admin.url))).to.have.property('status', 400)
    } finally {
      await admin.close()
    }
  })

  it('should answer 404 over HTTP without a fleet', async () => {
    const admin = await adminServer(createResourceManager(), { port: 0 })

    expect(await ask(new URL('/fleet', admin.url))).to.have.property('status', 404)
    await admin.close()
  })

  it('should ask the engine once for all who ask at the same time', async () => {
    const { fleet: link } = await members.add(engine.client(), { ttl: 600_000, timeout: 20_000 })
    const { calls } = link.view()
    const [first, second] = await Promise.all([link.stat(), link.stat(), link.holders()])

    expect(second).to.equal(first)
    expect(link.view().calls).to.equal(calls + 1)
    expect(await link.stat()).to.not.equal(first)
  })

  it('should sum sessions of all nodes: their number, bit rates and bytes', async () => {
    const all = await Promise.all([0, 1].map(async () => members.add(engine.client(), { ttl: 1_000 })))

    all.forEach(({ manager }, i) => {
      const collector = manager.sessions.register('media')

      collector.registerAndActivate('ended', 'stream', '/ip4/192.0.2.1/tcp/1', String(peerA))
      collector.ingress('ended', 500)
      collector.unregister('ended')
      collector.registerAndActivate('active', 'stream', '/ip4/192.0.2.1/tcp/1', String(peerA))
      collector.ingress('active', 1_000 * (i + 1))
      collector.egress('active', 7)
    })

    const { media } = (await readUntil(async () => all[0].fleet.stat(), ({ total: { sessions: { media } } }) => media?.rxBytes === 4_000 && media.rxBitrate > 0, 'the sums')).total.sessions

    expect(media).to.include({ sessions: 2, txBytes: 14 })
  })
})
