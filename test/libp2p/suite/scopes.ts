import { expect } from 'aegir/chai'
import { getConnectionScope, getStreamScope, ResourceScopeStateError } from '../../../src/index.ts'
import { eventually } from '../fixtures/eventually.ts'
import { Inbox, PROTOCOL } from '../fixtures/inbox.ts'
import { componentsOf, eventuallyHeld, held, otherEnd, TestNodes } from '../fixtures/nodes.ts'
import type { TransportUnderTest } from './transport.ts'
import type { ScopeStat } from '../../../src/index.ts'
import type { TestNode } from '../fixtures/nodes.ts'
import type { Connection, Stream } from '@libp2p/interface'

const NOTHING: ScopeStat = { memory: 0, numStreamsInbound: 0, numStreamsOutbound: 0, numConnsInbound: 0, numConnsOutbound: 0, numFD: 0 }

/**
 * Has a handler name two services, one after the other
 *
 * @returns what the second one throws
 */
async function secondServiceIn (listener: TestNode, first: string, second: string): Promise<{ promise: Promise<unknown> }> {
  const { promise, resolve } = Promise.withResolvers<unknown>()

  await listener.handle(PROTOCOL, (stream) => {
    const scope = getStreamScope(stream)

    scope.setService(first)

    try {
      scope.setService(second)
    } catch (err) {
      resolve(err)
    }
  })

  return { promise }
}

export function scopeCases (transport: TransportUnderTest): void {
  describe('the scopes of connections and streams', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    it('should be those of both ends', async () => {
      const { dialer, listener, address } = await transport.connect(nodes)
      const inbox = await Inbox.of(listener)
      const local = await dialer.dial(address)
      const remote = await otherEnd(local, dialer, listener)
      const numFD = transport.fileDescriptors

      expect(getConnectionScope(local).stat()).to.deep.equal({ ...NOTHING, numConnsOutbound: 1, numFD })
      expect(getConnectionScope(remote).stat()).to.deep.equal({ ...NOTHING, numConnsInbound: 1, numFD })
      expect(getConnectionScope(local).peerScope?.peer.equals(listener.peerId)).to.be.true()
      expect(getConnectionScope(remote).peerScope?.peer.equals(dialer.peerId)).to.be.true()
      expect(dialer.services.resourceManager.getConnectionScope(local).name).to.equal(getConnectionScope(local).name)

      const outbound = getStreamScope(await local.newStream(PROTOCOL))
      const inbound = getStreamScope(await inbox.next())

      expect(outbound.stat()).to.deep.equal({ ...NOTHING, numStreamsOutbound: 1 })
      expect(inbound.stat()).to.deep.equal({ ...NOTHING, numStreamsInbound: 1 })
      expect(outbound.protocolScope?.protocol).to.equal(PROTOCOL)
      expect(inbound.protocolScope?.protocol).to.equal(PROTOCOL)
      expect(outbound.peerScope?.peer.equals(listener.peerId)).to.be.true()
      expect(inbound.peerScope?.peer.equals(dialer.peerId)).to.be.true()
      expect(held(listener)[PROTOCOL]).to.deep.equal({ numStreamsInbound: 1 })
      expect(held(dialer)[PROTOCOL]).to.deep.equal({ numStreamsOutbound: 1 })

      await local.close()
      expect(getConnectionScope(local).stat()).to.deep.equal(NOTHING)
    })

    it('should hold memory that goes when the stream and the connection go', async () => {
      const { dialer, listener, address } = await transport.connect(nodes)
      const before = held(listener)
      const handled = Promise.withResolvers<Connection>()
      await listener.handle(PROTOCOL, (stream, connection) => {
        getStreamScope(stream).reserveMemory(1000)
        getStreamScope(stream).beginSpan().reserveMemory(100)
        getConnectionScope(connection).reserveMemory(10)
        handled.resolve(connection)
      })
      const local = await dialer.dial(address)
      await local.newStream(PROTOCOL)
      const remote = await handled.promise

      expect(held(listener)[dialer.peerId.toString()]).to.include({ memory: 1110 })

      remote.abort(new Error('aborted'))
      await eventuallyHeld(listener, before)
    })

    it('should be there in every handler and listener', async () => {
      const names: string[] = []
      const note = (who: string) => ({ detail: connection }: CustomEvent<Connection>) => {
        names.push(`${who}: ${getConnectionScope(connection).stat().numConnsOutbound}`)
      }
      const { dialer, listener, address } = await transport.connect(nodes, {
        dialer: {
          servicesBefore: { before: (components: any) => components.events.addEventListener('connection:open', note('before')) ?? {} },
          services: { after: (components: any) => components.events.addEventListener('connection:open', note('after')) ?? {} }
        }
      })
      names.length = 0
      dialer.addEventListener('connection:open', note('user'))
      const handled = Promise.withResolvers<number>()
      await listener.handle(PROTOCOL, (stream, connection) => {
        handled.resolve(getStreamScope(stream).stat().numStreamsInbound + getConnectionScope(connection).stat().numConnsInbound)
      })

      const local = await dialer.dial(address)
      await local.newStream(PROTOCOL)

      expect(names).to.have.members(['before: 1', 'after: 1', 'user: 1'])
      await expect(handled.promise).to.eventually.equal(2)
    })

    it('should be there for streams that a service before the manager opens as soon as there is a connection', async () => {
      const opened: Array<Promise<Stream>> = []
      let active = false
      const { dialer, listener, address } = await transport.connect(nodes, {
        dialer: {
          servicesBefore: {
            eager: (components: any) => components.events.addEventListener('connection:open', ({ detail: connection }: CustomEvent<Connection>) => {
              if (active) {
                opened.push(...Array.from({ length: 5 }, async () => connection.newStream(PROTOCOL)))
              }
            }) ?? {}
          }
        }
      })
      const inbox = await Inbox.of(listener)
      const before = [held(dialer), held(listener)]

      active = true
      const local = await dialer.dial(address)
      const streams = await Promise.all(opened)
      await eventually(() => inbox.streams.length === 5, 'five early streams')

      expect(streams).to.have.lengthOf(5)
      expect(held(dialer)[listener.peerId.toString()]).to.include({ numStreamsOutbound: 5 })
      expect(held(listener)[dialer.peerId.toString()]).to.include({ numStreamsInbound: 5 })

      await local.close()
      await eventuallyHeld(dialer, before[0])
      await eventuallyHeld(listener, before[1])
    })

    it('should be there for streams that the listener opens while the dialer is not done with the upgrade', async () => {
      const opened: Array<Promise<Stream>> = []
      let active = false
      const gate = Promise.withResolvers<void>()
      const { dialer, listener, address } = await transport.connect(nodes, {
        dialer: {
          connectionGater: {
            denyOutboundUpgradedConnection: async () => {
              if (active) {
                await gate.promise
              }

              return false
            }
          }
        }
      })
      const inbox = await Inbox.of(dialer)
      listener.addEventListener('connection:open', ({ detail: connection }) => {
        for (let i = 0; i < 3; i++) {
          opened.push(connection.newStream(PROTOCOL))
        }
      })

      active = true
      const dial = dialer.dial(address)
      await eventually(() => opened.length === 3, 'the early streams')
      gate.resolve()
      await dial
      await Promise.all(opened)
      await eventually(() => inbox.streams.length === 3, 'the early streams to arrive')

      expect(held(dialer)[listener.peerId.toString()]).to.include({ numStreamsInbound: 3 })
    })

    it('should take the service that a handler names where the table has none', async () => {
      const { dialer, listener, address } = await transport.connect(nodes)
      const second = await secondServiceIn(listener, 'mine', 'mine')

      await (await dialer.dial(address)).newStream(PROTOCOL)

      expect(await second.promise).to.be.instanceOf(ResourceScopeStateError)
      expect(held(listener).mine).to.deep.equal({ numStreamsInbound: 1 })
    })

    it('should keep the service of the table', async () => {
      const services = { ours: [PROTOCOL] }
      const { dialer, listener, address } = await transport.connect(nodes, {
        dialer: { manager: { services } },
        listener: { manager: { services } }
      })
      const second = await secondServiceIn(listener, 'ours', 'theirs')

      await (await dialer.dial(address)).newStream(PROTOCOL)

      expect(await second.promise).to.be.instanceOf(ResourceScopeStateError)
      expect(held(listener).ours).to.deep.equal({ numStreamsInbound: 1 })
      expect(held(dialer).ours).to.deep.equal({ numStreamsOutbound: 1 })
      expect(held(listener)).to.not.have.property('theirs')
    })

    it('should not be wrapped away by other middleware', async () => {
      const order: string[] = []
      const { dialer, listener, address } = await transport.connect(nodes)
      const inbox = await Inbox.of(listener)
      await componentsOf(listener).registrar.use(PROTOCOL, [
        (stream: Stream, connection: Connection, next: (stream: Stream, connection: Connection) => void) => {
          order.push(String(getStreamScope(stream).protocolScope?.protocol))
          next(stream, connection)
        }
      ])
      const local = await dialer.dial(address)

      for (let i = 0; i < 3; i++) {
        await local.newStream(PROTOCOL)
        await inbox.next()
      }

      expect(order).to.deep.equal([PROTOCOL, PROTOCOL, PROTOCOL])
      expect(componentsOf(listener).registrar.getMiddleware(PROTOCOL)).to.have.lengthOf(2)
    })
  })
}
