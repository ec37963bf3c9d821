import { webRTC } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError, getStreamScope, StreamLimitExceededError } from '../../src/index.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { dialWebRtc, RELAYED, startRelay } from './fixtures/node-transports.ts'
import { eventuallyHeld, held, leaveRoom, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overWebRtcDirect } from './fixtures/webrtc-direct.ts'
import { connectionEndings } from './suite/connection-endings.ts'
import { streamRefusals } from './suite/stream-refusals.ts'
import type { NodeOptions } from './fixtures/nodes.ts'

// these bring their own encryption and their own muxer
describe('wiring: webrtc-direct', function () {
  connectionEndings(overWebRtcDirect)
  streamRefusals(overWebRtcDirect)
})

describe('wiring: webrtc between two nodes behind a relay', function () {
  // two nodes on one machine now and then never find each other, with and without
  // a resource manager
  this.retries(2)

  const nodes = new TestNodes()
  const options: NodeOptions = { ...RELAYED, transports: [...RELAYED.transports ?? [], webRTC()] }

  afterEach(async () => {
    await nodes.stop()
  })

  it('should count the connection, its streams, and nothing of what was needed to set it up', async () => {
    const relay = await startRelay(nodes, true)
    const relayAddress = relay.getMultiaddrs()[0]
    const listener = await nodes.create({ ...options, addresses: { listen: [`${relayAddress}/p2p-circuit`, '/webrtc'] } })
    const dialer = await nodes.create(options)
    const inbox = await Inbox.of(listener)
    const address = multiaddr(`${relayAddress}/p2p-circuit/webrtc/p2p/${listener.peerId}`)

    const local = await dialWebRtc(dialer, address)
    const stream = await local.newStream(PROTOCOL)
    const remote = await inbox.next()

    expect(local.remoteAddr.toString()).to.include('/webrtc')
    expect(local.limits).to.equal(undefined)
    expect(getStreamScope(stream).stat()).to.include({ numStreamsOutbound: 1 })
    expect(getStreamScope(remote).stat()).to.include({ numStreamsInbound: 1 })

    // the relayed connection that carried the signalling may still be there
    await Promise.all(dialer.getConnections(listener.peerId).filter(({ limits }) => limits != null).map(async connection => connection.close()))
    await eventuallyHeld(dialer, {
      system: { numStreamsOutbound: 1, numConnsOutbound: 2, numFD: 1 },
      [PROTOCOL]: { numStreamsOutbound: 1 },
      ...Object.fromEntries([
        [listener.peerId.toString(), { numStreamsOutbound: 1, numConnsOutbound: 1 }] as const,
        [relay.peerId.toString(), { numConnsOutbound: 1, numFD: 1 }] as const
      ].sort(([a], [b]) => a < b ? -1 : 1))
    })

    leaveRoom(dialer, { streamsOutbound: 0 })
    expect(await rejection(local.newStream(PROTOCOL))).to.be.instanceOf(StreamLimitExceededError)

    await local.close()
    await eventuallyHeld(dialer, {
      system: { numConnsOutbound: 1, numFD: 1 },
      [relay.peerId.toString()]: { numConnsOutbound: 1, numFD: 1 }
    })
    await eventually(() => !Object.hasOwn(held(listener), dialer.peerId.toString()), 'the end of the connection at the listener')
  })

  it('should refuse the dial before anything is sent', async () => {
    const relay = await startRelay(nodes, true)
    const relayAddress = relay.getMultiaddrs()[0]
    const listener = await nodes.create({ ...options, addresses: { listen: [`${relayAddress}/p2p-circuit`, '/webrtc'] } })
    const dialer = await nodes.create(options)
    await otherEnd(await dialer.dial(relayAddress), dialer, relay)
    const before = held(dialer)
    leaveRoom(dialer, { connsOutbound: 0 })

    const error = await rejection(dialer.dial(multiaddr(`${relayAddress}/p2p-circuit/webrtc/p2p/${listener.peerId}`)))

    expect(error).to.be.instanceOf(ConnectionLimitExceededError)
    expect(held(dialer)).to.deep.equal(before)
  })
})
