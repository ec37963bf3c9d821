import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { Registry } from 'prom-client'
import { prometheusMetrics } from '../../src/prometheus.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { hasPrometheus, PrometheusServer } from '../reporting/prometheus-server.ts'
import { scrapeManager } from '../reporting/scrape.ts'
import { connectIORedis } from './clients.ts'
import { fill, Members, readUntil, TestEngine } from './fixtures.ts'
import { RedisServer } from './redis-server.ts'
import type { RedisTestClient } from './clients.ts'

// tests are run from the root of the package
const ALERTS = 'dashboards/alerts.yml'

const LOST = 'ResourceManagerFleetLost'
const NEAR_LIMIT = 'ResourceManagerFleetNearLimit'

/** Of all nodes together */
const LIMIT = 20

/** How long leases last, in ms: a machine that stands still for a moment has not lost the fleet */
const TTL = 10_000

/** With Prometheus, whoever has it */
const PROMTOOL = process.env.PROMETHEUS_BIN === undefined ? 'promtool' : join(dirname(process.env.PROMETHEUS_BIN), 'promtool')

function hasPromtool (): boolean {
  try {
    execFileSync(PROMTOOL, ['--version'], { stdio: 'ignore' })

    return true
  } catch {
    return false
  }
}

// without them the names of the tests say what to do
const INSTALL = 'tasks/install-prometheus.sh installs it, or set PROMETHEUS_BIN'
const [inPrometheus, noPrometheus] = hasPrometheus() ? [it, ''] : [it.skip, ` (there is none: ${INSTALL})`]
const [inPromtool, noPromtool] = hasPromtool() ? [it, ''] : [it.skip, ` (there is none: ${INSTALL})`]

// who is woken up at night by an alert that means nothing does not read the next one: these fire when
// a node has lost the fleet, and when all nodes together are close to a limit, and not otherwise

describe('fleet/alerts, with a real engine', () => {
  const members = new Members()
  const clients: RedisTestClient[] = []
  let engine: RedisServer | undefined
  let prometheus: PrometheusServer | undefined

  afterEach(async () => {
    await prometheus?.stop()
    await members.stop()
    await Promise.all(clients.splice(0).map(async client => client.close()))
    await engine?.stop()
    prometheus = engine = undefined
  })

  inPrometheus(`should fire in a real Prometheus${noPrometheus} when the fleet is full or the engine has gone, and stop when that is over`, async function () {
    this.timeout(400_000)

    const redis = engine = await RedisServer.start()

    clients.push(await connectIORedis(redis.url), await connectIORedis(redis.url))
    await clients[0].leftInOrder?.('{libp2p-rm:test}')

    const nodes = await Promise.all(clients.map(async ({ client }) => members.add(client, { ttl: TTL, limits: { system: { connsInbound: LIMIT } } })))
    const registries = nodes.map(({ manager }) => {
      const registry = new Registry()

      prometheusMetrics(manager, { registry })

      return registry
    })

    // what has to last before an alert is raised does not take as long here
    const server = prometheus = await PrometheusServer.start(registries, (await readFile(ALERTS, 'utf8')).replaceAll(/for: \d+m/g, 'for: 0s'))
    const firing = async (): ReturnType<PrometheusServer['alerts']> => {
      return (await server.alerts()).filter(({ labels, state }) => state === 'firing' && labels.alertname.startsWith('ResourceManagerFleet'))
    }
    /** Alerts are evaluated once a second: that has been the case for some of these evaluations */
    const lasts = async (condition: string): Promise<void> => {
      await readUntil(async () => server.query(`count_over_time((${condition})[1m:1s])`), ([evaluations = 0]) => evaluations >= 4, condition)
    }
    const held = (amount: number): string => `sum(libp2p_rcmgr_fleet_held{scope="system",resource="conns_inbound"}) == ${amount}`
    const opened = nodes.map(() => [] as ReturnType<typeof fill>)
    const hold = async (i: number, amount: number): Promise<void> => {
      await eventually(() => {
        opened[i].push(...fill(nodes[i].manager, amount - opened[i].length))

        return opened[i].length === amount
      }, `room for ${amount}`)
    }

    await lasts('count(libp2p_rcmgr_fleet_state{state="joined"} == 1) == 2')
    expect(await firing()).to.deep.equal([])

    // 90% of the limit
    await hold(0, 9)
    await hold(1, 9)
    await lasts(held(18))
    expect(await firing()).to.deep.equal([])

    await hold(1, 10)

    // one answer says it all: a scrape that a busy machine misses ends an alert until the next one
    const near = await readUntil(firing, found => found.length > 0, NEAR_LIMIT)

    expect(near.map(({ labels }) => labels)).to.deep.equal([{ alertname: NEAR_LIMIT, fleet: 'test', scope: 'system', resource: 'conns_inbound', severity: 'warning' }])
    expect(near[0].annotations.summary).to.equal('Fleet test uses 95% of a limit (system, conns_inbound)')

    opened[1].pop()?.done()
    await readUntil(firing, found => found.length === 0, 'its end')

    await redis.signal('SIGKILL')

    const lost = await readUntil(firing, found => found.length >= nodes.length, LOST)

    expect(lost.map(({ labels }) => labels.alertname)).to.deep.equal([LOST, LOST])
    expect(new Set(lost.map(({ labels }) => labels.instance)).size).to.equal(nodes.length)

    await redis.restart()
    await readUntil(firing, found => found.length === 0, 'the fleet')
  })
})

interface RuleTest {
  name: string

  /** By series: what it is every 15 seconds */
  series: Record<string, string>

  /** By time: which alerts are there then */
  alerts: Record<string, string[]>
}

/**
 * How many steps of 15 seconds something is so
 */
function steps (value: number, count: number): string {
  return `${value}x${count - 1}`
}

describe('fleet/alerts, over time', () => {
  const members = new Members()
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'promtool-'))
  })

  afterEach(async () => {
    await members.stop()
    await rm(directory, { recursive: true })
  })

  /**
   * @returns The series that a real node has, as those of an instance
   */
  async function seriesOfNode (): Promise<(instance: string, name: string) => string> {
    const { manager } = await members.add(new TestEngine().client(), { limits: { system: { connsInbound: LIMIT, connsOutbound: 0 } } })
    const found = await scrapeManager(manager)

    return (instance, name) => {
      expect([...found.keys()]).to.include(name)

      return name.replace('{', `{instance="${instance}",job="node",`)
    }
  }

  async function runRuleTests (tests: RuleTest[]): Promise<void> {
    const file = join(directory, 'tests.yml')

    await writeFile(file, JSON.stringify({
      rule_files: [resolve(ALERTS)],
      evaluation_interval: '15s',
      tests: tests.map(({ alerts, name, series }) => ({
        name,
        interval: '15s',
        input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
        promql_expr_test: Object.entries(alerts).map(([time, samples]) => ({
          expr: 'ALERTS{alertname=~"ResourceManagerFleet.*"}',
          eval_time: time,
          exp_samples: samples.map(labels => ({ labels: `ALERTS{${labels},severity="warning"}`, value: 1 }))
        }))
      }))
    }))
    await promisify(execFile)(PROMTOOL, ['test', 'rules', file])
  }

  inPromtool(`should fire for a node that was lost for a minute, and for no other${noPromtool}`, async () => {
    const of = await seriesOfNode()
    const lost = (instance: string): string => of(instance, 'libp2p_rcmgr_fleet_state{fleet="test",state="lost"}')
    const alert = (state: string, instance: string): string => `alertname="${LOST}",alertstate="${state}",instance="${instance}"`

    await runRuleTests([{
      name: 'one is lost from the first to the fourth minute, one for 45 seconds, and one never',
      series: {
        [lost('a')]: [steps(0, 4), steps(1, 12), steps(0, 8)].join(' '),
        [lost('b')]: [steps(0, 4), steps(1, 3), steps(0, 17)].join(' '),
        [lost('c')]: steps(0, 24)
      },
      alerts: {
        '45s': [],
        '1m30s': [alert('pending', 'a'), alert('pending', 'b')],
        '1m45s': [alert('pending', 'a')],
        '2m': [alert('firing', 'a')],
        '3m45s': [alert('firing', 'a')],
        '4m': []
      }
    }])
  })

  inPromtool(`should fire for a fleet that was close to a limit for five minutes, and for no other${noPromtool}`, async () => {
    const of = await seriesOfNode()
    const figure = (instance: string, name: string, resource = 'conns_inbound'): string => of(instance, `libp2p_rcmgr_fleet_${name}{fleet="test",scope="system",resource="${resource}"}`)
    const alert = (state: string): string => `alertname="${NEAR_LIMIT}",alertstate="${state}",fleet="test",scope="system",resource="conns_inbound"`
    const limits = {
      [figure('a', 'limit')]: steps(LIMIT, 40),
      [figure('b', 'limit')]: steps(LIMIT, 40),
      [figure('a', 'held')]: steps(10, 40),
      // nothing may be there, and nothing is
      [figure('a', 'limit', 'conns_outbound')]: steps(0, 40),
      [figure('a', 'held', 'conns_outbound')]: steps(0, 40)
    }

    await runRuleTests([{
      name: '19 of 20 from the first to the eighth minute, and 18 before and after that',
      series: { ...limits, [figure('b', 'held')]: [steps(8, 4), steps(9, 28), steps(8, 8)].join(' ') },
      alerts: { '45s': [], '1m': [alert('pending')], '5m45s': [alert('pending')], '6m': [alert('firing')], '7m45s': [alert('firing')], '8m': [] }
    }, {
      name: 'all of it for 4 minutes and 45 seconds',
      series: { ...limits, [figure('b', 'held')]: [steps(8, 4), steps(10, 19), steps(8, 17)].join(' ') },
      alerts: { '5m30s': [alert('pending')], '5m45s': [], '6m': [], '7m': [] }
    }, {
      name: 'a node that has all of its own lease, while others hold nothing',
      series: { ...limits, [figure('b', 'held')]: steps(0, 40) },
      alerts: { '6m': [], '9m': [] }
    }])
  })
})
