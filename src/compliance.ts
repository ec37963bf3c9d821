/**
 * @packageDocumentation
 *
 * Tests for whoever writes a resource manager of their own, to be passed to a node with
 * `resourceManager({ manager })`, or another implementation of `ResourceManager`.
 *
 * @example
 *
 * ```ts
 * import { resourceManagerCompliance } from 'libp2p-resource-manager/compliance'
 * import { describe, it } from 'node:test'
 * import { MyManager } from './my-manager.ts'
 *
 * resourceManagerCompliance({ describe, it, create: (limits) => new MyManager(limits), refuses: true })
 * ```
 *
 * @module libp2p-resource-manager/compliance
 */

import { peerIdFromString } from '@libp2p/peer-id'
import type { ResourceManager } from './interface.ts'
import type { CustomResourceManager } from './libp2p/custom-manager.ts'
import type { PartialLimitConfig } from './limits/limit-config.ts'
import type { Connection, MessageStreamDirection, PeerId, Stream } from '@libp2p/interface'

/**
 * What the tests need of a test runner and of the resource manager that they test
 */
export interface ComplianceInit {
  /** Of mocha, `node:test` or anything like these */
  describe(name: string, fn: () => void): unknown

  /** A test that fails where its function throws or rejects */
  it(name: string, fn: () => void | Promise<void>): unknown

  /**
   * Makes a new resource manager, with these limits and none besides if it has limits
   */
  create(limits?: PartialLimitConfig): CustomResourceManager | Promise<CustomResourceManager>

  /**
   * Whether it refuses what exceeds the limits that it is made with
   *
   * @default false
   */
  refuses?: boolean

  /**
   * Whether it has all of the interface `ResourceManager`, and not only what a node needs
   *
   * @default false
   */
  complete?: boolean
}

const DIRECTIONS: MessageStreamDirection[] = ['inbound', 'outbound']
const PROTOCOL = '/compliance/1.0.0'
const SERVICE = 'compliance'
const PEERS = ['12D3KooWL7WNb8X5Z6vGyFzGrTJmHFtZZ8AjzqMuzZmVXZuyyyF7', '12D3KooWAddQKPFfFWsjvSAr2WfHgcrdAybP5t6BQAECgkyZfuvX']
const NONE: PartialLimitConfig = {}

function assert (condition: boolean, expected: string): asserts condition {
  if (!condition) {
    throw new Error(`expected ${expected}`)
  }
}

function assertEqual (actual: unknown, expected: unknown, what: string): void {
  assert(actual === expected, `${what} to be ${String(expected)}, got ${String(actual)}`)
}

function assertRefuses (fn: () => unknown, what: string): void {
  let err: any

  try {
    fn()
  } catch (thrown) {
    err = thrown
  }

  assert(err instanceof Error, `${what} to be refused with an error`)
  assert(err.message !== '', `the error for ${what} to say why`)
}

/**
 * Defines the tests
 */
export function resourceManagerCompliance (init: ComplianceInit): void {
  const [peer, other] = PEERS.map(id => peerIdFromString(id))

  init.describe('a resource manager', () => {
    opening(init, peer)

    if (init.refuses === true) {
      refusing(init, peer, other)
      moving(init, peer, other)
    }

    if (init.complete === true) {
      complete(init, peer)
    }

    if (init.refuses === true && init.complete === true) {
      accounting(init, peer)
      changing(init, peer)
    }
  })
}

function opening ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
  describe('opening', () => {
    for (const direction of DIRECTIONS) {
      it(`should open an ${direction} connection, move it to its peer and close it`, async () => {
        const connection = (await create(NONE)).openConnection(direction, true)

        connection.setPeer(peer)
        connection.setService?.(SERVICE)
        connection.done()
      })

      it(`should open an ${direction} stream, move it to its protocol and service and close it`, async () => {
        const manager = await create(NONE)
        const connection = manager.openConnection(direction, false)

        connection.setPeer(peer)

        const stream = manager.openStream(peer, direction, connection)

        stream.setProtocol(PROTOCOL)
        stream.setService?.(SERVICE)
        stream.done()
        connection.done()
      })
    }

    it('should close what has got nowhere, and close it twice', async () => {
      const manager = await create(NONE)

      for (const scope of [manager.openConnection('inbound', true), manager.openStream(peer, 'inbound')]) {
        scope.done()
        scope.done()
      }
    })

    it('should answer in the same step', async () => {
      const manager = await create(NONE)

      for (const scope of [manager.openConnection('outbound', true), manager.openStream(peer, 'outbound')]) {
        assert(typeof (scope as any).then !== 'function', 'a scope, got a promise')
      }
    })

    it('should start and stop more than once', async () => {
      const manager = await create(NONE)

      for (let i = 0; i < 2; i++) {
        await manager.start?.()
        await manager.stop?.()
      }
    })
  })
}

function refusing ({ create, describe, it }: ComplianceInit, peer: PeerId, other: PeerId): void {
  describe('refusing', () => {
    for (const direction of DIRECTIONS) {
      const [conns, streams] = direction === 'inbound' ? ['connsInbound', 'streamsInbound'] : ['connsOutbound', 'streamsOutbound']
      const opposite = direction === 'inbound' ? 'outbound' : 'inbound'

      it(`should refuse one ${direction} connection too many, until one is closed`, async () => {
        const manager = await create({ system: { [conns]: 2 } })
        const open = [manager.openConnection(direction, false), manager.openConnection(direction, false)]

        assertRefuses(() => manager.openConnection(direction, false), 'the third')
        manager.openConnection(opposite, false)
        open[0].done()
        open[0].done()
        manager.openConnection(direction, false)
        assertRefuses(() => manager.openConnection(direction, false), 'one more')
      })

      it(`should refuse one ${direction} stream of a peer too many, and none of another`, async () => {
        const manager = await create({ peerDefault: { [streams]: 1 } })
        const stream = manager.openStream(peer, direction)

        assertRefuses(() => manager.openStream(peer, direction), 'the second')
        manager.openStream(other, direction)
        stream.setProtocol(PROTOCOL)
        assertRefuses(() => manager.openStream(peer, direction), 'the second')
        stream.done()
        manager.openStream(peer, direction)
      })
    }
  })
}

function moving ({ create, describe, it }: ComplianceInit, peer: PeerId, other: PeerId): void {
  describe('moving, and what is held', () => {
    it('should refuse a peer that has too many connections, and leave the connection where it is', async () => {
      const manager = await create({ peerDefault: { conns: 1 } })
      const [first, second] = [manager.openConnection('inbound', false), manager.openConnection('inbound', false)]

      first.setPeer(peer)
      assertRefuses(() => { second.setPeer(peer) }, 'the second connection')
      second.setPeer(other)
    })

    it('should refuse a protocol that has too many streams, and leave the stream where it is', async () => {
      const manager = await create({ protocol: { [PROTOCOL]: { streams: 1 } } })
      const [first, second] = [manager.openStream(peer, 'inbound'), manager.openStream(other, 'inbound')]

      first.setProtocol(PROTOCOL)
      assertRefuses(() => { second.setProtocol(PROTOCOL) }, 'the second stream')
      second.setProtocol('/compliance/2.0.0')
    })

    it('should give back what a closed scope held', async () => {
      const manager = await create({ system: { streams: 1, conns: 1 } })

      for (let i = 0; i < 3; i++) {
        const connection = manager.openConnection('inbound', false)
        const stream = manager.openStream(peer, 'inbound', connection)

        connection.setPeer(peer)
        stream.setProtocol(PROTOCOL)
        stream.done()
        connection.done()
      }
    })

    it('should refuse memory that does not fit, where scopes have memory', async () => {
      const manager = await create({ system: { memory: 1000 } })
      const stream = manager.openStream(peer, 'inbound')

      if (stream.reserveMemory == null || stream.releaseMemory == null) {
        return
      }

      stream.reserveMemory(600)
      assertRefuses(() => stream.reserveMemory?.(401), 'the memory')
      stream.releaseMemory(600)
      stream.reserveMemory(1000)
      stream.done()
      manager.openStream(peer, 'inbound').reserveMemory?.(1000)
    })
  })
}

function complete ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
  const make = async (): Promise<ResourceManager> => await create(NONE) as ResourceManager

  describe('all of the interface', () => {
    it('should run views and answer with what they return', async () => {
      const manager = await make()

      assertEqual(manager.viewSystem(() => 1), 1, 'the answer')
      assertEqual(await manager.viewTransient(async () => 2), 2, 'the answer')
      assertEqual(manager.viewPeer(peer, scope => scope.peer.equals(peer)), true, 'the peer')
      assertEqual(manager.viewProtocol(PROTOCOL, scope => scope.protocol), PROTOCOL, 'the protocol')
      assertEqual(manager.viewService(SERVICE, scope => scope.service), SERVICE, 'the service')
    })

    it('should count nothing after all has ended', async () => {
      const manager = await make()
      const connection = manager.openConnection('inbound', true)
      const stream = manager.openStream(peer, 'outbound', connection)
      const service = manager.openService(SERVICE)

      connection.setPeer(peer)
      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)
      service.reserveMemory(100)

      const span = stream.beginSpan()

      span.reserveMemory(10)
      span.done()

      for (const scope of [stream, connection, service]) {
        scope.done()
        scope.done()
      }

      for (const [name, value] of Object.entries(manager.stat().system)) {
        assertEqual(value, 0, name)
      }
    })

    it('should have scopes for streams and connections that it does not know', async () => {
      const manager = await make()

      for (const scope of [manager.getStreamScope({} as Stream), manager.getConnectionScope({} as Connection)]) {
        scope.setService(SERVICE)
        scope.reserveMemory(1)
        scope.releaseMemory(1)
        scope.beginSpan().done()
        assert(!('done' in scope), 'a view that does not close the scope')
      }
    })

    it('should list and tell without anything to tell', async () => {
      const manager = await make()

      for (const list of [manager.listPeers(), manager.listProtocols(), manager.listServices(), manager.refusals(), manager.recentRefusals(), manager.recentEvictions(), manager.highWaterMarks(), manager.evictions(), manager.holders(), manager.usage()]) {
        assertEqual(list.length, 0, 'the number of entries')
      }

      assertEqual(manager.explain({ resource: 'memory', size: 1 }).fits, true, 'whether a byte fits')
      assert(String(manager) !== '' && manager.systemState() !== '' && manager.serviceState(SERVICE) !== '', 'text for people')
      manager.gc()
    })
  })
}

function accounting ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
  describe('accounting', () => {
    it('should count what is held in each scope', async () => {
      const manager = await create(NONE) as ResourceManager
      const connection = manager.openConnection('inbound', true)
      const stream = manager.openStream(peer, 'outbound', connection)

      assertEqual(manager.stat().transient.numConnsInbound, 1, 'the connections in transient')
      connection.setPeer(peer)
      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)
      stream.reserveMemory(10)

      const { peers, protocols, services, system, transient } = manager.stat()

      assertEqual(transient.numConnsInbound + transient.numStreamsOutbound, 0, 'what is left in transient')
      assertEqual(system.numConnsInbound, 1, 'the connections of the system')
      assertEqual(system.numFD, 1, 'the file descriptors of the system')

      for (const [name, { memory, numStreamsOutbound }] of Object.entries({ peer: peers[String(peer)], protocol: protocols[PROTOCOL], service: services[SERVICE] })) {
        assertEqual(numStreamsOutbound, 1, `the streams of the ${name}`)
        assertEqual(memory, 10, `the memory of the ${name}`)
      }
    })

    it('should give back what a span holds when it ends, and reserve nothing in what is closed', async () => {
      const manager = await create({ system: { memory: 100 } }) as ResourceManager
      const stream = manager.openStream(peer, 'inbound')
      const span = stream.beginSpan()

      span.reserveMemory(60)
      assertRefuses(() => { stream.reserveMemory(41) }, 'memory beside the span')
      span.done()
      span.done()
      stream.reserveMemory(100)
      stream.done()
      assertEqual(manager.stat().system.memory, 0, 'the memory of the system')
      assertRefuses(() => { stream.reserveMemory(1) }, 'memory of a closed stream')
      assertEqual(manager.stat().system.memory, 0, 'the memory of the system')
    })

    it('should give back no more than is held', async () => {
      const manager = await create(NONE) as ResourceManager
      const stream = manager.openStream(peer, 'inbound')
      const other = manager.openStream(peer, 'inbound')

      stream.reserveMemory(10)
      other.reserveMemory(10)
      stream.releaseMemory(15)
      assertEqual(manager.stat().system.memory, 10, 'the memory of the system')
    })
  })
}

function changing ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
  describe('wrong requests and new limits', () => {
    it('should change nothing where it is asked for nonsense', async () => {
      const manager = await create(NONE) as ResourceManager
      const stream = manager.openStream(peer, 'inbound')

      for (const size of [-1, 0.5, NaN, Infinity]) {
        assertRefuses(() => { stream.reserveMemory(size) }, `${size} bytes`)
        assertRefuses(() => { stream.releaseMemory(size) }, `${size} bytes`)
      }

      assertRefuses(() => { manager.openConnection('sideways' as MessageStreamDirection, false) }, 'a direction that there is not')
      assertEqual(manager.stat().system.memory, 0, 'the memory of the system')
    })

    it('should have new limits for what comes next, and end nothing', async () => {
      const manager = await create({ system: { conns: 2 } }) as ResourceManager
      const [first, second] = [manager.openConnection('inbound', false), manager.openConnection('inbound', false)]

      manager.setLimits({ system: { conns: 1 } })
      assertEqual(manager.stat().system.numConnsInbound, 2, 'the connections that are open')
      first.done()
      assertRefuses(() => manager.openConnection('inbound', false), 'a connection above the new limit')
      second.done()
      manager.openConnection('inbound', false)
    })
  })
}
