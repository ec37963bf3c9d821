import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_HIGH, MEMORY_PRIORITY_LOW, MEMORY_PRIORITY_MEDIUM, MemoryLimitExceededError } from '../../src/index.ts'
import { memoryThreshold } from '../../src/scopes/memory-priority.ts'
import { createManager, errorOf, NOTHING, peerA, PEER_A, PROTOCOL, SERVICE } from './fixtures.ts'
import { exactThreshold } from './model-rules.ts'
import type { ConnectionManagementScope, ResourceManager, StreamManagementScope } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'

function openConnection (manager: ResourceManager, stage: number): ConnectionManagementScope {
  const connection = manager.openConnection('inbound', false)

  if (stage > 0) {
    connection.setPeer(peerA)
  }

  if (stage > 1) {
    connection.setService(SERVICE)
  }

  return connection
}

function openStream (manager: ResourceManager, stage: number): StreamManagementScope {
  const stream = manager.openStream(peerA, 'inbound')

  if (stage > 0) {
    stream.setProtocol(PROTOCOL)
  }

  if (stage > 1) {
    stream.setService(SERVICE)
  }

  return stream
}

/**
 * Where the memory of a connection or stream is counted, in the order in which
 * it is checked
 */
const CONSTRAINTS: Array<[string, (manager: ResourceManager) => ConnectionManagementScope | StreamManagementScope, string[]]> = [
  ['a new connection', manager => openConnection(manager, 0), ['conn', 'transient', 'system']],
  ['a connection with a peer', manager => openConnection(manager, 1), ['conn', 'peerDefault', 'system']],
  ['a connection with a service', manager => openConnection(manager, 2), ['conn', 'peerDefault', 'servicePeerDefault', 'serviceDefault', 'system']],
  ['a new stream', manager => openStream(manager, 0), ['stream', 'peerDefault', 'transient', 'system']],
  ['a stream with a protocol', manager => openStream(manager, 1), ['stream', 'peerDefault', 'protocolPeerDefault', 'protocolDefault', 'system']],
  ['a stream with a service', manager => openStream(manager, 2), ['stream', 'peerDefault', 'protocolPeerDefault', 'servicePeerDefault', 'protocolDefault', 'serviceDefault', 'system']]
]

const NAMES: Record<string, string> = {
  conn: 'conn-1',
  stream: 'stream-1',
  peerDefault: PEER_A,
  protocolDefault: `protocol:${PROTOCOL}`,
  protocolPeerDefault: `protocol:${PROTOCOL}.${PEER_A}`,
  serviceDefault: `service:${SERVICE}`,
  servicePeerDefault: `service:${SERVICE}.${PEER_A}`
}

describe('memory', () => {
  for (const [what, open, constraints] of CONSTRAINTS) {
    it(`should be checked in everything that constrains ${what}, in order`, () => {
      constraints.forEach((scope, index) => {
        const limits = Object.fromEntries(constraints.slice(index).map(scope => [scope, { memory: 100 }]))
        const manager = createManager(limits as PartialLimitConfig)
        const holder = open(manager)
        const before = manager.stat()
        const error = errorOf(() => { holder.reserveMemory(101) })

        expect(error).to.be.an.instanceOf(MemoryLimitExceededError).with.property('scope', NAMES[scope] ?? scope)
        expect(manager.stat()).to.deep.equal(before)

        holder.reserveMemory(100)
        expect(holder.stat().memory).to.equal(100)
        expect(() => { holder.reserveMemory(1) }).to.throw(MemoryLimitExceededError)
      })
    })

    it(`should be counted in everything that constrains ${what}`, () => {
      const manager = createManager()
      const holder = open(manager)

      holder.reserveMemory(70)
      holder.releaseMemory(30)

      const { system, transient, services, protocols, peers } = manager.stat()
      const held = (scope: string): number => constraints.includes(scope) ? 40 : 0

      expect([system.memory, transient.memory, services[SERVICE]?.memory ?? 0, protocols[PROTOCOL]?.memory ?? 0, peers[peerA.toString()]?.memory ?? 0])
        .to.deep.equal(['system', 'transient', 'serviceDefault', 'protocolDefault', 'peerDefault'].map(held))

      holder.done()
      expect(manager.stat().system).to.deep.equal(NOTHING)
    })
  }

  it('should be counted in system as well when it is reserved in a shared scope', () => {
    const manager = createManager()

    manager.viewSystem(scope => { scope.reserveMemory(1) })
    manager.viewTransient(scope => { scope.reserveMemory(2) })
    manager.viewService(SERVICE, scope => { scope.reserveMemory(4) })
    manager.viewProtocol(PROTOCOL, scope => { scope.reserveMemory(8) })
    manager.viewPeer(peerA, scope => { scope.reserveMemory(16) })

    expect(manager.stat()).to.deep.include({
      system: { ...NOTHING, memory: 31 },
      transient: { ...NOTHING, memory: 2 },
      services: { [SERVICE]: { ...NOTHING, memory: 4 } },
      protocols: { [PROTOCOL]: { ...NOTHING, memory: 8 } },
      peers: { [peerA.toString()]: { ...NOTHING, memory: 16 } }
    })

    manager.viewPeer(peerA, scope => { scope.releaseMemory(16) })
    expect(manager.stat().system.memory).to.equal(15)
  })

  it('should be refused by system when a shared scope has room', () => {
    const manager = createManager({ system: { memory: 10 } })

    manager.viewPeer(peerA, scope => {
      expect(() => { scope.reserveMemory(11) }).to.throw(MemoryLimitExceededError, `${PEER_A}: system: resource limit exceeded`)
      expect(scope.stat().memory).to.equal(0)
    })
  })

  it('should accept nothing at all where everything is blocked, but a size of 0', () => {
    const manager = createManager({ system: { memory: 'blockAll' } })

    manager.viewSystem(scope => {
      scope.reserveMemory(0)
      scope.reserveMemory(0, 0)
      expect(() => { scope.reserveMemory(1) }).to.throw(MemoryLimitExceededError)
    })
  })

  it('should refuse a size of 0 in a scope that is above its limit', () => {
    const manager = createManager()

    manager.viewSystem(scope => {
      scope.reserveMemory(10)
      scope.setLimit({ memory: 9 })
      expect(() => { scope.reserveMemory(0) }).to.throw(MemoryLimitExceededError)
      scope.setLimit({ memory: 10 })
      scope.reserveMemory(0)
    })
  })

  it('should never be refused where it is unlimited', () => {
    const manager = createManager()

    manager.viewSystem(scope => {
      for (const priority of [0, 1, MEMORY_PRIORITY_LOW, MEMORY_PRIORITY_ALWAYS]) {
        scope.reserveMemory(Number.MAX_SAFE_INTEGER, priority)
        scope.releaseMemory(Number.MAX_SAFE_INTEGER)
      }
    })
  })

  it('should be exact up to the largest limit there is', () => {
    const manager = createManager({ system: { memory: Number.MAX_SAFE_INTEGER } })

    manager.viewSystem(scope => {
      scope.reserveMemory(Number.MAX_SAFE_INTEGER - 1)
      expect(() => { scope.reserveMemory(2) }).to.throw(MemoryLimitExceededError)
      expect(() => { scope.reserveMemory(Number.MAX_SAFE_INTEGER) }).to.throw(MemoryLimitExceededError)
      scope.reserveMemory(1)
      expect(() => { scope.reserveMemory(1) }).to.throw(MemoryLimitExceededError)
      expect(scope.stat().memory).to.equal(Number.MAX_SAFE_INTEGER)
    })
  })
})

describe('memory priorities', () => {
  it('should be those of go-libp2p', () => {
    expect([MEMORY_PRIORITY_LOW, MEMORY_PRIORITY_MEDIUM, MEMORY_PRIORITY_HIGH, MEMORY_PRIORITY_ALWAYS]).to.deep.equal([101, 152, 203, 255])
  })

  for (const [priority, threshold] of [[0, 3], [MEMORY_PRIORITY_LOW, 398], [MEMORY_PRIORITY_MEDIUM, 597], [MEMORY_PRIORITY_HIGH, 796], [MEMORY_PRIORITY_ALWAYS, 1000]]) {
    it(`should let priority ${priority} fill ${threshold} of 1000 bytes`, () => {
      const manager = createManager({ system: { memory: 1000 } })

      manager.viewSystem(scope => {
        expect(() => { scope.reserveMemory(threshold + 1, priority) }).to.throw(MemoryLimitExceededError)
          .that.deep.includes({ current: 0, attempted: threshold + 1, limit: threshold, priority })
        scope.reserveMemory(threshold, priority)
        expect(() => { scope.reserveMemory(1, priority) }).to.throw(MemoryLimitExceededError)
      })
    })
  }

  it('should count what was reserved with other priorities', () => {
    const manager = createManager({ system: { memory: 1000 } })

    manager.viewSystem(scope => {
      scope.reserveMemory(900)
      expect(() => { scope.reserveMemory(1, MEMORY_PRIORITY_HIGH) }).to.throw(MemoryLimitExceededError)
      scope.reserveMemory(1, MEMORY_PRIORITY_ALWAYS)
    })
  })

  it('should be highest where none is given', () => {
    const manager = createManager({ system: { memory: 1000 } })

    manager.viewSystem(scope => {
      scope.reserveMemory(1000)
      expect(errorOf(() => { scope.reserveMemory(1) }).priority).to.equal(MEMORY_PRIORITY_ALWAYS)
    })
  })

  it('should apply in each of the scopes', () => {
    const manager = createManager({ stream: { memory: 1000 }, system: { memory: 500 } })
    const stream = manager.openStream(peerA, 'inbound')

    expect(() => { stream.reserveMemory(300, MEMORY_PRIORITY_LOW) }).to.throw(MemoryLimitExceededError).with.property('scope', 'system')
    stream.reserveMemory(199, MEMORY_PRIORITY_LOW)
  })

  it('should be computed without a loss of precision for every limit', () => {
    const limit = fc.oneof(fc.maxSafeNat(), fc.nat(1000), fc.nat(1000).map(less => Number.MAX_SAFE_INTEGER - less), fc.constant(Infinity))

    fc.assert(fc.property(limit, fc.nat(255), (limit, priority) => {
      expect(memoryThreshold(limit, priority)).to.equal(exactThreshold(limit, priority))
    }), { numRuns: 1000 })
  })
})
