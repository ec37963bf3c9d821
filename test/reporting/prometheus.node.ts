import { prometheusMetrics as libp2pMetrics } from '@libp2p/prometheus-metrics'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { Registry } from 'prom-client'
import { createResourceManager } from '../../src/index.ts'
import { prometheusMetrics } from '../../src/prometheus.ts'
import { registerPrometheusMetrics } from '../../src/reporting/prometheus-metrics.ts'
import { eventuallyEqual } from '../libp2p/fixtures/eventually.ts'
import { memoryAddress, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { createManager, errorOf, peerA, peerB, PROTOCOL, refusalCounts, SERVICE } from '../scopes/fixtures.ts'
import { notZero, scrape, scrapeManager, withPrefix } from './scrape.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'

/**
 * The names, types and labels of go-libp2p's resource manager
 */
const GO_METRICS: Record<string, { type: string, labels: string[] }> = {
  libp2p_rcmgr_connections: { type: 'gauge', labels: ['dir', 'scope'] },
  libp2p_rcmgr_streams: { type: 'gauge', labels: ['dir', 'scope', 'protocol'] },
  libp2p_rcmgr_memory: { type: 'gauge', labels: ['scope', 'protocol'] },
  libp2p_rcmgr_fds: { type: 'gauge', labels: ['scope'] },
  libp2p_rcmgr_blocked_resources: { type: 'counter', labels: ['dir', 'scope', 'resource'] },
  libp2p_rcmgr_limit: { type: 'gauge', labels: ['scope', 'resource'] },
  libp2p_rcmgr_peer_connections: { type: 'histogram', labels: ['dir'] },
  libp2p_rcmgr_previous_peer_connections: { type: 'histogram', labels: ['dir'] },
  libp2p_rcmgr_peer_streams: { type: 'histogram', labels: ['dir'] },
  libp2p_rcmgr_previous_peer_streams: { type: 'histogram', labels: ['dir'] },
  libp2p_rcmgr_peer_memory: { type: 'histogram', labels: [] },
  libp2p_rcmgr_previous_peer_memory: { type: 'histogram', labels: [] },
  libp2p_rcmgr_conn_memory: { type: 'histogram', labels: [] },
  libp2p_rcmgr_previous_conn_memory: { type: 'histogram', labels: [] }
}

/**
 * A manager with something in every metric
 */
function busyManager (): ResourceManager {
  const manager = createManager({ system: { streamsInbound: 2, connsOutbound: 0, memory: 10_000 }, protocolPeerDefault: { memory: 6_000 } })
  const connection = manager.openConnection('inbound', true)
  const stream = manager.openStream(peerA, 'inbound')

  connection.setPeer(peerA)
  connection.reserveMemory(1_024)
  stream.setProtocol(PROTOCOL)
  stream.setService(SERVICE)
  stream.reserveMemory(5_000)
  manager.openConnection('inbound', false)
  manager.openStream(peerB, 'inbound')
  manager.openStream(peerB, 'outbound')

  for (let i = 0; i < 3; i++) {
    errorOf(() => manager.openStream(peerA, 'inbound'))
  }

  errorOf(() => manager.openConnection('outbound', true))
  errorOf(() => { stream.reserveMemory(1_001) })

  return manager
}

describe('prometheus metrics', () => {
  it('should have the names, types and labels of go-libp2p', async () => {
    const registry = new Registry()

    prometheusMetrics(busyManager(), { registry })

    for (const metric of await registry.getMetricsAsJSON()) {
      const expected = GO_METRICS[metric.name]

      if (expected != null) {
        expect(metric.type.toString(), metric.name).to.equal(expected.type)

        for (const { labels } of metric.values as Array<{ labels: Record<string, unknown> }>) {
          expect(Object.keys(labels).filter(label => label !== 'le').sort(), metric.name).to.deep.equal([...expected.labels].sort())
        }
      }
    }

    expect((await registry.getMetricsAsJSON()).map(({ name }) => name)).to.include.members(Object.keys(GO_METRICS))
  })

  it('should say what is held', async () => {
    const series = await scrapeManager(busyManager(), [PROTOCOL])
    const value = (name: string): number | undefined => series.get(`libp2p_rcmgr_${name}`)

    expect(value('connections{dir="inbound",scope="system"}')).to.equal(2)
    expect(value('connections{dir="inbound",scope="transient"}')).to.equal(1)
    expect(value('connections{dir="outbound",scope="system"}')).to.equal(0)
    expect(value('fds{scope="system"}')).to.equal(1)
    expect(value('fds{scope="transient"}')).to.equal(0)
    expect(value('streams{dir="inbound",scope="system",protocol=""}')).to.equal(2)
    expect(value('streams{dir="outbound",scope="system",protocol=""}')).to.equal(1)
    expect(value('streams{dir="inbound",scope="transient",protocol=""}')).to.equal(1)
    expect(value(`streams{dir="inbound",scope="protocol",protocol="${PROTOCOL}"}`)).to.equal(1)
    expect(value('memory{scope="system",protocol=""}')).to.equal(6_024)
    expect(value(`memory{scope="protocol",protocol="${PROTOCOL}"}`)).to.equal(5_000)
    expect(value('limit{scope="system",resource="streams_inbound"}')).to.equal(2)
    expect(value('limit{scope="system",resource="streams"}')).to.equal(Infinity)
    expect(value('fullest{scope="system",resource="streams_inbound"}')).to.equal(1)
    expect(value('fullest{scope="protocolPeer",resource="memory"}')).to.equal(5 / 6)
    expect(value('scopes{scope="peer"}')).to.equal(2)
    expect(value(`service_streams{dir="inbound",service="${SERVICE}"}`)).to.equal(1)
    expect(value(`service_memory{service="${SERVICE}"}`)).to.equal(5_000)
  })

  it('should count what was refused by what was asked for, as go-libp2p does', async () => {
    expect(notZero(withPrefix(await scrapeManager(busyManager()), 'libp2p_rcmgr_blocked_resources'))).to.deep.equal({
      'libp2p_rcmgr_blocked_resources{dir="inbound",scope="system",resource="stream"}': 3,
      'libp2p_rcmgr_blocked_resources{dir="outbound",scope="system",resource="connection"}': 1,
      'libp2p_rcmgr_blocked_resources{dir="",scope="system",resource="fd"}': 1,
      'libp2p_rcmgr_blocked_resources{dir="",scope="protocol",resource="memory"}': 1_001
    })
  })

  it('should count the direction where the limit is for both together, and a descriptor that has run out as a connection too', async () => {
    const manager = createManager({ system: { fd: 0 }, peerDefault: { streams: 0 } })

    errorOf(() => manager.openConnection('inbound', true))
    errorOf(() => manager.openStream(peerA, 'outbound'))

    expect(notZero(withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_blocked_resources'))).to.deep.equal({
      'libp2p_rcmgr_blocked_resources{dir="inbound",scope="system",resource="connection"}': 1,
      'libp2p_rcmgr_blocked_resources{dir="",scope="system",resource="fd"}': 1,
      'libp2p_rcmgr_blocked_resources{dir="outbound",scope="peer",resource="stream"}': 1
    })
    expect(refusalCounts(manager)).to.deep.equal([
      { kind: 'system', resource: 'fd', direction: undefined, count: 1 },
      { kind: 'peer', resource: 'stream', direction: undefined, count: 1 }
    ])
  })

  it('should count what was refused by subnet and by rate', async () => {
    const manager = createManager({}, {
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 0 }] },
      rateLimits: { streams: { peer: { rate: 1, burst: 1 } } }
    })

    errorOf(() => manager.openConnection('outbound', true, multiaddr('/ip4/1.2.3.4/tcp/1')))
    manager.openStream(peerA, 'inbound')
    errorOf(() => manager.openStream(peerA, 'inbound'))

    expect(notZero(withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_blocked_resources'))).to.deep.equal({
      'libp2p_rcmgr_blocked_resources{dir="outbound",scope="subnet",resource="subnet"}': 1,
      'libp2p_rcmgr_blocked_resources{dir="inbound",scope="peer",resource="rate"}': 1
    })
  })

  it('should distribute what peers and connections hold now, those that hold nothing left out', async () => {
    const manager = busyManager()
    const registry = new Registry()

    prometheusMetrics(manager, { registry })
    await scrape(registry)
    manager.openStream(peerA, 'outbound')

    // the second time nothing of the first one is left
    const series = await scrape(registry)
    const value = (name: string): number | undefined => series.get(`libp2p_rcmgr_${name}`)

    expect(value('peer_streams_count{dir="inbound"}')).to.equal(2)
    expect(value('peer_streams_count{dir="outbound"}')).to.equal(2)
    expect(value('peer_streams_bucket{le="1",dir="inbound"}')).to.equal(2)
    expect(value('peer_connections_count{dir="inbound"}')).to.equal(1)
    expect(value('peer_connections_count{dir="outbound"}')).to.equal(0)
    expect(value('peer_memory_count')).to.equal(1)
    expect(value('peer_memory_sum')).to.equal(6_024)
    expect(value('peer_memory_bucket{le="4096"}')).to.equal(0)
    expect(value('peer_memory_bucket{le="32768"}')).to.equal(1)
    expect(value('conn_memory_count')).to.equal(1)
    expect(value('conn_memory_bucket{le="1024"}')).to.equal(1)
  })

  it('should have the histograms that dashboards subtract, with the same series and nothing in them', async () => {
    const series = await scrapeManager(busyManager())
    const previous = withPrefix(series, 'libp2p_rcmgr_previous_')

    expect(Object.values(previous).every(value => value === 0)).to.be.true()
    expect(Object.keys(previous).map(name => name.replace('previous_', ''))).to.have.members([
      ...Object.keys(withPrefix(series, 'libp2p_rcmgr_peer_')),
      ...Object.keys(withPrefix(series, 'libp2p_rcmgr_conn_'))
    ])
  })

  it('should have one label for all protocols that nobody knows, however many there are', async () => {
    const manager = createManager({ protocol: { '/limited/1': { streams: 10 } } })

    for (let i = 0; i < 100; i++) {
      manager.openStream(peerA, 'inbound').setProtocol(`/unknown/${i}`)
    }

    manager.openStream(peerA, 'inbound').setProtocol('/limited/1')

    const series = await scrapeManager(manager)

    expect(withPrefix(series, 'libp2p_rcmgr_streams{dir="inbound",scope="protocol"')).to.deep.equal({
      'libp2p_rcmgr_streams{dir="inbound",scope="protocol",protocol="other"}': 100,
      'libp2p_rcmgr_streams{dir="inbound",scope="protocol",protocol="/limited/1"}': 1
    })
  })

  it('should have the series of all protocols and services that somebody has named from the start, with 0, as a rate does not see what a series begins with', async () => {
    const manager = createManager({ protocol: { '/limited/1': { streams: 10 } }, servicePeer: { limited: { streams: 10 } }, service: { 'family.*': {} } })
    const series = await scrapeManager(manager, ['/named/1'])

    for (const protocol of ['/limited/1', '/named/1', 'other']) {
      expect(series.get(`libp2p_rcmgr_streams{dir="inbound",scope="protocol",protocol="${protocol}"}`), protocol).to.equal(0)
      expect(series.get(`libp2p_rcmgr_streams{dir="outbound",scope="protocol",protocol="${protocol}"}`), protocol).to.equal(0)
      expect(series.get(`libp2p_rcmgr_memory{scope="protocol",protocol="${protocol}"}`), protocol).to.equal(0)
    }

    expect(withPrefix(series, 'libp2p_rcmgr_service_')).to.deep.equal({
      'libp2p_rcmgr_service_streams{dir="inbound",service="limited"}': 0,
      'libp2p_rcmgr_service_streams{dir="outbound",service="limited"}': 0,
      'libp2p_rcmgr_service_memory{service="limited"}': 0
    })

    const before = new Set(series.keys())
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol('/limited/1')
    stream.setService('limited')

    const after = await scrapeManager(manager, ['/named/1'])

    expect(after.get('libp2p_rcmgr_service_streams{dir="inbound",service="limited"}')).to.equal(1)
    expect([...after.keys()].filter(name => !before.has(name))).to.deep.equal([])
  })

  it('should have one label for a family of protocols', async () => {
    const manager = createManager({ protocolPeer: { '/orbitdb/*': { streams: 10 }, '/orbitdb/own': { streams: 10 } } })

    for (const protocol of ['/orbitdb/a', '/orbitdb/b', '/orbitdb/own', '/orbit']) {
      manager.openStream(peerA, 'inbound').setProtocol(protocol)
    }

    expect(withPrefix(await scrapeManager(manager), 'libp2p_rcmgr_streams{dir="inbound",scope="protocol"')).to.deep.equal({
      'libp2p_rcmgr_streams{dir="inbound",scope="protocol",protocol="/orbitdb/*"}': 2,
      'libp2p_rcmgr_streams{dir="inbound",scope="protocol",protocol="/orbitdb/own"}': 1,
      'libp2p_rcmgr_streams{dir="inbound",scope="protocol",protocol="other"}': 1
    })
  })

  it('should read nothing until it is scraped, so that it costs nothing in between', async () => {
    const registry = new Registry()
    const reads: string[] = []
    const { metricsSource } = busyManager() as DefaultResourceManager

    registerPrometheusMetrics(new Proxy(metricsSource, {
      get (source, property) {
        reads.push(String(property))

        return Reflect.get(source, property)
      }
    }), registry)

    // the families of a fleet have to be known when families are registered
    expect(reads).to.deep.equal(['fleet'])
    await registry.metrics()
    expect(reads).to.include.members(Object.keys(metricsSource))
  })

  it('should be removed from a registry, and refuse to be there twice', async () => {
    const registry = new Registry()
    const manager = createManager()
    const remove = prometheusMetrics(manager, { registry })

    expect(() => prometheusMetrics(manager, { registry })).to.throw('already been registered')
    remove()
    expect(await registry.metrics()).to.equal('\n')
    prometheusMetrics(manager, { registry })
  })

  it('should have nothing of a manager that is off, and refuse what is none', async () => {
    const registry = new Registry()

    prometheusMetrics(createResourceManager({ enabled: false }), { registry })()
    expect(await registry.metrics()).to.equal('\n')
    expect(errorOf(() => prometheusMetrics({} as any))).to.have.property('name', 'InvalidParametersError')
  })
})

describe('metrics of a node', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should be those of real traffic, through libp2p and for prometheus', async () => {
    const registry = new Registry()
    const address = memoryAddress()
    const server = await nodes.create({
      addresses: { listen: [address] },
      metrics: libp2pMetrics({ registry, collectDefaultMetrics: false })
    })
    const client = await nodes.create()

    prometheusMetrics(server.services.resourceManager, { registry })
    await server.handle(PROTOCOL, () => {})

    const connection = await client.dial(multiaddr(address))
    const streams = [await connection.newStream(PROTOCOL), await connection.newStream(PROTOCOL)]
    const read = async (): Promise<Array<number | undefined>> => {
      const series = await scrape(registry)

      return [
        series.get('libp2p_rcmgr_connections{dir="inbound",scope="system"}'),
        series.get(`libp2p_rcmgr_streams{dir="inbound",scope="protocol",protocol="${PROTOCOL}"}`),
        series.get('libp2p_rcmgr_peer_streams_bucket{le="2",dir="inbound"}'),
        series.get('libp2p_resource_manager_connections{dir_scope="inbound system"}'),
        series.get(`libp2p_resource_manager_streams{dir_scope_protocol="inbound protocol ${PROTOCOL}"}`),
        series.get('libp2p_resource_manager_peer_streams{dir_le="inbound 2"}')
      ]
    }

    // protocols are negotiated by the time the streams are first used
    streams.forEach(stream => { stream.send(new Uint8Array(1)) })
    await eventuallyEqual(() => server.services.resourceManager.stat().protocols[PROTOCOL]?.numStreamsInbound, 2, 'streams of the protocol')

    expect(await read()).to.deep.equal([1, 2, 1, 1, 2, 1])

    await client.stop()
    await eventuallyEqual(() => server.services.resourceManager.stat().system.numConnsInbound, 0, 'connections')
    server.services.resourceManager.gc()

    // a protocol that is gone from the graph does not keep its last value
    expect(await read()).to.deep.equal([0, 0, 0, 0, 0, 0])
  })
})
