/**
 * A raw connection of a transport of others may be none of libp2p's own, and leave all it does to
 * another one. Its events are those of the other one then, which nobody follows.
 */

import { memory } from '@libp2p/memory'
import { expect } from 'aegir/chai'
import { eventually, eventuallyEqual } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, memoryAddress, TestNodes } from './fixtures/nodes.ts'
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'

/** What is not part of the interface of a connection */
const ITS_OWN = ['constructor', 'onTransportClosed', 'timeline']

/**
 * Something that has what a connection has, from the connection itself
 */
function forwardTo (inner: MultiaddrConnection): MultiaddrConnection {
  const outer: any = new (class Forwarding {
    readonly timeline = { open: inner.timeline.open }
  })()

  for (let owner: any = inner; owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const name of Reflect.ownKeys(owner)) {
      if (name in outer || ITS_OWN.includes(name as string)) {
        continue
      }

      Object.defineProperty(Object.getPrototypeOf(outer), name, {
        configurable: true,
        get: () => {
          const value = (inner as any)[name]

          return owner !== inner && typeof value === 'function' ? value.bind(inner) : value
        },
        set: value => { (inner as any)[name] = value }
      })
    }
  }

  return outer
}

function forwardingMemory (components: any): any {
  const transport = memory()(components)
  const { createListener, dial } = transport
  const forwarding = (upgrader: Upgrader): Upgrader => ({
    ...upgrader,
    upgradeInbound: async (maConn: MultiaddrConnection, options: any) => upgrader.upgradeInbound(forwardTo(maConn), options),
    upgradeOutbound: async (maConn: MultiaddrConnection, options: any) => upgrader.upgradeOutbound(forwardTo(maConn), options)
  } as unknown as Upgrader)

  transport.createListener = options => createListener.call(transport, { ...options, upgrader: forwarding(options.upgrader) })
  transport.dial = async (ma, options) => dial.call(transport, ma, { ...options, upgrader: forwarding(options.upgrader) })

  return transport
}

describe('raw connections that forward to others', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  for (const [what, end] of Object.entries({
    closed: async connection => connection.close(),
    aborted: async connection => { connection.abort(new Error('by the test')) }
  } satisfies Record<string, (connection: { close(): Promise<void>, abort(err: Error): void }) => Promise<void>>)) {
    it(`should hold nothing at either end when they are ${what}`, async () => {
      const listener = await nodes.create({ transports: [forwardingMemory], addresses: { listen: [memoryAddress()] } })
      const dialer = await nodes.create({ transports: [forwardingMemory] })

      await Inbox.of(listener)

      const connection = await dialer.dial(listener.getMultiaddrs())

      await connection.newStream(PROTOCOL)
      await eventually(() => listener.getConnections().length === 1, 'the other end')
      expect(dialer.services.resourceManager.stat().system.numConnsOutbound).to.equal(1)
      expect(listener.services.resourceManager.stat().system.numConnsInbound).to.equal(1)

      await end(connection)
      await eventuallyHeld(dialer, {})
      await eventuallyHeld(listener, {})
      await eventuallyEqual(() => listener.getConnections().length, 0, 'the connections of the other end')
    })
  }
})
