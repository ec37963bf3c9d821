import { readFile } from 'node:fs/promises'
import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import delay from 'delay'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { fleet } from '../../src/fleet.ts'
import { getStreamScope } from '../../src/index.ts'
import { prometheusMetrics } from '../../src/prometheus.ts'
import { TestEngine } from '../fleet/fixtures.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import { hasPrometheus, PrometheusServer } from './prometheus-server.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'
import type { Connection } from '@libp2p/interface'

// tests are run from the root of the package
const DASHBOARD = 'dashboards/resource-manager.json'

/**
 * How long to wait until Prometheus has scraped often enough, in ms: far longer than
 * it takes
 */
const PATIENCE = 30_000

/**
 * How long to wait between two readings, in ms
 */
const ROUND = 250

/**
 * How late the event loop may be, in ms
 */
const MAX_DELAY = 100

interface Panel {
  id: number
  title: string
  type: string
  gridPos: Record<'x' | 'y' | 'w' | 'h', number>
  targets?: Array<{ expr: string }>
}

/**
 * What Grafana fills in
 */
function fillIn (expression: string): string {
  return expression
    .replaceAll('$instance', '.*')
    .replaceAll('$__rate_interval', '10s')
}

async function readExpressions (): Promise<Array<{ title: string, expression: string }>> {
  const { panels }: { panels: Panel[] } = JSON.parse(await readFile(DASHBOARD, 'utf8'))

  return panels.flatMap(({ targets = [], title }) => targets.map(({ expr }) => ({ title, expression: fillIn(expr) })))
}

/**
 * A protocol with two streams at a time, so that somebody has to give way
 */
const SCARCE = '/test/scarce/1.0.0'

/**
 * A node that refuses for every reason that a panel shows
 */
async function createServer (nodes: TestNodes): Promise<TestNode> {
  const server = await nodes.create({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    manager: {
      limits: { system: { conns: 100, streams: 1_000, memory: 1_000_000 }, protocol: { [SCARCE]: { streamsInbound: 2 } }, protocolPeer: { [PROTOCOL]: { streamsInbound: 3 } } },
      shadow: { system: { memory: 50_000 }, protocolPeer: { [PROTOCOL]: { streamsInbound: 1 } } },
      services: { [SERVICE]: [PROTOCOL] },
      subnetLimits: { prefixes: [{ network: '127.0.0.0/8', connCount: 4 }] },
      rateLimits: { streams: { peer: { rate: 1, burst: 20 } } },
      sessions: { collectors: { [SERVICE]: { maxSessions: 2, maxRxBitrate: 1_000_000_000 } } },
      processMemory: { max: '100GB' },
      eventLoopDelay: { max: MAX_DELAY },
      fleet: fleet({
        client: new TestEngine().client(),
        name: 'test',
        limits: {
          system: { conns: 1_000 },
          rates: { global: { rate: 1_000, burst: 1_000 } },
          sessions: { throttle: { system: { maxTxBitrate: 1_000_000_000 } } }
        }
      })
    }
  })

  await server.handle(PROTOCOL, (stream) => {
    getStreamScope(stream).reserveMemory(100_000)
  })
  await server.handle(SCARCE, () => {})

  return server
}

/**
 * Keeps the node, and everything else here, from doing anything
 */
function blockEventLoop (ms: number): void {
  const end = performance.now() + ms

  while (performance.now() < end) {
    // that is what it is for
  }
}

/**
 * Opens more connections, streams and memory than the node has limits for, and makes
 * it later than it may be
 */
async function load (client: TestNode, server: TestNode, connection: Connection): Promise<void> {
  const ignore = (): void => {}
  await Promise.all(Array.from({ length: 4 }, async () => client.dial(server.getMultiaddrs(), { force: true }).catch(ignore)))

  await Promise.all(Array.from({ length: 30 }, async () => {
    const stream = await connection.newStream(PROTOCOL)

    stream.send(new Uint8Array(1))
  }).map(async opening => opening.catch(ignore)))

  expect(() => { server.services.resourceManager.viewSystem(scope => { scope.reserveMemory(2_000_000) }) }).to.throw()

  blockEventLoop(3 * MAX_DELAY)
  await eventually(() => server.services.resourceManager.stat().eventLoopDelay?.refusing, 'the delay of the event loop')
  await connection.newStream(PROTOCOL).catch(ignore)
}

/**
 * On a machine that is busy the node may be later than it may be just then
 */
async function connect (client: TestNode, server: TestNode): Promise<Connection> {
  const deadline = Date.now() + PATIENCE

  for (;;) {
    try {
      return await client.dial(server.getMultiaddrs())
    } catch (err) {
      if (Date.now() > deadline) {
        throw err
      }

      await delay(ROUND)
    }
  }
}

/**
 * One peer holds all streams of a protocol, and another one comes. While the node is later
 * than it may be nothing comes of it.
 */
async function evict (holder: Connection, newcomer: Connection): Promise<void> {
  try {
    for (const connection of [holder, holder, newcomer]) {
      await connection.newStream(SCARCE, { negotiateFully: true })
    }
  } catch {
    // the next round will do
  }

  for (const stream of [...holder.streams, ...newcomer.streams]) {
    stream.abort(new Error('the next round'))
  }
}

describe('dashboard', () => {
  it('should compare what a node holds with the limits of that node, not what all of them hold', async () => {
    const { panels }: { panels: Panel[] } = JSON.parse(await readFile(DASHBOARD, 'utf8'))
    const compared = panels.filter(({ targets = [] }) => targets.some(({ expr }) => /libp2p_rcmgr_(?!fleet_)(?:\w+_)?limit\b/.test(expr)))

    expect(compared.map(({ title }) => title)).to.have.lengthOf(5)

    for (const { targets = [], title } of compared) {
      for (const { expr } of targets) {
        expect(expr, title).to.match(/^(sum|max) by \(instance\b/)
      }
    }
  })
})

describe('dashboard', () => {
  // Grafana shows one of two panels with the same id, and moves those that overlap
  it('should have panels with ids and places of their own', async () => {
    const { panels }: { panels: Panel[] } = JSON.parse(await readFile(DASHBOARD, 'utf8'))
    const overlap = ({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h

    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length)
    expect(panels.flatMap((panel, i) => panels.slice(i + 1).filter(other => overlap(panel, other)).map(other => `${panel.title} and ${other.title}`))).to.deep.equal([])
  })
})

describe('dashboard', () => {
  const nodes = new TestNodes()
  let prometheus: PrometheusServer | undefined

  afterEach(async () => {
    await prometheus?.stop()
    await nodes.stop()
  })

  // without one the name of the test says what to do
  const [run, missing] = hasPrometheus() ? [it, ''] : [it.skip, ' (there is none: tasks/install-prometheus.sh installs it, or set PROMETHEUS_BIN)']

  run(`should have data in every panel when a real Prometheus${missing} scrapes a real node`, async function () {
    this.timeout(3 * PATIENCE)

    const registry = new Registry()
    const server = await createServer(nodes)
    const client = await nodes.create({ transports: [tcp()] })
    const connection = await connect(client, server)
    const holder = await connect(await nodes.create({ transports: [tcp()] }), server)
    const newcomer = await connect(await nodes.create({ transports: [tcp()] }), server)

    collectDefaultMetrics({ register: registry })
    prometheusMetrics(server.services.resourceManager, { registry })

    // a rate needs a series to be there before it grows
    await load(client, server, connection)
    prometheus = await PrometheusServer.start(registry)

    const expressions = await readExpressions()
    const deadline = Date.now() + PATIENCE
    let empty: Array<{ title: string, expression: string }>
    let evictions: number[]

    expect(expressions).to.have.length.above(40)

    do {
      await evict(holder, newcomer)
      await load(client, server, connection)
      await delay(ROUND)
      evictions = await prometheus.query('rate(libp2p_rcmgr_evictions{scope="protocol",resource="stream"}[10s])')
      empty = []

      for (const { expression, title } of expressions) {
        const values = await prometheus.query(expression)

        if (!values.some(value => !Number.isNaN(value))) {
          empty.push({ title, expression })
        }
      }
    } while (!(empty.length === 0 && evictions[0] > 0) && Date.now() < deadline)

    expect(empty).to.deep.equal([])
    expect(evictions[0]).to.be.greaterThan(0)
  })
})
