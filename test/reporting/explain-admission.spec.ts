import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { defaultFeatures } from '../../src/features/default-features.ts'
import { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import { Rule } from '../../src/scopes/refusal.ts'
import { oneConnection } from '../../src/scopes/usage.ts'
import { createManager, errorOf, peerA, peerB, unlimitedBut } from '../scopes/fixtures.ts'
import { stopTime } from '../sessions/fixtures.ts'
import type { ConnectionScope, Explanation, ReservationRequest, ResourceManagerInit, ResourceScopeSpan } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { BaseCosts } from '../../src/manager/opening.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const RUNS = 300

const ANYONE = multiaddr('/ip4/1.2.3.4/tcp/1')
const NEIGHBOUR = multiaddr('/ip4/1.2.3.5/tcp/1')
const TRUSTED = multiaddr('/ip4/5.6.7.8/tcp/1')
const TRUSTED_FOR_A = multiaddr('/ip4/9.9.9.9/tcp/1')
const RELAYED = multiaddr('/ip4/1.2.3.4/tcp/1/p2p-circuit')

/**
 * One that gives connections and streams a base cost, as a node does
 */
class WeighingManager extends DefaultResourceManager {
  constructor (init: ResourceManagerInit, costs: BaseCosts) {
    super({ features: defaultFeatures, ...init })
    this.core.baseCosts = costs
  }
}

type Operation =
  { type: 'connection', direction: MessageStreamDirection, usefd: boolean, address?: Multiaddr, peer?: PeerId } |
  { type: 'stream', direction: MessageStreamDirection, peer: PeerId, on: number, protocol?: string } |
  { type: 'close', which: number } |
  { type: 'wait', ms: number }

/**
 * A manager, and what was opened in it
 */
class Side {
  readonly manager: WeighingManager
  readonly opened: ResourceScopeSpan[] = []
  readonly connections: ConnectionScope[] = []

  constructor (limits: PartialLimitConfig, costs: BaseCosts) {
    this.manager = new WeighingManager({
      limits: unlimitedBut(limits),
      allowlist: [multiaddr('/ip4/5.6.7.8'), multiaddr(`/ip4/9.9.9.9/p2p/${peerA}`)],
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 2 }, { prefixLength: 24, connCount: 3 }] },
      rateLimits: {
        connections: { global: { rate: 1, burst: 6 }, ipv4: [{ prefixLength: 32, rate: 1, burst: 3 }] },
        streams: { peer: { rate: 1, burst: 3 } }
      }
    }, costs)
  }

  /**
   * What the operation asks for, if it opens something
   */
  requestOf (operation: Operation): ReservationRequest | undefined {
    switch (operation.type) {
      case 'connection': {
        const { address, direction, peer, usefd } = operation

        return { resource: 'connection', direction, usefd, address, peer }
      }
      case 'stream': {
        const { direction, on, peer, protocol } = operation

        return { resource: 'stream', direction, peer, protocol, connection: this.#connection(on) }
      }
      default:
    }
  }

  /**
   * @returns the error that it ends in, if it does
   */
  perform (operation: Operation): any {
    const { manager, opened } = this

    try {
      switch (operation.type) {
        case 'connection': {
          const connection = manager.openConnection(operation.direction, operation.usefd, operation.address)

          opened.push(connection)
          this.connections.push(connection)
          operation.peer != null && connection.setPeer(operation.peer)
          break
        }
        case 'stream': {
          const stream = manager.openStream(operation.peer, operation.direction, this.#connection(operation.on))

          opened.push(stream)
          operation.protocol != null && stream.setProtocol(operation.protocol)
          break
        }
        case 'close':
          opened[operation.which % opened.length]?.done()
          break
        default:
      }
    } catch (err) {
      return err
    }
  }

  #connection (index: number): ConnectionScope | undefined {
    return this.connections[index % this.connections.length]
  }
}

const direction = fc.constantFrom('inbound' as const, 'outbound' as const)
const peer = fc.constantFrom(peerA, peerB)

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('connection' as const),
      direction,
      usefd: fc.boolean(),
      address: fc.constantFrom(ANYONE, NEIGHBOUR, TRUSTED, TRUSTED_FOR_A, RELAYED, undefined),
      peer: fc.option(peer, { nil: undefined })
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('stream' as const), direction, peer, on: fc.nat(9), protocol: fc.option(fc.constantFrom('/a', '/b'), { nil: undefined }) })
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('close' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(3_000) }) }
)

const few = fc.integer({ min: 0, max: 4 })
const limit = fc.record({ conns: few, connsInbound: few, fd: few, streams: few, streamsInbound: few, memory: fc.integer({ min: 0, max: 400 }) }, { requiredKeys: [] })
const limits: fc.Arbitrary<PartialLimitConfig> = fc.record({
  system: limit,
  transient: limit,
  allowlistedSystem: limit,
  allowlistedTransient: limit,
  conn: limit,
  stream: limit,
  peerDefault: limit,
  protocolDefault: limit,
  protocolPeerDefault: limit
}, { requiredKeys: [] })

const costs = fc.constantFrom({ connection: 0, stream: 0 }, { connection: 64, stream: 30 })

describe('explain, with addresses, rates and weights', () => {
  it('should answer what then happens, and leave everything as it would be without', function () {
    this.timeout(120_000)

    const clock = stopTime()

    try {
      fc.assert(fc.property(limits, costs, fc.array(operation, { minLength: 5, maxLength: 30 }), (limits, costs, operations) => {
        const asked = new Side(limits, costs)
        const unasked = new Side(limits, costs)

        for (const operation of operations) {
          if (operation.type === 'wait') {
            clock.tick(operation.ms)
            continue
          }

          const request = asked.requestOf(operation)
          const explanation = request == null ? undefined : asked.manager.explain(request)
          const error = asked.perform(operation)

          compare(explanation, error)

          // rates have no other state to look at than what they refuse
          expect(String(unasked.perform(operation))).to.equal(String(error))
          expect(asked.manager.stat()).to.deep.equal(unasked.manager.stat())
          expect(asked.manager.refusals()).to.deep.equal(unasked.manager.refusals())
        }
      }), { numRuns: RUNS })
    } finally {
      clock.restore()
    }
  })

  function compare (explanation: Explanation | undefined, error: any): void {
    if (explanation == null) {
      return
    }

    const { current, fits, headroom, limit, refusedBy, setting } = explanation

    expect(fits).to.equal(error == null, `${refusedBy} ${error}`)

    if (error == null) {
      headroom.forEach(({ headroom, scope }) => { expect(headroom).to.be.above(0, scope) })
    } else {
      expect({ refusedBy, current, limit, setting }).to.deep.equal({
        refusedBy: error.scope.replace(/^(conn|stream)-\d+$/, '$1'),
        current: error.current,
        limit: error.limit,
        setting: error.setting
      })
    }
  }

  it('should name the subnet, the rate or the peer that has too many', () => {
    const manager = createManager({}, {
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 1 }] },
      rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 1, burst: 1 }] }, streams: { peer: { rate: 1, burst: 1 } } }
    })

    manager.openConnection('outbound', false, ANYONE)
    manager.openConnection('inbound', false, NEIGHBOUR)
    manager.openStream(peerA, 'inbound')

    expect(manager.explain({ resource: 'connection', direction: 'outbound', address: ANYONE })).to.deep.include({
      fits: false, refusedBy: 'subnet:1.2.3.4/32', current: 1, limit: 1, setting: 'subnetLimits.ipv4'
    })
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: NEIGHBOUR })).to.deep.include({
      fits: false, refusedBy: 'subnet:1.2.3.5/32', limit: 1, setting: 'rateLimits.connections.ipv4'
    })
    expect(manager.explain({ resource: 'stream', direction: 'inbound', peer: peerA })).to.deep.include({
      fits: false, refusedBy: `peer:${peerA}`, limit: 1, setting: 'rateLimits.streams.peer'
    })

    // what has no address, or nothing that a rate is for, is not concerned
    expect(manager.explain({ resource: 'connection', direction: 'inbound' })).to.include({ fits: true })
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: RELAYED })).to.include({ fits: true })
    expect(manager.explain({ resource: 'stream', direction: 'outbound', peer: peerA })).to.include({ fits: true })
    expect(manager.explain({ resource: 'stream', direction: 'inbound' })).to.include({ fits: true })
  })

  it('should know the second pair of scopes of a trusted address, and who has to leave it', () => {
    const manager = createManager({ system: { conns: 0 }, allowlistedSystem: { conns: 1 } }, {
      allowlist: [multiaddr(`/ip4/9.9.9.9/p2p/${peerA}`)]
    })
    const request = { resource: 'connection', direction: 'inbound', address: TRUSTED_FOR_A } as const

    expect(manager.explain({ ...request, address: ANYONE })).to.include({ fits: false, refusedBy: 'system' })
    expect(manager.explain({ ...request, peer: peerA })).to.deep.equal({
      fits: true,
      headroom: [
        { scope: 'conn', headroom: Infinity },
        { scope: 'allowlistedTransient', headroom: Infinity },
        { scope: 'allowlistedSystem', headroom: 1 },
        { scope: `peer:${peerA}`, headroom: Infinity }
      ]
    })
    expect(manager.explain({ ...request, peer: peerB })).to.include({ fits: false, refusedBy: 'system', setting: 'System.Conns' })

    manager.openConnection('inbound', false, TRUSTED_FOR_A)
    expect(manager.explain(request)).to.include({ fits: false, refusedBy: 'allowlistedSystem' })
  })

  it('should know that who has to leave the second pair counts for what a node may have', () => {
    const manager = createManager({ peerDefault: { conns: 1 } }, { allowlist: [multiaddr(`/ip4/9.9.9.9/p2p/${peerA}`)] }) as DefaultResourceManager
    const request = { resource: 'connection', direction: 'inbound', address: TRUSTED_FOR_A } as const
    const full = new Rule('full', {})

    manager.core.findFull = () => full.refuse('connection', oneConnection(true, false), 3, 3)

    expect(manager.explain({ ...request, peer: peerA })).to.include({ fits: true })
    expect(manager.explain({ ...request, peer: peerB })).to.include({ fits: false, refusedBy: 'full', current: 3, limit: 3 })

    const connection = manager.openConnection('inbound', false, TRUSTED_FOR_A)

    expect(errorOf(() => { connection.setPeer(peerB) })).to.include({ scope: 'full', current: 3, limit: 3 })

    // scopes come first
    manager.viewPeer(peerB, scope => { scope.setLimit({ conns: 0 }) })
    expect(manager.explain({ ...request, peer: peerB })).to.include({ refusedBy: `peer:${peerB}` })
    expect(errorOf(() => { connection.setPeer(peerB) })).to.include({ scope: `peer:${peerB}` })
  })

  it('should refuse an address that is none', () => {
    for (const address of ['/ip4/1.2.3', '1.2.3.4', {}, 4] as any[]) {
      const error = errorOf(() => createManager().explain({ resource: 'connection', direction: 'inbound', address }))

      expect(error).to.have.property('name', 'InvalidParametersError')
      expect(error.message).to.include('address')
    }
  })
})
