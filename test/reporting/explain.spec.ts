import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { limitsOfScope } from '../../src/reporting/scope-limits.ts'
import { createManager, errorOf, peerA, peerB, PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import { limitTable, operations, PEERS } from '../scopes/operations.ts'
import { World } from '../scopes/world.ts'
import type { ReservationRequest, ResourceManager, ScopeUsage } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'

const RUNS = 300

/**
 * The message of the error that the same request ends in, if it does
 */
function refusalOf (manager: ResourceManager, request: ReservationRequest): any {
  try {
    if (request.resource === 'connection') {
      const connection = manager.openConnection(request.direction, request.usefd === true)

      request.peer != null && connection.setPeer(request.peer)
      request.service != null && connection.setService(request.service)
    } else if (request.resource === 'stream') {
      const stream = manager.openStream(request.peer as any, request.direction)

      request.protocol != null && stream.setProtocol(request.protocol)
      request.service != null && stream.setService(request.service)
    } else {
      manager.viewPeer(request.peer as any, scope => { scope.reserveMemory(request.size, request.priority) })
    }
  } catch (err) {
    return err
  }
}

const peer = fc.constantFrom(...PEERS.values(), peerB)
const direction = fc.constantFrom('inbound' as const, 'outbound' as const)
const protocol = fc.constantFrom('/a', '/new')
const service = fc.constantFrom('alpha', 'new')

const request: fc.Arbitrary<ReservationRequest> = fc.oneof(
  fc.record({ resource: fc.constant('connection' as const), direction, usefd: fc.boolean(), peer }),
  fc.record({ resource: fc.constant('connection' as const), direction, usefd: fc.boolean(), peer, service }),
  fc.record({ resource: fc.constant('stream' as const), direction, peer }),
  fc.record({ resource: fc.constant('stream' as const), direction, peer, protocol }),
  fc.record({ resource: fc.constant('stream' as const), direction, peer, protocol, service }),
  fc.record({ resource: fc.constant('memory' as const), size: fc.nat(200), priority: fc.nat(255), peer })
)

describe('explain', () => {
  it('should answer what then happens, and change nothing', async function () {
    this.timeout(120_000)

    await fc.assert(fc.asyncProperty(limitTable, operations, request, async (limits, operations, request) => {
      const world = new World(limits)

      for (const operation of operations) {
        await world.perform(operation)
      }

      const { manager } = world
      const state = (): unknown => [manager.stat(), manager.refusals()]
      const before = state()
      const { fits, headroom, refusedBy, setting, ...rest } = manager.explain(request)

      expect(state()).to.deep.equal(before)

      const error = refusalOf(manager, request)

      expect(fits).to.equal(error == null, error?.message)

      if (error != null) {
        expect(refusedBy).to.equal(error.scope.replace(/^(conn|stream)-\d+$/, '$1'))
        expect(setting).to.equal(error.setting)
        expect(rest).to.deep.equal({ current: error.current, limit: error.limit })
      } else if (request.resource !== 'memory') {
        headroom.forEach(({ headroom, scope }) => { expect(headroom).to.be.above(0, scope) })
      }
    }), { numRuns: RUNS })
  })

  it('should say what is left in every scope that is asked, in that order', () => {
    const manager = createManager({
      system: { streams: 10 },
      transient: { streamsInbound: 5 },
      peerDefault: { streams: 4, streamsInbound: 3 },
      protocol: { [PROTOCOL]: { streamsInbound: 2 } },
      servicePeer: { [SERVICE]: { streams: 0 } }
    })

    manager.openStream(peerA, 'outbound')
    manager.openStream(peerA, 'inbound')

    expect(manager.explain({ resource: 'stream', direction: 'inbound', peer: peerA, protocol: PROTOCOL, service: SERVICE })).to.deep.equal({
      fits: false,
      refusedBy: `service:${SERVICE}.peer:${peerA}`,
      current: 0,
      limit: 0,
      setting: `ServicePeer["${SERVICE}"].Streams`,
      headroom: [
        { scope: 'stream', headroom: Infinity },
        { scope: `peer:${peerA}`, headroom: 2 },
        { scope: 'transient', headroom: 4 },
        { scope: 'system', headroom: 8 },
        { scope: `protocol:${PROTOCOL}`, headroom: 2 },
        { scope: `protocol:${PROTOCOL}.peer:${peerA}`, headroom: Infinity },
        { scope: `service:${SERVICE}`, headroom: Infinity },
        { scope: `service:${SERVICE}.peer:${peerA}`, headroom: 0 }
      ]
    })
  })

  it('should count file descriptors only where they are used', () => {
    const manager = createManager({ system: { fd: 0 } })

    expect(manager.explain({ resource: 'connection', direction: 'outbound', usefd: true })).to.include({ fits: false, setting: 'System.FD' })
    expect(manager.explain({ resource: 'connection', direction: 'outbound' })).to.include({ fits: true })
  })

  it('should count bytes by the priority', () => {
    const manager = createManager({ system: { memory: 1024 } })

    expect(manager.explain({ resource: 'memory', size: 1024 })).to.deep.equal({ fits: true, headroom: [{ scope: 'system', headroom: 1024 }] })
    expect(manager.explain({ resource: 'memory', size: 409, priority: 101 })).to.deep.equal({
      fits: false,
      refusedBy: 'system',
      current: 0,
      limit: 408,
      setting: 'System.Memory',
      headroom: [{ scope: 'system', headroom: 408 }]
    })
  })

  it('should not make the scopes that it is asked about', () => {
    const manager = createManager()

    manager.explain({ resource: 'stream', direction: 'inbound', peer: peerA, protocol: PROTOCOL, service: SERVICE })
    manager.explain({ resource: 'connection', direction: 'inbound', peer: peerA, service: SERVICE })
    manager.explain({ resource: 'memory', size: 1, peer: peerA, protocol: PROTOCOL, service: SERVICE })

    expect([manager.listPeers(), manager.listProtocols(), manager.listServices()]).to.deep.equal([[], [], []])
  })

  it('should refuse a request that makes no sense', () => {
    const manager = createManager()
    const requests: any[] = [
      { resource: 'cpu' },
      { resource: 'stream', direction: 'sideways' },
      { resource: 'connection' },
      { resource: 'memory', size: -1 },
      { resource: 'memory', size: 1, priority: 256 },
      { resource: 'stream', direction: 'inbound', peer: 'not a peer' },
      { resource: 'stream', direction: 'inbound', protocol: '' },
      { resource: 'connection', direction: 'inbound', service: '' }
    ]

    for (const request of requests) {
      expect(errorOf(() => manager.explain(request))).to.have.property('name', 'InvalidParametersError')
    }
  })
})

describe('usage', () => {
  it('should list the limits that are almost used up, fullest first', () => {
    const manager = createManager({
      system: { streams: 10, streamsInbound: 4 },
      peerDefault: { streams: 3 }
    })

    for (let i = 0; i < 3; i++) {
      manager.openStream(peerA, 'inbound')
    }

    errorOf(() => manager.openStream(peerA, 'inbound'))

    expect(manager.usage({ minPercent: 75 })).to.deep.equal([
      { scope: `peer:${peerA}`, kind: 'peer', resource: 'stream', used: 3, limit: 3, percent: 100, refusals: 1 },
      { scope: 'system', kind: 'system', resource: 'stream', direction: 'inbound', used: 3, limit: 4, percent: 75, refusals: 0 }
    ])
    expect(manager.usage()).to.have.lengthOf(1)
    expect(manager.usage({ minPercent: 100 })).to.have.lengthOf(1)
    expect(manager.usage({ minPercent: 101 })).to.be.empty()
    expect(manager.usage({ minPercent: 0 }).map(({ scope }) => scope)).to.deep.equal([`peer:${peerA}`, 'system', 'system'])
  })

  it('should list the shares that peers have of protocols and services', () => {
    const manager = createManager({ protocolPeerDefault: { memory: 100 } })
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.reserveMemory(90)

    expect(manager.usage()).to.deep.equal([
      { scope: `protocol:${PROTOCOL}.peer:${peerA}`, kind: 'protocolPeer', resource: 'memory', used: 90, limit: 100, percent: 90, refusals: 0 }
    ])
  })

  it('should list what is held where nothing may be held any more, but nothing that is only blocked', () => {
    const manager = createManager()

    manager.openStream(peerA, 'inbound')
    manager.viewSystem(scope => { scope.setLimit({ streams: 0, conns: 0 }) })

    expect(manager.usage()).to.deep.equal([
      { scope: 'system', kind: 'system', resource: 'stream', used: 1, limit: 0, percent: Infinity, refusals: 0 }
    ])
  })

  it('should list all limits of one scope of any kind, and of a peer what it has of others', () => {
    const manager = createManager({ system: { streams: 10 }, protocolPeerDefault: { streams: 4 } })
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    manager.openStream(peerB, 'inbound')

    const protocolPeer = `protocol:${PROTOCOL}.peer:${peerA}`
    const servicePeer = `service:${SERVICE}.peer:${peerA}`
    const limits = (name: string): ScopeUsage[] => limitsOfScope((manager as DefaultResourceManager).metricsSource.graph, name)
    const scopesOf = (scope: string): string[] => [...new Set(limits(scope).map(({ scope }) => scope))]

    for (const scope of ['system', 'transient', 'allowlistedSystem', 'allowlistedTransient', `service:${SERVICE}`, `protocol:${PROTOCOL}`, `peer:${peerB}`, protocolPeer, servicePeer]) {
      expect(scopesOf(scope), scope).to.deep.equal([scope])
      expect(limits(scope), scope).to.have.lengthOf(8)
    }

    expect(scopesOf(`peer:${peerA}`)).to.have.members([`peer:${peerA}`, protocolPeer, servicePeer])
    expect(limits('system')).to.deep.include({ scope: 'system', kind: 'system', resource: 'stream', used: 2, limit: 10, percent: 20, refusals: 0 })
    expect(limits('transient')).to.deep.include({ scope: 'transient', kind: 'transient', resource: 'fd', used: 0, limit: Infinity, percent: 0, refusals: 0 })
    expect(limits(protocolPeer).filter(({ percent }) => percent >= 25)).to.have.lengthOf(1)

    // nothing is made of what is not there
    for (const scope of ['', 'peer:', 'peer:nobody', `peer:${peerA}x`, 'service:b', `protocol:b.peer:${peerA}`, 'conn-1', '__proto__']) {
      expect(limits(scope), scope).to.deep.equal([])
    }
  })

  it('should refuse what cannot be used', () => {
    for (const options of [{ minPercent: -1 }, { minPercent: NaN }, { minPercent: 'full' }] as any[]) {
      expect(errorOf(() => createManager().usage(options))).to.have.property('name', 'InvalidParametersError')
    }
  })
})

describe('toString', () => {
  it('should be a table of what is held, of how much, and of what was refused', () => {
    const manager = createManager({ system: { streams: 4, streamsInbound: 4, memory: 2048 }, peerDefault: { streamsInbound: 2 } })

    manager.openStream(peerA, 'inbound').reserveMemory(512)
    manager.openStream(peerA, 'inbound').setProtocol(PROTOCOL)
    errorOf(() => manager.openStream(peerA, 'inbound'))

    expect(String(manager).split('\n')).to.deep.equal([
      'scope                                    conns in  conns out  streams in  streams out  fd          memory  fullest  refused',
      'system                                          0          0      2 of 4            0   0  512 B of 2 KiB      50%        0',
      'transient                                       0          0           1            0   0           512 B       0%        0',
      'protocol:/test/1.0.0                            0          0           1            0   0             0 B       0%        0',
      `${`peer:${peerA}`.slice(0, 19)}…${peerA.toString().slice(-19)}         0          0      2 of 2            0   0           512 B     100%        1`
    ])
  })

  it('should list only the fullest of many', () => {
    const manager = createManager({ protocolDefault: { streams: 100 } })

    for (let i = 1; i <= 20; i++) {
      for (let j = 0; j < i; j++) {
        manager.openStream(peerA, 'inbound').setProtocol(`/p/${i}`)
      }
    }

    const lines = String(manager).split('\n')

    expect(lines.filter(line => line.startsWith('protocol:')).map(line => line.split(' ')[0])).to.deep.equal([20, 19, 18, 17, 16, 15, 14, 13].map(i => `protocol:/p/${i}`))
    expect(lines[lines.length - 1]).to.equal('and 12 more protocols')
  })

  it('should show the allowlisted scopes when there is something in them', () => {
    expect(String(createManager())).to.not.include('allowlisted')
  })
})
