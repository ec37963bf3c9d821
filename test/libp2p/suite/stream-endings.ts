import { expect } from 'aegir/chai'
import { eventually, rejection } from '../fixtures/eventually.ts'
import { Inbox, PROTOCOL } from '../fixtures/inbox.ts'
import { componentsOf, eventuallyHeld, held, muxerOf, otherEnd, TestNodes } from '../fixtures/nodes.ts'
import type { PairOptions, TransportUnderTest } from './transport.ts'
import type { TestNode } from '../fixtures/nodes.ts'
import type { Connection, Stream } from '@libp2p/interface'

/**
 * How long a negotiation may take in tests that wait for it to time out, in ms
 */
const NEGOTIATION_TIMEOUT = 50

const ENDINGS: Record<string, (local: Stream, remote: Stream) => Promise<void> | void> = {
  'is closed by the opener and then by the other end': async (local) => local.close(),
  'is closed by both at once': async (local, remote) => {
    await Promise.all([local.close(), remote.close()])
  },
  'is aborted by the opener': (local) => { local.abort(new Error('aborted')) },
  'is aborted by the other end': (_, remote) => { remote.abort(new Error('aborted')) },
  'is aborted by both at once': (local, remote) => {
    local.abort(new Error('aborted'))
    remote.abort(new Error('aborted'))
  },
  'is aborted after it was closed': async (local) => {
    await local.close()
    local.abort(new Error('aborted'))
  },
  'is aborted with data that nobody has read': (local) => {
    local.send(new Uint8Array(1024))
    local.abort(new Error('aborted'))
  }
}

interface Connected {
  dialer: TestNode
  listener: TestNode
  local: Connection

  /** The connection is still there, and holds nothing but itself */
  expectOnlyConnection(): Promise<void>
}

export function streamEndings (transport: TransportUnderTest): void {
  describe('the end of a stream', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    async function connect (options?: PairOptions): Promise<Connected> {
      const { dialer, listener, address } = await transport.connect(nodes, options)
      const local = await dialer.dial(address)
      await otherEnd(local, dialer, listener)
      const connected = [held(dialer), held(listener)]

      return {
        dialer,
        listener,
        local,
        expectOnlyConnection: async () => {
          await eventuallyHeld(dialer, connected[0])
          await eventuallyHeld(listener, connected[1])
          expect(local.status).to.equal('open')
        }
      }
    }

    for (const [ending, end] of Object.entries(ENDINGS)) {
      it(`should leave only the connection when it ${ending}`, async () => {
        const { listener, local, expectOnlyConnection } = await connect()
        const inbox = await Inbox.of(listener)

        await end(await local.newStream(PROTOCOL), await inbox.next())
        await expectOnlyConnection()
      })
    }

    it('should leave only the connection when the protocol is not supported', async () => {
      const { local, expectOnlyConnection } = await connect()

      await expect(local.newStream('/nobody/1.0.0')).to.eventually.be.rejected()
      await expect(local.newStream(['/nobody/1.0.0', '/nobody/2.0.0'])).to.eventually.be.rejected()
      await expectOnlyConnection()
    })

    it('should leave only the connection when the handler throws', async () => {
      const { listener, local, expectOnlyConnection } = await connect()

      await listener.handle(PROTOCOL, () => { throw new Error('sync') })
      await local.newStream(PROTOCOL).catch(() => {})
      await listener.handle(PROTOCOL, async () => { throw new Error('async') }, { force: true })
      await local.newStream(PROTOCOL).catch(() => {})
      await expectOnlyConnection()
    })

    it('should leave only the connection when a middleware of either end throws', async () => {
      const { dialer, listener, local, expectOnlyConnection } = await connect()
      const inbox = await Inbox.of(listener)
      const broken = [async () => { throw new Error('broken middleware') }]

      await componentsOf(dialer).registrar.use(PROTOCOL, broken)
      await expect(local.newStream(PROTOCOL)).to.eventually.be.rejectedWith('broken middleware')
      await expectOnlyConnection()

      componentsOf(dialer).registrar.unuse(PROTOCOL)
      componentsOf(listener).registrar.use(PROTOCOL, broken)
      const reached = inbox.streams.length
      await local.newStream(PROTOCOL).catch(() => {})
      await expectOnlyConnection()
      expect(inbox.streams).to.have.lengthOf(reached)
    })

    it('should leave only the connection when the opener gives up', async () => {
      const { listener, local, expectOnlyConnection } = await connect()
      const controller = new AbortController()
      await Inbox.of(listener)

      const opening = local.newStream(PROTOCOL, { signal: controller.signal })
      controller.abort()
      await expect(opening).to.eventually.be.rejected()
      await expect(local.newStream(PROTOCOL, { signal: controller.signal })).to.eventually.be.rejected()
      await expectOnlyConnection()
    })

    it('should leave only the connection when the opener never negotiates a protocol', async () => {
      const { dialer, listener, local, expectOnlyConnection } = await connect({
        listener: { connectionManager: { inboundStreamProtocolNegotiationTimeout: NEGOTIATION_TIMEOUT } }
      })
      const transient = held(listener).transient

      const stream = await muxerOf(local).createStream()
      // some muxers tell the remote of a stream only with its first bytes
      stream.send(Uint8Array.of(19))

      expect(held(dialer).transient).to.include({ numStreamsOutbound: 1 })
      await eventually(() => stream.status !== 'open', 'the reset of the stream')
      expect(held(listener).transient).to.deep.equal(transient)
      await expectOnlyConnection()
    })

    it('should leave only the connection when the other end never negotiates a protocol', async () => {
      const { dialer, listener, local, expectOnlyConnection } = await connect({
        dialer: { connectionManager: { outboundStreamProtocolNegotiationTimeout: NEGOTIATION_TIMEOUT } }
      })
      const remote = await otherEnd(local, dialer, listener)
      const inbox = await Inbox.of(listener)

      // the listener still accounts for streams, but nobody answers
      muxerOf(remote).removeEventListener('stream', (remote as any).onIncomingStream)
      muxerOf(remote).addEventListener('stream', () => {})

      await expect(local.newStream(PROTOCOL)).to.eventually.be.rejected()
      await expectOnlyConnection()
      expect(inbox.streams).to.be.empty()
    })

    it('should leave only the connection when libp2p refuses a stream', async () => {
      const { listener, local, expectOnlyConnection } = await connect()
      const inbox = await Inbox.of(listener, PROTOCOL, { maxInboundStreams: 1 })

      const first = await local.newStream(PROTOCOL)
      await inbox.next()
      const second = await local.newStream(PROTOCOL).catch(() => {})
      await eventually(() => second == null || second.status !== 'open', 'the reset of the second stream')
      await first.close()
      await expectOnlyConnection()
    })

    // the other end may have the stream until its negotiation times out: mplex tells of
    // the end of the stream before its begin
    it('should leave only the connection when a muxer is aborted while it opens a stream', async () => {
      const { dialer, local } = await connect()
      const before = held(dialer)

      const opening = muxerOf(local).createStream()
      expect(held(dialer)).to.not.deep.equal(before)
      muxerOf(local).abort(new Error('aborted'))

      expect(await opening).to.have.property('status', 'aborted')
      await eventuallyHeld(dialer, before)
    })

    it('should leave only the connection when a muxer that is closed cannot open a stream', async () => {
      const { local, expectOnlyConnection } = await connect()

      muxerOf(local).abort(new Error('aborted'))

      expect(await rejection(muxerOf(local).createStream())).to.have.property('name', 'MuxerClosedError')
      await expectOnlyConnection()
    })

    it('should say that a muxer is closed, as without a manager, when its connection has gone', async () => {
      const { local } = await connect()
      const muxer = muxerOf(local)

      local.abort(new Error('aborted'))

      for (let attempt = 0; attempt < 2; attempt++) {
        expect(await rejection(muxer.createStream())).to.have.property('name', 'MuxerClosedError')
      }
    })
  })
}
