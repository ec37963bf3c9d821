import { openTelemetryMetrics } from '@libp2p/opentelemetry-metrics'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { metrics } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { expect } from 'aegir/chai'
import { Registry } from 'prom-client'
import { prometheusMetrics as goMetrics } from '../../src/prometheus.ts'
import { DISTRIBUTIONS, GAUGES } from '../../src/reporting/metric-families.ts'
import { eventuallyEqual } from '../libp2p/fixtures/eventually.ts'
import { Inbox } from '../libp2p/fixtures/inbox.ts'
import { memoryAddress, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import { scrape } from './scrape.ts'
import type { StreamManagementScope } from '../../src/index.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'
import type { Metrics } from '@libp2p/interface'
import type { MetricReader } from '@opentelemetry/sdk-metrics'

const PREFIX = 'libp2p_resource_manager_'

/**
 * Some of what is there while a connection and a stream with a session of 1,000 bytes
 * are open, by the name and the label values
 */
const EXPECTED: Record<string, number> = {
  'connections inbound system': 1,
  [`streams inbound protocol ${PROTOCOL}`]: 1,
  'limit system streams': 7,
  'limit system conns': Infinity,
  'peer_streams inbound 1': 1,
  'peer_streams inbound +Inf': 1,
  'sessions testService active': 1,
  'session_bitrate testService ingress': 800,
  'process_refusing memory': 0,
  'handlers_after_close running': 0
}

describe('metrics of libp2p', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  /**
   * A node that has a connection with a stream that has received 1,000 bytes
   */
  async function busyNode (metrics?: (components: any) => Metrics): Promise<TestNode> {
    const server = await nodes.create({
      addresses: { listen: [memoryAddress()] },
      metrics,
      manager: {
        limits: { system: { streams: 7, conns: 'unlimited' } },
        services: { [SERVICE]: [PROTOCOL] },
        sessions: { collectors: { [SERVICE]: {} } },
        processMemory: { max: '100GB' }
      }
    })
    const client = await nodes.create()
    const inbox = await Inbox.of(server, PROTOCOL)
    const stream = await (await client.dial(server.getMultiaddrs())).newStream(PROTOCOL)

    stream.send(new Uint8Array(1_000))
    await inbox.next()
    await eventuallyEqual(() => server.services.resourceManager.sessions.active('testService').map(({ rxBytes }) => rxBytes), [1_000], 'the bytes')

    return server
  }

  it('should ask the node once for each scrape, whatever is scraped of it', async () => {
    const registry = new Registry()
    const own = new Registry()
    const node = await nodes.create({
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
      manager: { bans: {}, processMemory: { max: '80%' }, eventLoopDelay: { max: 500 } }
    })
    const manager: any = node.services.resourceManager
    let asked = 0

    manager.host.stats.push(() => {
      asked++

      return {}
    })
    goMetrics(manager, { registry: own })

    for (const scraped of [registry, registry, own, own]) {
      asked = 0
      await scraped.metrics()
      expect(asked).to.equal(1)
    }
  })

  it('should be read through prometheus-metrics, without a growing number of series', async () => {
    const registry = new Registry()
    const node = await busyNode(prometheusMetrics({ registry, collectDefaultMetrics: false }))
    const read = async (): Promise<Map<string, number>> => new Map(Array.from(await scrape(registry))
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, value]) => [name.slice(PREFIX.length).replace(/\{.*?="(.*)"\}/, ' $1'), value]))

    const first = await read()

    for (const [name, value] of Object.entries(EXPECTED)) {
      expect(first.get(name), name).to.equal(value)
    }

    // protocols that nobody knows come and go
    const { resourceManager } = node.services
    const [connection] = node.getConnections()

    for (let i = 0; i < 20; i++) {
      const stream = resourceManager.openStream(connection.remotePeer, 'inbound')

      stream.setProtocol(`/unknown/${i}`)
      await read()
      stream.done()
      resourceManager.gc()
    }

    const names = [...(await read()).keys()]
    const added = names.filter(name => !first.has(name))

    expect(added).to.deep.equal([])
  })

  it('should not be there where they are turned off', async () => {
    const registry = new Registry()
    const node = await nodes.create({ metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }), manager: { metrics: false } })

    expect([...(await scrape(registry)).keys()].filter(name => name.startsWith(PREFIX))).to.deep.equal([])
    expect(node.services.resourceManager.stat().system.numConnsInbound).to.equal(0)
  })

  it('should count each refusal once, however often it is asked, and from 0', async () => {
    const registry = new Registry()
    const node = await busyNode(prometheusMetrics({ registry, collectDefaultMetrics: false }))
    const name = `${PREFIX}blocked_resources{dir_scope_resource="outbound system stream"}`

    expect((await scrape(registry)).get(name)).to.equal(0)

    const opened: StreamManagementScope[] = []

    // 7 are the limit, and 1 was there before
    for (let scrapes = 0; scrapes < 2; scrapes++) {
      for (let i = 0; i < 7; i++) {
        try {
          opened.push(node.services.resourceManager.openStream(node.peerId, 'outbound'))
        } catch {
          // it was refused
        }
      }

      expect((await scrape(registry)).get(name)).to.equal(scrapes === 0 ? 1 : 8)
    }

    opened.forEach(stream => { stream.done() })
    expect(opened).to.have.lengthOf(6)
  })

  it('should be read through opentelemetry-metrics', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader: MetricReader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
    const provider = new MeterProvider({ readers: [reader] })

    metrics.setGlobalMeterProvider(provider)

    try {
      await busyNode(openTelemetryMetrics())

      const { errors, resourceMetrics } = await reader.collect()
      const read = new Map(resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .filter(({ descriptor }) => descriptor.name.startsWith(PREFIX))
        .flatMap(({ dataPoints, descriptor }) => dataPoints.map(({ attributes, value }): [string, unknown] => {
          return [`${descriptor.name.slice(PREFIX.length)} ${String(Object.values(attributes)[0])}`, value]
        })))

      expect(errors).to.deep.equal([])

      for (const [name, value] of Object.entries(EXPECTED)) {
        expect(read.get(name), name).to.equal(value)
      }
    } finally {
      metrics.disable()
      await provider.shutdown()
    }
  })

  it('should be registered once each, as groups that are calculated, with names and labels that every backend accepts', async () => {
    const { groups, metrics } = strictMetrics()
    const node = await busyNode(() => metrics)

    expect([...groups.keys()].map(name => name.slice(PREFIX.length))).to.have.members([...GAUGES, ...DISTRIBUTIONS].map(({ name }) => name))

    const read = new Map<string, number>()

    for (const [name, { calculate }] of groups) {
      for (const [key, value] of Object.entries(await calculate())) {
        expect(value, `${name} ${key}`).to.be.a('number').and.not.NaN()
        expect(key).to.not.equal('')
        read.set(`${name.slice(PREFIX.length)} ${key}`, value)
      }
    }

    for (const [name, value] of Object.entries(EXPECTED)) {
      expect(read.get(name), name).to.equal(value)
    }

    // a node that is started again does not register anything again
    await node.stop()
    await node.start()
    expect(groups).to.have.lengthOf(GAUGES.length + DISTRIBUTIONS.length)
  })
})

interface CalculatedGroup {
  label: string
  help: string
  calculate(): Record<string, number> | Promise<Record<string, number>>
}

/**
 * Lets the resource manager do nothing but register groups that are calculated, and
 * libp2p's own parts everything
 */
function strictMetrics (): { metrics: Metrics, groups: Map<string, CalculatedGroup> } {
  const groups = new Map<string, CalculatedGroup>()
  const ignored: any = { update () {}, increment () {}, decrement () {}, observe () {}, reset () {}, timer: () => () => {} }

  const register = (name: string): any => {
    expect(name, 'what is not a calculated group').to.not.include(PREFIX)

    return ignored
  }

  const metrics: Metrics = {
    trackMultiaddrConnection () {},
    trackProtocolStream () {},
    registerMetric: register,
    registerCounter (name: string, { calculate, ...options }: any = {}): any {
      return metrics.registerMetricGroup(name, { ...options, label: 'none', calculate: async () => ({ none: await calculate?.() }) })
    },
    registerCounterGroup: (name: string, options: any): any => metrics.registerMetricGroup(name, options),
    registerHistogram: register,
    registerHistogramGroup: register,
    registerSummary: register,
    registerSummaryGroup: register,
    createTrace () {},
    traceFunction: (_: string, fn: any) => fn,
    registerMetricGroup (name: string, options: any = {}): any {
      if (!name.startsWith(PREFIX)) {
        return ignored
      }

      expect(name).to.match(/^[a-z][a-z0-9_]*$/)
      expect(groups.has(name), `${name} is registered`).to.equal(false)
      expect(Object.keys(options)).to.have.members(['label', 'help', 'calculate'])
      expect(options.label).to.match(/^[a-z][a-z0-9_]*$/)
      expect(options.help).to.be.a('string').that.is.not.empty()
      expect(options.calculate).to.be.a('function')
      groups.set(name, options)
    }
  }

  return { metrics, groups }
}
