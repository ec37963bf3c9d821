import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import delay from 'delay'
import { Registry } from 'prom-client'
import { prometheusMetrics } from '../../src/prometheus.ts'
import { createManager, errorOf, peerA } from '../scopes/fixtures.ts'
import { hasPrometheus, PrometheusServer } from './prometheus-server.ts'

// tests are run from the root of the package
const ALERTS = 'dashboards/alerts.yml'

/**
 * How long to wait for Prometheus, in ms: far longer than it takes
 */
const PATIENCE = 30_000

/**
 * How long to wait between two readings, in ms
 */
const ROUND = 250

async function waitUntil (probe: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE

  while (!await probe()) {
    if (Date.now() > deadline) {
      expect.fail(`waited in vain for ${what}`)
    }

    await delay(ROUND)
  }
}

// an alert that misses the first burst of refusals is of no use: the counters are there
// before anything is refused, and the alerts are run by a real Prometheus

describe('alerts', () => {
  let prometheus: PrometheusServer | undefined

  afterEach(async () => {
    await prometheus?.stop()
    prometheus = undefined
  })

  // without one the name of the test says what to do
  const [run, missing] = hasPrometheus() ? [it, ''] : [it.skip, ' (there is none: tasks/install-prometheus.sh installs it, or set PROMETHEUS_BIN)']

  run(`should be raised by the very first refusals, and not before, in a real Prometheus${missing}`, async function () {
    this.timeout(3 * PATIENCE)

    const registry = new Registry()
    const manager = createManager({ system: { streamsInbound: 10, memory: 1024 } })

    prometheusMetrics(manager, { registry })

    // what has to last before an alert is raised does not take as long here
    const rules = (await readFile(ALERTS, 'utf8')).replaceAll(/for: \d+m/g, 'for: 0s')
    const server = prometheus = await PrometheusServer.start(registry, rules)
    const firing = async (): Promise<Record<string, string[]>> => {
      const alerts = (await server.alerts()).filter(({ state }) => state === 'firing')

      return Object.groupBy(alerts, ({ labels }) => labels.alertname) as any
    }
    const scrapes = async (): Promise<number> => (await server.query('count_over_time(libp2p_rcmgr_blocked_resources{dir="inbound",scope="system",resource="stream"}[1m])'))[0] ?? 0

    await waitUntil(async () => await scrapes() >= 3, 'scrapes before anything is refused')
    expect(await firing()).to.deep.equal({})

    for (let i = 0; i < 10; i++) {
      manager.openStream(peerA, 'inbound')
    }

    errorOf(() => manager.openStream(peerA, 'inbound'))
    manager.viewSystem(scope => { errorOf(() => { scope.reserveMemory(2048) }) })

    await waitUntil(async () => Object.keys(await firing()).length >= 3, 'the alerts')

    const alerts = await server.alerts()
    const labelsOf = (name: string): Array<Record<string, string>> => alerts.filter(({ labels }) => labels.alertname === name).map(({ labels: { resource, scope } }) => ({ resource, scope }))

    expect(labelsOf('ResourceManagerRefuses')).to.deep.equal([{ scope: 'system', resource: 'stream' }])
    expect(labelsOf('ResourceManagerRefusesMemory')).to.deep.equal([{ scope: 'system', resource: undefined }])
    expect(labelsOf('ResourceManagerNearLimit')).to.deep.equal([{ scope: 'system', resource: 'streams_inbound' }])
    expect(labelsOf('ResourceManagerProcessRefuses')).to.be.empty()
    expect(alerts.map(({ annotations: { summary } }) => summary).join('\n')).to.include('system has refused something (stream)')
  })

  it('should be found by the name of the package, as the dashboard is', async () => {
    const { exports } = JSON.parse(await readFile('package.json', 'utf8'))

    expect(exports['./dashboards/*']).to.equal('./dashboards/*')

    for (const file of ['alerts.yml', 'resource-manager.json']) {
      const url = import.meta.resolve(`libp2p-resource-manager/dashboards/${file}`)

      expect(await readFile(new URL(url), 'utf8')).to.equal(await readFile(`dashboards/${file}`, 'utf8'))
    }
  })
})
