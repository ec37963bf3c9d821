import { expect } from 'aegir/chai'
import { ResourceLimitExceededError } from '../../src/errors.ts'
import { limitsOfScope } from '../../src/reporting/scope-limits.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { peerA } from '../scopes/fixtures.ts'
import { fill, useFleet } from './fixtures.ts'
import type { Member } from './fixtures.ts'
import type { FleetLimits } from '../../src/fleet.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'

function refusalOf (open: () => unknown): any {
  try {
    open()
  } catch (err: any) {
    return err
  }

  expect.fail('expected a refusal')
}

describe('fleet/refusals', () => {
  const { engine, members } = useFleet()

  /**
   * Two nodes, the first of which holds three connections
   */
  async function two (limits: FleetLimits, init: ResourceManagerInit = {}): Promise<[Member, Member]> {
    const [one, other] = await Promise.all([0, 1].map(async () => members.add(engine.client(), { ttl: 2_500, limits }, init)))

    await use(one, 3)

    return [one, other]
  }

  /**
   * Opens as much as there is room for in the end
   */
  async function use ({ manager }: Member, expected: number): Promise<void> {
    await eventually(() => {
      fill(manager, 1)

      return manager.stat().system.numConnsInbound === expected
    }, 'all that is left')
  }

  it('should name the limit of the fleet, what it holds, and how old that is', async () => {
    const [, other] = await two({ system: { conns: 8 } })

    await use(other, 5)

    const { manager } = other

    // what the others hold is known from the last time that something did not fit
    await eventually(() => refusalOf(() => manager.openConnection('inbound', false)).fleet.held === 8, 'what the others hold')

    const err = refusalOf(() => manager.openConnection('inbound', false))

    expect(err).to.be.an.instanceOf(ResourceLimitExceededError)
    expect(err).to.include({ current: 5, limit: 5, setting: 'fleet.limits.system.conns' })
    expect(err.fleet).to.include({ name: 'test', limit: 8, held: 8, leased: 5 })
    expect(err.fleet.age).to.be.within(0, 60_000)
    expect(String(err)).to.match(/limit 5, fleet test: 8 of 8, \d+\.\d s ago, setting fleet\.limits\.system\.conns/)

    const explanation = manager.explain({ resource: 'connection', direction: 'inbound' })

    expect(explanation).to.include({ fits: false, refusedBy: 'system', limit: 5, setting: 'fleet.limits.system.conns' })
    expect(explanation.fleet).to.include({ name: 'test', limit: 8, held: 8 })
    expect(manager.usage({ minPercent: 100 })).to.have.nested.property('[0].fleet.limit', 8)

    const ofSystem = limitsOfScope((manager as DefaultResourceManager).metricsSource.graph, 'system')

    expect(ofSystem.map(({ resource, direction, fleet }) => [resource, direction, fleet?.limit])).to.deep.include(['connection', undefined, 8])
    expect(ofSystem.filter(({ fleet }) => fleet !== undefined), 'the others are not of the fleet').to.have.lengthOf(1)
    expect(manager.recentRefusals()[0]).to.have.nested.property('fleet.limit', 8)
    expect(manager.refusals()[0]).to.have.property('setting', 'fleet.limits.system.conns')
    // as it goes to the command
    expect(JSON.parse(JSON.stringify(explanation)).fleet).to.have.keys('name', 'limit', 'held', 'leased', 'age', 'path')
  })

  it('should say so in the log and in the warning', async () => {
    const lines: string[] = []
    const log: any = Object.assign(() => {}, { enabled: false, error: (_: string, line: string) => { lines.push(line) }, trace: () => {} })
    const warned: string[] = []
    const listener = (warning: Error): void => { warned.push(warning.message) }

    process.on('warning', listener)

    try {
      const [one] = await two({ system: { connsInbound: 4 } }, { warnings: true, logger: { forComponent: () => log } as any })

      await eventually(() => {
        fill(one.manager, 1)

        return warned.find(text => text.includes('system'))?.match(/\d of \d in use here, fleet test: \d of 4.*, see fleet\.limits\.system\.connsInbound/) != null
      }, 'the warning')
      await one.manager.stop()
    } finally {
      process.off('warning', listener)
    }
  })

  it('should name the limit of the node where that is the lower one', async () => {
    const [one] = await two({ system: { conns: 100 } }, { limits: { system: { conns: 3 } } })
    const err = refusalOf(() => one.manager.openConnection('inbound', false))

    expect(err).to.include({ limit: 3, setting: 'System.Conns' }).and.not.have.property('fleet')
    expect(one.manager.explain({ resource: 'connection', direction: 'inbound' })).to.include({ setting: 'System.Conns' }).and.not.have.property('fleet')
    expect(one.manager.usage({ minPercent: 100 })[0]).to.not.have.property('fleet')
  })

  it('should say it of peers, protocols and subnets too, with and without a lease', async () => {
    const { manager } = await members.add(engine.client(), {
      ttl: 600_000,
      timeout: 20_000,
      limits: {
        peerDefault: { streams: 8 },
        peer: { [String(peerA)]: { conns: 8 } },
        protocol: { '/a/*': { streams: 2 } },
        serviceDefault: { memory: 1_000 },
        subnets: { ipv4: [{ prefixLength: 24, connCount: 4 }], prefixes: [{ network: '198.51.100.0/24', connCount: 0 }] }
      }
    })

    const connection = manager.openConnection('inbound', false)

    connection.setPeer(peerA)
    expect(refusalOf(() => { manager.openConnection('inbound', false).setPeer(peerA) })).to.have.property('setting', `fleet.limits.peer.${peerA}.conns`)

    const stream = manager.openStream(peerA, 'inbound')

    expect(refusalOf(() => manager.openStream(peerA, 'inbound'))).to.have.property('setting', 'fleet.limits.peerDefault.streams')
    stream.setProtocol('/a/1.0.0')
    expect(manager.explain({ resource: 'stream', direction: 'outbound', protocol: '/a/1.0.0' })).to.have.property('setting', 'fleet.limits.protocol["/a/*"].streams')

    const span = manager.openService('s')
    const err = refusalOf(() => { span.reserveMemory(126) })

    expect(err).to.have.property('setting', 'fleet.limits.serviceDefault.memory')
    expect(err.fleet).to.include({ limit: 1_000, leased: 125, held: 0, age: Infinity })

    fill(manager, 4, '/ip4/192.0.2.1/tcp/1')

    const subnet = refusalOf(() => manager.openConnection('inbound', false, '/ip4/192.0.2.1/tcp/1'))

    expect(subnet).to.include({ setting: 'fleet.limits.subnets', limit: 1, current: 1 })
    expect(subnet.fleet).to.include({ limit: 4, held: 1, leased: 1 })
    expect(refusalOf(() => manager.openConnection('inbound', false, '/ip4/198.51.100.1/tcp/1')).fleet).to.include({ limit: 0, held: 0 })
  })

  it('should give a span what its scope has by then', async () => {
    const { manager } = await members.add(engine.client(), { ttl: 2_500, limits: { service: { s: { memory: 100_000 } } } })
    const span = manager.openService('s').beginSpan()

    await eventually(() => {
      try {
        span.reserveMemory(1_000)
      } catch {
        // until it is leased
      }

      return span.stat().memory >= 60_000
    }, 'more than was leased when it began')
  })
})
