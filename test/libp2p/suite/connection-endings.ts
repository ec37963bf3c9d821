import { expect } from 'aegir/chai'
import { Inbox, PROTOCOL } from '../fixtures/inbox.ts'
import { eventuallyHeld, held, muxerOf, otherEnd, rawConnection, TestNodes } from '../fixtures/nodes.ts'
import { eventuallyBackTo, heldByBoth } from './transport.ts'
import type { Pair, TransportUnderTest } from './transport.ts'
import type { Connection } from '@libp2p/interface'

interface Ends {
  local: Connection
  remote: Connection
}

const ENDINGS: Record<string, (ends: Ends, pair: Pair) => Promise<void> | void> = {
  'is closed by the dialer': async ({ local }) => local.close(),
  'is closed by the listener': async ({ remote }) => remote.close(),
  'is closed by both at once': async ({ local, remote }) => {
    await Promise.all([local.close(), remote.close()])
  },
  'is closed twice': async ({ local }) => {
    await local.close()
    await local.close()
  },
  'is aborted by the dialer': ({ local }) => { local.abort(new Error('aborted')) },
  'is aborted by the listener': ({ remote }) => { remote.abort(new Error('aborted')) },
  'is aborted while it is being closed': async ({ local }) => {
    const closed = local.close()
    local.abort(new Error('aborted'))
    await closed.catch(() => {})
  },
  'loses its raw connection at the dialer': ({ local }) => { rawConnection(local).abort(new Error('aborted')) },
  'loses its raw connection at the listener': ({ remote }) => { rawConnection(remote).abort(new Error('aborted')) },
  'is hung up on by the dialer': async (_, { dialer, listener }) => dialer.hangUp(listener.peerId),
  'is hung up on by the listener': async (_, { dialer, listener }) => listener.hangUp(dialer.peerId)
}

export function connectionEndings (transport: TransportUnderTest): void {
  describe('the end of a connection', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    for (const [ending, end] of Object.entries(ENDINGS)) {
      for (const streams of [0, 3]) {
        it(`should leave nothing when one with ${streams} streams ${ending}`, async () => {
          const pair = await transport.connect(nodes)
          const { dialer, listener, address } = pair
          const inbox = await Inbox.of(listener)
          const before = heldByBoth(pair)
          const local = await dialer.dial(address)
          const remote = await otherEnd(local, dialer, listener)

          for (let i = 0; i < streams; i++) {
            await local.newStream(PROTOCOL)
            await inbox.next()
          }

          expect(held(dialer)[listener.peerId.toString()]).to.include({ numConnsOutbound: 1 }).and.to.not.deep.equal(before[0])
          expect(held(listener)[dialer.peerId.toString()]).to.include({ numConnsInbound: 1 }).and.to.not.deep.equal(before[1])

          await end({ local, remote }, pair)

          await eventuallyBackTo(before, pair)
        })
      }
    }

    it('should keep the connection and drop the streams when a muxer is aborted', async () => {
      const { dialer, listener, address } = await transport.connect(nodes)
      const inbox = await Inbox.of(listener)
      const local = await dialer.dial(address)
      await otherEnd(local, dialer, listener)
      const connected = [held(dialer), held(listener)]

      await local.newStream(PROTOCOL)
      await inbox.next()
      muxerOf(local).abort(new Error('aborted'))

      await eventuallyHeld(dialer, connected[0])
      await eventuallyHeld(listener, connected[1])
    })

    for (const who of ['dialer', 'listener'] as const) {
      it(`should leave nothing when the ${who} stops with open streams, and count again when it has started again`, async () => {
        const pair = await transport.connect(nodes)
        const { dialer, listener, address } = pair
        const inbox = await Inbox.of(listener)
        const remaining = who === 'dialer' ? listener : dialer
        const before = heldByBoth(pair)
        const local = await dialer.dial(address)
        await local.newStream(PROTOCOL)
        await inbox.next()

        await pair[who].stop()
        await eventuallyHeld(pair[who], {})
        await eventuallyHeld(remaining, before[who === 'dialer' ? 1 : 0])

        await pair[who].start()

        const again = await dialer.dial(listener.getMultiaddrs()[0])
        const remote = await otherEnd(again, dialer, listener)
        await again.newStream(PROTOCOL)
        await inbox.next()

        expect(held(dialer)[listener.peerId.toString()]).to.include({ numConnsOutbound: 1, numStreamsOutbound: 1 })
        expect(held(listener)[dialer.peerId.toString()]).to.include({ numConnsInbound: 1, numStreamsInbound: 1 })

        await remote.close()
        await eventuallyBackTo(before, pair)
      })
    }
  })
}
