import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError } from '../../src/index.ts'
import { createManager, errorOf, NOTHING, peerA, PEER_A, SERVICE } from './fixtures.ts'
import type { Limit } from '../../src/limits/limit.ts'

const DIRECTIONS = ['inbound', 'outbound'] as const

describe('connections', () => {
  it('should be counted in transient and system until their peer is known', () => {
    const manager = createManager()

    manager.openConnection('inbound', true)
    manager.openConnection('outbound', false)

    const held = { ...NOTHING, numConnsInbound: 1, numConnsOutbound: 1, numFD: 1 }

    expect(manager.stat()).to.deep.include({ system: held, transient: held, peers: {} })
  })

  it('should be counted in their peer and system once it is known', () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', true)

    connection.setPeer(peerA)

    const held = { ...NOTHING, numConnsInbound: 1, numFD: 1 }

    expect(manager.stat()).to.deep.include({ system: held, transient: NOTHING, peers: { [peerA.toString()]: held } })
    expect(connection.peerScope?.name).to.equal(PEER_A)
    expect(connection.peerScope?.peer).to.equal(peerA)
  })

  it('should be counted in a service that they belong to', () => {
    const manager = createManager()
    const connection = manager.openConnection('outbound', true)

    connection.setPeer(peerA)
    connection.setService(SERVICE)

    const held = { ...NOTHING, numConnsOutbound: 1, numFD: 1 }

    expect(manager.stat()).to.deep.include({ system: held, transient: NOTHING, services: { [SERVICE]: held }, peers: { [peerA.toString()]: held } })
    expect(connection.serviceScope?.service).to.equal(SERVICE)
  })

  it('should be released everywhere, once, at each stage', () => {
    const manager = createManager()
    const other = manager.openConnection('inbound', true)
    const before = manager.stat()

    for (const stage of [1, 2, 3]) {
      const connection = manager.openConnection('inbound', true)

      if (stage > 1) {
        connection.setPeer(peerA)
      }

      if (stage > 2) {
        connection.setService(SERVICE)
      }

      connection.reserveMemory(10)
      connection.done()
      connection.done()

      expect(connection.stat()).to.deep.equal(NOTHING)
      expect(manager.stat()).to.deep.include({ system: before.system, transient: before.transient })
    }

    other.done()
    expect(manager.stat()).to.deep.include({ system: NOTHING, services: { [SERVICE]: NOTHING }, peers: { [peerA.toString()]: NOTHING } })
  })

  for (const scope of ['conn', 'transient', 'system'] as const) {
    for (const direction of DIRECTIONS) {
      const ownLimit: keyof Limit = direction === 'inbound' ? 'connsInbound' : 'connsOutbound'
      const otherLimit: keyof Limit = direction === 'inbound' ? 'connsOutbound' : 'connsInbound'

      for (const field of [ownLimit, 'conns', 'fd'] as const) {
        it(`should be refused by ${scope} above ${field} when ${direction}`, () => {
          const limit = scope === 'conn' ? 0 : 2
          const manager = createManager({ [scope]: { [field]: limit } })

          for (let i = 0; i < limit; i++) {
            manager.openConnection(direction, true)
          }

          const before = manager.stat()

          // the second refusal is the same as the first
          for (let i = 0; i < 2; i++) {
            expect(errorOf(() => manager.openConnection(direction, true))).to.be.an.instanceOf(ConnectionLimitExceededError).that.deep.includes({
              scope: scope === 'conn' ? `conn-${limit + 1 + i}` : scope,
              resource: field === 'fd' ? 'fd' : 'connection',
              direction: field === ownLimit ? direction : undefined,
              current: limit,
              attempted: 1,
              limit,
              priority: undefined
            })
          }

          expect(manager.stat()).to.deep.equal(before)
        })
      }

      it(`should not be refused by ${scope} for what is not asked of it when ${direction}`, () => {
        const manager = createManager({ [scope]: { [otherLimit]: 0, fd: 0, memory: 0, streams: 0, streamsInbound: 0, streamsOutbound: 0 } })

        manager.openConnection(direction, false)

        expect(manager.stat().system).to.deep.include({ numFD: 0 })
      })
    }
  }

  it('should fit again when another one has closed', () => {
    const manager = createManager({ system: { conns: 1 } })
    const connection = manager.openConnection('inbound', false)

    expect(() => manager.openConnection('outbound', false)).to.throw(ConnectionLimitExceededError)
    connection.done()
    manager.openConnection('outbound', false)
  })

  it('should check the direction, then the total, then file descriptors', () => {
    const manager = createManager({ system: { connsInbound: 0, conns: 0, fd: 0 } })
    const messages = (): string[] => DIRECTIONS.map(direction => errorOf(() => manager.openConnection(direction, true)).message)

    expect(messages()).to.deep.equal([
      'conn-1: system: cannot reserve inbound connection: resource limit exceeded',
      'conn-2: system: cannot reserve connection: resource limit exceeded'
    ])

    manager.viewSystem(scope => { scope.setLimit({ connsInbound: 'unlimited', conns: 'unlimited' }) })

    expect(messages()).to.deep.equal([
      'conn-3: system: cannot reserve file descriptor: resource limit exceeded',
      'conn-4: system: cannot reserve file descriptor: resource limit exceeded'
    ])
  })

  it('should check themselves, then transient, then system', () => {
    const manager = createManager({ conn: { conns: 0 }, transient: { conns: 0 }, system: { conns: 0 } })

    expect(errorOf(() => manager.openConnection('inbound', false)).scope).to.equal('conn-1')

    const second = createManager({ transient: { conns: 0 }, system: { conns: 0 } })

    expect(errorOf(() => second.openConnection('inbound', false)).scope).to.equal('transient')
  })

  it('should not hold up others in transient once their peer is known', () => {
    const manager = createManager({ transient: { conns: 1 } })

    for (let i = 0; i < 3; i++) {
      manager.openConnection('inbound', false).setPeer(peerA)
    }

    expect(manager.stat().peers[peerA.toString()].numConnsInbound).to.equal(3)
  })

  it('should not be held up by the limits of other peers', () => {
    const manager = createManager({ peer: { [peerA.toString()]: { conns: 0 } } })
    const connection = manager.openConnection('inbound', false)

    expect(() => { connection.setPeer(peerA) }).to.throw(ConnectionLimitExceededError)
    expect(connection.peerScope).to.be.undefined()
  })

  it('should give the share of a peer in a service back when they close', () => {
    const manager = createManager({ servicePeer: { [SERVICE]: { conns: 1 } } })

    for (let i = 0; i < 3; i++) {
      const connection = manager.openConnection('inbound', false)

      connection.setPeer(peerA)
      connection.setService(SERVICE)
      connection.done()
    }

    expect(manager.stat().system).to.deep.equal(NOTHING)
  })
})
