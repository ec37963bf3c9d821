import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError, getConnectionScope, getStreamScope, StreamLimitExceededError } from '../../src/index.ts'
import { liveConnection } from '../../src/libp2p/buffers/live-connection.ts'
import { eventually, eventuallyEqual, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, eventuallyOneStream, held, leaveRoom, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overQuic } from './fixtures/quic.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { Pair, PairOptions, TransportUnderTest } from './suite/transport.ts'
import type { Connection, Stream } from '@libp2p/interface'

const STREAMS = 20

/**
 * Handles a protocol, and never ends a stream
 */
async function keepStreams (node: TestNode): Promise<Stream[]> {
  const streams: Stream[] = []

  await node.handle(PROTOCOL, stream => { streams.push(stream) })

  return streams
}

describe(`wiring: quic${overQuic == null ? ' (there is no binary of it for this machine)' : ''}`, () => {
  const nodes = new TestNodes()

  before(function () {
    if (overQuic == null) {
      this.skip()
    }
  })

  afterEach(async () => {
    // nothing is left of any of them
    await nodes.stop()
  })

  async function connect (options?: PairOptions): Promise<Pair> {
    return (overQuic as TransportUnderTest).connect(nodes, options)
  }

  it('should count connections and streams at both ends, and nothing once they have ended', async () => {
    const { dialer, listener, address } = await connect()
    const inbox = await Inbox.of(listener)
    const local = await dialer.dial(address)
    const remote = await otherEnd(local, dialer, listener)
    const stream = await local.newStream(PROTOCOL)

    await inbox.next()
    await eventuallyOneStream(dialer, listener, PROTOCOL)
    expect(getConnectionScope(remote).stat()).to.include({ numConnsInbound: 1 })
    expect(getStreamScope(stream).stat()).to.include({ numStreamsOutbound: 1 })

    await stream.close()
    await eventuallyHeld(dialer, { system: { numConnsOutbound: 1 }, [listener.peerId.toString()]: { numConnsOutbound: 1 } })
    await eventuallyHeld(listener, { system: { numConnsInbound: 1 }, [dialer.peerId.toString()]: { numConnsInbound: 1 } })

    await local.close()
    await eventuallyHeld(dialer, {})
    await eventuallyHeld(listener, {})
  })

  it('should be able to close a connection while it opens a stream, however long the remote makes it wait', async () => {
    const { dialer, listener, address } = await connect()
    const inbox = await Inbox.of(listener)
    const local = await dialer.dial(address)
    const opening = local.newStream(PROTOCOL)

    expect(liveConnection(local)?.opening).to.equal(0)
    await opening
    await inbox.next()
  })

  it('should refuse a dial before there is a connection', async () => {
    const { dialer, listener, address } = await connect()

    leaveRoom(dialer, { connsOutbound: 0 })

    expect(await rejection(dialer.dial(address))).to.be.instanceOf(ConnectionLimitExceededError)
    expect(listener.getConnections()).to.be.empty()
    await eventuallyHeld(dialer, {})
  })

  it('should refuse an inbound connection, and let the next one in when there is room', async () => {
    const { dialer, listener, address } = await connect()

    leaveRoom(listener, { connsInbound: 0 })

    // the dialer has a connection before the listener has looked at it
    const refused = await dialer.dial(address).catch(() => undefined)

    await eventuallyEqual(() => listener.services.resourceManager.refusals().map(({ kind, resource, direction }) => ({ kind, resource, direction })), [{ kind: 'system', resource: 'connection', direction: 'inbound' }], 'the refusal')
    await eventually(() => refused == null || refused.status !== 'open', 'the end of the refused connection')
    await eventuallyHeld(dialer, {})
    await eventuallyHeld(listener, {})

    leaveRoom(listener, { connsInbound: 1 })
    await otherEnd(await dialer.dial(address), dialer, listener)
  })

  it('should refuse streams of both ends, and keep the connection', async () => {
    const { dialer, listener, address } = await connect()
    const inbox = await Inbox.of(listener)
    const local = await dialer.dial(address)

    await otherEnd(local, dialer, listener)
    leaveRoom(listener, { streamsInbound: 0 })

    const refused = await local.newStream(PROTOCOL).catch(() => undefined)

    await eventually(() => listener.services.resourceManager.refusals().some(({ resource, direction }) => resource === 'stream' && direction === 'inbound'), 'the refusal')
    await eventually(() => refused == null || refused.status !== 'open', 'the end of the refused stream')
    expect(inbox.streams).to.be.empty()

    leaveRoom(listener, { streamsInbound: 1 })
    leaveRoom(dialer, { streamsOutbound: 0 })
    expect(await rejection(local.newStream(PROTOCOL))).to.be.instanceOf(StreamLimitExceededError)

    leaveRoom(dialer, { streamsOutbound: 1 })
    await local.newStream(PROTOCOL)
    await inbox.next()
    expect(local.status).to.equal('open')
  })

  // version 2.1.1 leaves inbound streams open that the remote has aborted: whatever a version
  // does, what is open is counted
  it('should count streams that the remote has aborted for as long as they are open', async () => {
    const { dialer, listener, address } = await connect()
    const inbound = await keepStreams(listener)
    const local = await dialer.dial(address)
    const remote = await otherEnd(local, dialer, listener)

    for (let i = 0; i < STREAMS; i++) {
      const stream = await local.newStream(PROTOCOL)

      await eventually(() => inbound.length > i, 'the inbound stream')
      stream.abort(new Error('aborted'))
    }

    await eventuallyHeld(dialer, { system: { numConnsOutbound: 1 }, [listener.peerId.toString()]: { numConnsOutbound: 1 } })
    await eventually(() => inbound.every(({ status, remoteWriteStatus }) => status !== 'open' || remoteWriteStatus === 'closed'), 'the end of what the remote sends')
    expect(held(listener).system.numStreamsInbound ?? 0).to.equal(inbound.filter(({ status }) => status === 'open').length)
    expect(held(listener).system.numStreamsInbound ?? 0).to.equal(remote.streams.length)

    await local.close()
    await eventuallyHeld(dialer, {})
    await eventuallyHeld(listener, {})
  })

  // version 2.1.1 goes through an array from which streams are taken meanwhile, and ends
  // every other one
  for (const [who, abort] of Object.entries({
    'this end': (local: Connection): void => { local.abort(new Error('aborted')) },
    'the other end': (_: Connection, remote: Connection): void => { remote.abort(new Error('aborted')) }
  })) {
    it(`should end all streams of a connection that ${who} aborts`, async () => {
      const { dialer, listener, address } = await connect()
      const inbound = await keepStreams(listener)
      const local = await dialer.dial(address)
      const remote = await otherEnd(local, dialer, listener)
      const outbound = await Promise.all(Array.from({ length: STREAMS }, async () => local.newStream(PROTOCOL)))

      await eventually(() => inbound.length === STREAMS, 'the inbound streams')
      abort(local, remote)

      await eventuallyHeld(dialer, {})
      await eventuallyHeld(listener, {})
      expect([...outbound, ...inbound].filter(({ status }) => status === 'open')).to.be.empty()
    })
  }

  it('should bound streams that the remote has aborted', async () => {
    const { dialer, listener, address } = await connect({ listener: { manager: { limits: { peerDefault: { streamsInbound: 5 } } } } })

    await keepStreams(listener)

    const local = await dialer.dial(address)
    const remote = await otherEnd(local, dialer, listener)

    for (let i = 0; i < STREAMS; i++) {
      const stream = await local.newStream(PROTOCOL).catch(() => undefined)

      stream?.abort(new Error('aborted'))
    }

    await eventuallyHeld(dialer, { system: { numConnsOutbound: 1 }, [listener.peerId.toString()]: { numConnsOutbound: 1 } })
    expect(held(listener).system.numStreamsInbound ?? 0).to.be.at.most(5)
    expect(remote.streams.length).to.be.at.most(5)
  })
})
