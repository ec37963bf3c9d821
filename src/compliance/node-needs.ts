import { DIRECTIONS, NONE, PROTOCOL, SERVICE, assert, assertRefuses } from './assertions.ts'
import type { ComplianceInit } from './compliance-init.ts'
import type { PeerId } from '@libp2p/interface'

// what a node needs of a resource manager

export function opening ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
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

export function refusing ({ create, describe, it }: ComplianceInit, peer: PeerId, other: PeerId): void {
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

export function moving ({ create, describe, it }: ComplianceInit, peer: PeerId, other: PeerId): void {
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
