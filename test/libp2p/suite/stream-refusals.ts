import { expect } from 'aegir/chai'
import { StreamLimitExceededError } from '../../../src/index.ts'
import { eventually, rejection } from '../fixtures/eventually.ts'
import { Inbox, PROTOCOL } from '../fixtures/inbox.ts'
import { eventuallyHeld, held, leaveRoom, muxerOf, otherEnd, TestNodes } from '../fixtures/nodes.ts'
import type { PairOptions, TransportUnderTest } from './transport.ts'
import type { Pair } from './transport.ts'
import type { ResourceManagerInit } from '../../../src/index.ts'
import type { Connection } from '@libp2p/interface'

const SERVICE = 'test-service'
const TABLE = { [SERVICE]: [PROTOCOL] }

/**
 * Ways to allow two streams of the test protocol, in one direction
 */
function limitsOfTwo (field: 'streamsInbound' | 'streamsOutbound'): Record<string, ResourceManagerInit> {
  return {
    'peer:': { limits: { peerDefault: { [field]: 2 } } },
    [`protocol:${PROTOCOL}`]: { limits: { protocol: { [PROTOCOL]: { [field]: 2 } } } },
    [`protocol:${PROTOCOL}.peer:`]: { limits: { protocolPeer: { [PROTOCOL]: { [field]: 2 } } } },
    [`service:${SERVICE}`]: { services: TABLE, limits: { service: { [SERVICE]: { [field]: 2 } } } },
    [`service:${SERVICE}.peer:`]: { services: TABLE, limits: { servicePeer: { [SERVICE]: { [field]: 2 } } } }
  }
}

export function streamRefusals (transport: TransportUnderTest): void {
  describe('a refused stream', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    async function connect (options?: PairOptions): Promise<Pair & { inbox: Inbox, local: Connection }> {
      const pair = await transport.connect(nodes, options)
      const inbox = await Inbox.of(pair.listener)
      const local = await pair.dialer.dial(pair.address)
      await otherEnd(local, pair.dialer, pair.listener)

      return { ...pair, inbox, local }
    }

    /**
     * Opens a stream that the other end refuses
     */
    async function expectReset (connection: Connection): Promise<void> {
      // muxers tell the remote of a stream before they know that it was reset
      const stream = await connection.newStream(PROTOCOL).catch(() => {})

      await eventually(() => stream?.status !== 'open', 'the reset of the stream')
    }

    for (const [scope, manager] of Object.entries(limitsOfTwo('streamsOutbound'))) {
      it(`should reject newStream above a limit of ${scope}`, async () => {
        const { dialer, listener, local, inbox } = await connect({ dialer: { manager } })

        const first = await local.newStream(PROTOCOL)
        await inbox.next()
        await local.newStream(PROTOCOL)
        await inbox.next()
        const before = [held(dialer), held(listener)]

        const error = await rejection(local.newStream(PROTOCOL))

        expect(error).to.be.instanceOf(StreamLimitExceededError)
        expect(error).to.include({ resource: 'stream', direction: 'outbound', current: 2, attempted: 1, limit: 2 })
        expect(error.scope).to.equal(scope.endsWith('peer:') ? `${scope}${listener.peerId}` : scope)
        await eventuallyHeld(dialer, before[0])
        await eventuallyHeld(listener, before[1])
        expect(local.status).to.equal('open')

        await first.close()
        await eventually(() => local.streams.length === 1, 'the end of the first stream')
        await local.newStream(PROTOCOL)
        expect(await rejection(local.newStream(PROTOCOL))).to.be.instanceOf(StreamLimitExceededError)
      })
    }

    for (const [scope, manager] of Object.entries(limitsOfTwo('streamsInbound'))) {
      it(`should be reset above a limit of ${scope}, and never reach the handler`, async () => {
        const { dialer, listener, local, inbox } = await connect({ listener: { manager } })

        const first = await local.newStream(PROTOCOL)
        await inbox.next()
        await local.newStream(PROTOCOL)
        await inbox.next()
        const before = [held(dialer), held(listener)]

        await expectReset(local)
        await eventuallyHeld(dialer, before[0])
        await eventuallyHeld(listener, before[1])
        expect(inbox.streams).to.have.lengthOf(2)
        expect(local.status).to.equal('open')

        await first.close()
        await eventually(() => inbox.connections[0].streams.length === 1, 'the end of the first stream')
        await local.newStream(PROTOCOL)
        await inbox.next()
        await expectReset(local)
        expect(inbox.streams).to.have.lengthOf(3)
      })
    }

    it('should fail before the other end hears of it', async () => {
      const { dialer, listener, local, inbox } = await connect()
      const before = held(listener)
      leaveRoom(dialer, { streams: 0 })

      const error = await rejection(local.newStream(PROTOCOL))

      expect(error).to.be.instanceOf(StreamLimitExceededError)
      expect(error).to.include({ scope: 'system', attempted: 1 })
      expect(error.direction).to.equal(undefined)

      // a stream that arrives later has to be the first to arrive
      leaveRoom(dialer, { streams: 1 })
      await local.newStream(PROTOCOL)
      await inbox.next()
      expect(inbox.streams).to.have.lengthOf(1)
      expect(held(listener).system?.numStreamsInbound).to.equal((before.system?.numStreamsInbound ?? 0) + 1)
    })

    it('should be reset before its protocol is negotiated when there is no room in transient', async () => {
      const { dialer, listener, local, inbox } = await connect()
      const before = [held(dialer), held(listener)]
      listener.services.resourceManager.viewTransient(scope => { scope.setLimit({ streamsInbound: 'blockAll' }) })

      await expectReset(local)
      await eventuallyHeld(dialer, before[0])
      await eventuallyHeld(listener, before[1])
      expect(inbox.streams).to.be.empty()
    })

    it('should be refused once, and reach none of the listeners of a muxer', async () => {
      const { dialer, listener, local, inbox } = await connect()
      const remote = await otherEnd(local, dialer, listener)
      const before = held(listener)
      let heard = 0
      muxerOf(remote).addEventListener('stream', () => { heard++ })
      muxerOf(remote).addEventListener('stream', { handleEvent: () => { heard++ } })
      leaveRoom(listener, { streamsInbound: 0 })

      await expectReset(local)
      await eventuallyHeld(listener, before)
      expect(heard).to.equal(0)
      expect(listener.services.resourceManager.refusals().reduce((sum, { count }) => sum + count, 0)).to.equal(1)

      leaveRoom(listener, { streamsInbound: 1 })
      await local.newStream(PROTOCOL)
      await inbox.next()
      expect(heard).to.equal(2)
    })

    it('should leave the other direction alone', async () => {
      const { dialer, listener, local } = await connect()
      const remote = await otherEnd(local, dialer, listener)
      const inbox = await Inbox.of(dialer)
      leaveRoom(listener, { streamsInbound: 0 })

      await expectReset(local)
      await remote.newStream(PROTOCOL)
      await inbox.next()
    })

    it('should be each one above the limit when the remote opens several at once', async () => {
      const { dialer, listener, local, inbox } = await connect()
      const connected = [held(dialer), held(listener)]
      leaveRoom(listener, { streamsInbound: 3 })

      // two more: mplex aborts itself when it hears too often of streams that are
      // gone, and a stream that is refused is
      const results = await Promise.all(Array.from({ length: 5 }, async () => local.newStream(PROTOCOL).catch(() => {})))
      await eventually(() => results.filter(stream => stream?.status === 'open').length === 3, 'all but three to be reset')
      await Promise.all([inbox.next(), inbox.next(), inbox.next()])
      expect(inbox.streams).to.have.lengthOf(3)
      expect(held(listener)[dialer.peerId.toString()]).to.include({ numStreamsInbound: 3 })

      await Promise.all(results.map(async stream => stream?.close()))
      await eventuallyHeld(dialer, connected[0])
      await eventuallyHeld(listener, connected[1])
    })
  })
}
