import { NONE, PROTOCOL, SERVICE, assert, assertEqual, assertRefuses } from './assertions.ts'
import type { ComplianceInit } from './compliance-init.ts'
import type { ResourceManager } from '../interface.ts'
import type { Connection, MessageStreamDirection, PeerId, Stream } from '@libp2p/interface'

// what all of the interface promises

export function complete ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
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

export function accounting ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
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

export function changing ({ create, describe, it }: ComplianceInit, peer: PeerId): void {
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
