import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { getConnectionScope } from '../../src/index.ts'
import { interceptedNoise, never } from './fixtures/encrypters.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { PrivateGater } from './fixtures/gater.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { overRelay, RELAYED, startRelay } from './fixtures/node-transports.ts'
import { componentsOf, eventuallyHeld, held, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { wiringSuite } from './suite/index.ts'
import type { Interception } from './fixtures/encrypters.ts'
import type { PeerId } from '@libp2p/interface'

wiringSuite('relayed', overRelay)

/**
 * How many inbound connections may be in their handshake
 */
const LIMIT = 16

/**
 * Denies what only happens with relays
 */
class RelayedGater extends PrivateGater {
  readonly #peers: PeerId[] = []

  get denied (): PeerId[] {
    return this.#peers
  }

  denyInboundRelayedConnection (_relay: PeerId, remote: PeerId): boolean {
    this.#peers.push(remote)

    return true
  }
}

describe('circuits that never begin with a handshake', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should keep nobody else out', async () => {
    const relay = await startRelay(nodes)
    const relayAddress = relay.getMultiaddrs()[0]
    const listener = await nodes.create({
      ...RELAYED,
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0', `${relayAddress}/p2p-circuit`] },
      manager: { baseCosts: undefined, transientShare: undefined, limits: { transient: { connsInbound: LIMIT } } }
    })
    const silent: Interception = {}
    const attacker = await nodes.create({
      ...RELAYED,
      connectionEncrypters: [interceptedNoise(silent)],
      manager: false
    })
    const { resourceManager } = listener.services

    // before its end is open as well, a relay takes only few streams
    await otherEnd(await attacker.dial(relayAddress), attacker, relay)
    silent.outbound = never

    const ending = new AbortController()
    const circuits = Array.from({ length: 2 * LIMIT }, async () => componentsOf(attacker).transportManager.dial(
      multiaddr(`${relayAddress}/p2p-circuit/p2p/${listener.peerId}`), { signal: ending.signal }
    ).catch(() => {}))

    await eventually(() => resourceManager.refusals().length > 0, 'the refusal of those above the share')
    expect(held(listener).transient?.numConnsInbound).to.be.below(LIMIT)
    expect(resourceManager.refusals().map(({ setting }) => setting)).to.deep.equal(['transientShare'])
    expect(resourceManager.stat().transientHolders?.every(({ remote }) => remote.includes(relay.peerId.toString()))).to.equal(true)

    // all from one host here, which has a share as well
    for (let i = 0; i < LIMIT; i++) {
      const stranger = await nodes.create(RELAYED)

      await stranger.dial(listener.getMultiaddrs()[0])
    }

    ending.abort()
    await Promise.all(circuits)
  })
})

describe('a relayed connection', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should be counted by the relay as streams of its service, until it ends', async () => {
    const relay = await startRelay(nodes, true)
    const relayAddress = relay.getMultiaddrs()[0]
    const listener = await nodes.create({ ...RELAYED, addresses: { listen: [`${relayAddress}/p2p-circuit`] } })
    const dialer = await nodes.create(RELAYED)
    const inbox = await Inbox.of(listener, PROTOCOL, { runOnLimitedConnection: true })
    await otherEnd(await dialer.dial(relayAddress), dialer, relay)
    const before = held(relay)

    const local = await dialer.dial(multiaddr(`${relayAddress}/p2p-circuit/p2p/${listener.peerId}`))
    await expect(local.newStream(PROTOCOL)).to.eventually.be.rejected.with.property('name', 'LimitedConnectionError')
    await local.newStream(PROTOCOL, { runOnLimitedConnection: true })
    await inbox.next()

    expect(getConnectionScope(local).stat()).to.include({ numConnsOutbound: 1, numFD: 0 })
    expect(held(relay)['libp2p.relay/v2']).to.deep.equal({ numStreamsInbound: 1, numStreamsOutbound: 1 })
    expect(held(relay)['/libp2p/circuit/relay/0.2.0/hop']).to.deep.equal({ numStreamsInbound: 1 })
    expect(held(relay)['/libp2p/circuit/relay/0.2.0/stop']).to.deep.equal({ numStreamsOutbound: 1 })

    await local.close()
    await eventuallyHeld(relay, before)
  })

  it('should be refused by the relay when its service has no room', async () => {
    const { dialer, listener, address } = await overRelay.connect(nodes)
    const before = [held(dialer), held(listener)]
    const relayId = dialer.getConnections()[0].remotePeer

    dialer.services.resourceManager.viewService('libp2p.relay/v2', scope => { scope.setLimit({ streams: 'blockAll' }) })
    const error = await rejection(dialer.dial(address))

    expect(error).to.have.property('name', 'StreamLimitExceededError')
    expect(dialer.getConnections(relayId)).to.have.lengthOf(1)
    await eventuallyHeld(dialer, before[0])
    await eventuallyHeld(listener, before[1])
  })

  it('should be denied by a gater that is a class with private fields', async () => {
    const gater = new RelayedGater()
    const { dialer, listener, address } = await overRelay.connect(nodes, { listener: { connectionGater: gater } })
    const before = [held(dialer), held(listener)]

    await rejection(dialer.dial(address))

    expect(gater.denied.map(String)).to.deep.equal([dialer.peerId.toString()])
    expect(componentsOf(listener).connectionGater).to.not.equal(gater)
    await eventuallyHeld(dialer, before[0])
    await eventuallyHeld(listener, before[1])
  })
})
