import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { Registry } from 'prom-client'
import { prometheusMetrics } from '../../src/prometheus.ts'
import { DISTRIBUTIONS, GAUGES } from '../../src/reporting/metric-families.ts'
import { eventually, eventuallyEqual } from '../libp2p/fixtures/eventually.ts'
import { Inbox } from '../libp2p/fixtures/inbox.ts'
import { muxerOf, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { errorOf, PROTOCOL, SERVICE, unlimitedBut } from '../scopes/fixtures.ts'
import { scrape } from './scrape.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'

const PREFIX = 'libp2p_rcmgr_'
const SLOW = '/slow/1.0.0'
const FULL = '/full/1.0.0'
const GIB = 2 ** 30

/**
 * What the server holds after `makeTraffic`, computed by hand: a connection of 1,000
 * bytes, and streams of 100 bytes: two inbound ones and an outbound one of the
 * protocol, for one of which 5,000 bytes are reserved, a closed one whose handler
 * runs and has not read the byte that came before, and one whose protocol was never
 * negotiated. Everything else is 0.
 */
const GAUGE_VALUES: Record<string, number> = {
  'connections{dir="inbound",scope="system"}': 1,
  'streams{dir="inbound",scope="system",protocol=""}': 4,
  'streams{dir="outbound",scope="system",protocol=""}': 1,
  'streams{dir="inbound",scope="transient",protocol=""}': 1,
  [`streams{dir="inbound",scope="protocol",protocol="${PROTOCOL}"}`]: 2,
  [`streams{dir="outbound",scope="protocol",protocol="${PROTOCOL}"}`]: 1,
  [`streams{dir="inbound",scope="protocol",protocol="${SLOW}"}`]: 1,
  'memory{scope="system",protocol=""}': 6_501,
  'memory{scope="transient",protocol=""}': 100,
  [`memory{scope="protocol",protocol="${PROTOCOL}"}`]: 5_300,
  [`memory{scope="protocol",protocol="${SLOW}"}`]: 101,
  'fds{scope="system"}': 1,
  'blocked_resources{dir="inbound",scope="collector",resource="stream"}': 1,
  'blocked_resources{dir="",scope="system",resource="memory"}': 4_000,
  'shadow_blocked_resources{dir="outbound",scope="system",resource="stream"}': 1,
  'shadow_blocked_resources{dir="",scope="system",resource="memory"}': 4_000,
  'evictions{scope="protocol",resource="stream"}': 1,
  'limit{scope="system",resource="memory"}': 10_000,
  'fullest{scope="system",resource="memory"}': 0.6501,
  'fullest{scope="peer",resource="streams"}': 0.5,
  'scopes{scope="service"}': 1,
  'scopes{scope="protocol"}': 2,
  'scopes{scope="peer"}': 1,
  [`service_streams{dir="inbound",service="${SERVICE}"}`]: 2,
  [`service_streams{dir="outbound",service="${SERVICE}"}`]: 1,
  [`service_memory{service="${SERVICE}"}`]: 5_300,
  'sessions{collector="testService",state="active"}': 2,
  'sessions{collector="testService",state="pending"}': 1,
  'sessions_limit{collector="testService"}': 3,
  // of ten seconds: 2,000 and 500 bytes
  'session_bitrate{collector="testService",dir="ingress"}': 1_600,
  'session_bitrate{collector="testService",dir="egress"}': 400,
  'session_top_bitrate{collector="testService",dir="ingress"}': 1_600,
  'session_top_bitrate{collector="testService",dir="egress"}': 400,
  'session_bitrate_limit{collector="testService",dir="ingress"}': 1_000_000,
  'session_refusals{collector="testService",dir="inbound",resource="sessions"}': 1,
  'process_memory{kind="max"}': 512 * GIB,
  'process_memory{kind="resume"}': 256 * GIB,
  'event_loop_delay{kind="max"}': 100,
  'event_loop_delay{kind="resume"}': 50,
  'process_refusing{signal="memory"}': 0,
  'process_refusing{signal="event_loop_delay"}': 0,
  'handlers_after_close{state="running"}': 1,
  handlers_overdue: 0,
  'bans{level="peer"}': 0,
  'bans{level="host"}': 1,
  'bans{level="subnet"}': 0,
  'bans_begun{level="peer"}': 0,
  'bans_begun{level="host"}': 1,
  'bans_begun{level="subnet"}': 0,
  'strikes{kind="refusal"}': 0,
  'strikes{kind="eviction"}': 1,
  'strikes{kind="report"}': 7
}

/**
 * What depends on the machine, with the least that it can be
 */
const AT_LEAST: Record<string, number> = {
  'process_memory{kind="resident"}': 10_000_000,
  'event_loop_delay{kind="delay"}': 0,
  'oldest_age{scope="transient"}': 0.001
}

/**
 * Where there is no limit
 */
const UNLIMITED = /^(limit|sessions_limit|session_bitrate_limit)\{/

const DISTRIBUTED: Record<string, number[]> = {
  'peer_connections{dir="inbound"}': [1],
  'peer_connections{dir="outbound"}': [],
  'peer_streams{dir="inbound"}': [4],
  'peer_streams{dir="outbound"}': [1],
  peer_memory: [6_501],
  conn_memory: [1_000]
}

function familyOf (series: string): string {
  return series.replace(/\{.*/, '')
}

async function createServer (nodes: TestNodes): Promise<TestNode> {
  return nodes.create({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    manager: {
      shadow: { system: { streamsOutbound: 0 } },
      limits: unlimitedBut({ system: { memory: 10_000 }, peerDefault: { streams: 10 }, protocol: { [FULL]: { streamsInbound: 2 } } }),
      baseCosts: { connection: 1_000, stream: 100 },
      services: { [SERVICE]: [PROTOCOL] },
      sessions: { collectors: { [SERVICE]: { maxSessions: 3, maxRxBitrate: 1_000_000, sessionTimeout: 600_000 } } },
      bans: {},
      processMemory: { max: 512 * GIB, resume: 256 * GIB },
      eventLoopDelay: { max: 100_000, resume: 50_000 }
    }
  })
}

/**
 * One peer has all streams of a protocol, and another one comes. Nothing is left of it.
 */
async function makeFull (nodes: TestNodes, server: TestNode): Promise<void> {
  const inbox = await Inbox.of(server, FULL)
  const clients = [await nodes.create({ transports: [tcp()] }), await nodes.create({ transports: [tcp()] })]
  const [first, second] = await Promise.all(clients.map(async client => client.dial(server.getMultiaddrs())))

  for (const connection of [first, first, second]) {
    await connection.newStream(FULL)
    await inbox.next()
  }

  await Promise.all(clients.map(async client => client.stop()))
  await eventuallyEqual(() => server.services.resourceManager.stat().system.numConnsInbound, 0, 'the connections')
  server.services.resourceManager.gc()
}

async function makeTraffic (client: TestNode, server: TestNode, handling: Promise<void>): Promise<void> {
  const manager = server.services.resourceManager
  const collector = manager.sessions.collector('testService')
  const inbox = await Inbox.of(server, PROTOCOL)
  const clientInbox = await Inbox.of(client, PROTOCOL)
  let slow = 0

  await server.handle(SLOW, async () => {
    slow++
    await handling
  })

  const connection = await client.dial(server.getMultiaddrs())
  const bytes = async (ingress: number): Promise<void> => eventuallyEqual(() => collector?.active().reduce((sum, { rxBytes }) => sum + rxBytes, 0), ingress, 'the bytes')

  for (const total of [1_000, 2_000]) {
    const stream = await connection.newStream(PROTOCOL)

    stream.send(new Uint8Array(1_000))
    await bytes(total)
  }

  const inbound = await inbox.next()

  inbound.send(new Uint8Array(500))
  manager.getStreamScope(inbound).reserveMemory(5_000)
  expect(errorOf(() => { manager.getStreamScope(inbound).reserveMemory(4_000) })).to.have.property('name', 'MemoryLimitExceededError')
  await server.getConnections(client.peerId)[0].newStream(PROTOCOL)
  await clientInbox.next()

  // the collector is full, which the remote may notice a little later
  await connection.newStream(PROTOCOL).catch(() => {})
  await eventually(() => manager.refusals().some(({ kind }) => kind === 'collector'), 'the refusal')

  const reset = await connection.newStream(SLOW)
  reset.send(new Uint8Array(1))
  await eventually(() => slow === 1, 'the handler')
  reset.abort(new Error('by the test'))
  await eventuallyEqual(() => manager.stat().handlers?.running, 1, 'the handler of a closed stream')

  manager.report(client.peerId, 'a test', 7)
  manager.bans?.add('192.0.2.1')

  // the byte is counted by the next measurement of buffers
  await eventuallyEqual(() => manager.stat().system.memory, 6_401, 'the memory')

  // without a negotiation, which times out after ten seconds
  await muxerOf(connection).createStream()
  await eventually(() => manager.stat().transient.numStreamsInbound === 1, 'the stream without a protocol')
  await eventually(() => (manager.stat().transientHolders?.[0].age ?? 0) > 0, 'its age')
  expect(manager.stat().system.memory).to.equal(6_501)
}

describe('values of metrics', () => {
  const nodes = new TestNodes()
  let handling: PromiseWithResolvers<void>
  let series: Map<string, number>

  beforeEach(async () => {
    const server = await createServer(nodes)
    const client = await nodes.create({ transports: [tcp()] })
    const registry = new Registry()

    handling = Promise.withResolvers()
    prometheusMetrics(server.services.resourceManager, { registry })
    await makeFull(nodes, server)
    await makeTraffic(client, server, handling.promise)
    series = new Map([...await scrape(registry)].map(([name, value]) => [name.slice(PREFIX.length), value]))
  })

  afterEach(async () => {
    handling.resolve()
    await nodes.stop()
  })

  it('should be those computed by hand after real traffic, of every metric', () => {
    for (const { name } of GAUGES) {
      expect(Object.keys({ ...GAUGE_VALUES, ...AT_LEAST }).map(familyOf), 'computed by hand').to.include(name)
    }

    for (const [name, value] of series) {
      const family = familyOf(name)

      if (Object.hasOwn(AT_LEAST, name)) {
        expect(value, name).to.be.at.least(AT_LEAST[name])
      } else if (GAUGES.some(({ name }) => name === family)) {
        expect(value, name).to.equal(GAUGE_VALUES[name] ?? (UNLIMITED.test(name) ? Infinity : 0))
      }
    }

    expect([...series.keys()]).to.include.members(Object.keys({ ...GAUGE_VALUES, ...AT_LEAST }))
  })

  it('should be distributed as computed by hand', () => {
    expect(DISTRIBUTIONS.flatMap(({ name, labels }) => labels.map(({ dir }) => dir == null ? name : `${name}{dir="${dir}"}`))).to.have.members(Object.keys(DISTRIBUTED))

    for (const [name, values] of Object.entries(DISTRIBUTED)) {
      const [family, labels = ''] = name.split(/[{}]/)

      expect(series.get(`${family}_count${labels === '' ? '' : `{${labels}}`}`), name).to.equal(values.length)
      expect(series.get(`${family}_sum${labels === '' ? '' : `{${labels}}`}`), name).to.equal(values.reduce((sum, value) => sum + value, 0))

      for (const bound of DISTRIBUTIONS.find(({ name }) => name === family)?.buckets ?? []) {
        expect(series.get(`${family}_bucket{le="${bound}"${labels === '' ? '' : `,${labels}`}}`), `${name} up to ${bound}`).to.equal(values.filter(value => value <= bound).length)
      }
    }
  })
})
