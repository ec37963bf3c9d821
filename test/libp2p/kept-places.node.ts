import { expect } from 'aegir/chai'
import { eventually } from './fixtures/eventually.ts'
import { eventuallyHeld } from './fixtures/nodes.ts'
import { connected, TcpNodes } from './fixtures/tcp-nodes.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { AllowlistEntry, ResourceManagerInit } from '../../src/index.ts'

const FULL: ResourceManagerInit = { limits: { system: { connsInbound: 1 }, allowlistedSystem: { connsInbound: 8 } } }

/**
 * Real nodes over TCP, whose peer ids are proved by noise. Who connects is somebody that the
 * node has never heard of, unless it is named.
 */
describe('places kept for peers, over TCP', function () {
  const nodes = new TcpNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  const entries: Array<[string, (peer: TestNode) => AllowlistEntry]> = [
    ['a peer id', ({ peerId }) => `/p2p/${peerId}`],
    ['an address of a bootstrap list', ({ peerId }) => `/dnsaddr/bootstrap.libp2p.io/p2p/${peerId}`],
    ['a predicate', ({ peerId }) => peer => peer.equals(peerId)],
    ['a tag', () => ({ tag: 'friend' })]
  ]

  for (const [name, entryFor] of entries) {
    it(`should let in whoever proves to be named by ${name}, and no impostor, past a full system`, async () => {
      const [first, friend, impostor] = await Promise.all([nodes.remote(), nodes.remote(), nodes.remote()])
      const node = await nodes.listen({ ...FULL, allowlist: [entryFor(friend)] })

      await node.peerStore.merge(friend.peerId, { tags: { friend: { value: 1 } } })
      await node.peerStore.merge(impostor.peerId, { tags: { other: { value: 1 } } })
      await nodes.connect(first, node)
      await nodes.refused(impostor, node)
      await nodes.connect(friend, node)

      expect(node.services.resourceManager.stat()).to.have.nested.property('allowlistedSystem.numConnsInbound', 1)
      expect(node.services.resourceManager.stat()).to.have.nested.property('system.numConnsInbound', 1)
      expect(connected(node, first)).to.equal(true)
      await nodes.refused(impostor, node)
      expect(connected(node, friend)).to.equal(true)

      await Promise.all([first.stop(), friend.stop()])
      await eventuallyHeld(node, {})
    })
  }

  it('should know a tag that a peer gets and loses while the node runs', async () => {
    const [first, friend] = await Promise.all([nodes.remote(), nodes.remote()])
    const node = await nodes.listen({ ...FULL, allowlist: [{ tag: 'friend' }] })

    await nodes.connect(first, node)
    await nodes.refused(friend, node)
    await node.peerStore.merge(friend.peerId, { tags: { friend: { value: 1 } } })
    await nodes.connect(friend, node)
    await friend.hangUp(node.peerId)
    await eventuallyHeld(node, { ...heldBy(first) })
    await node.peerStore.merge(friend.peerId, { tags: { friend: undefined } })
    await nodes.refused(friend, node)
  })

  it('should keep them past the connection manager of the node, and from its pruner', async () => {
    const [first, friend, impostor] = await Promise.all([nodes.remote(), nodes.remote(), nodes.remote()])
    const node = await nodes.listen({ allowlist: [`/p2p/${friend.peerId}`] }, { connectionManager: { maxConnections: 1, inboundConnectionThreshold: 1_000 } })

    await nodes.connect(first, node)
    await nodes.refused(impostor, node)
    await nodes.connect(friend, node)
    // with two of one it closes somebody, whom it would like best
    await eventually(() => node.getConnections().length === 1, 'the pruner')
    expect(connected(node, friend)).to.equal(true)
  })

  it('should not make them give way to strangers, however much they hold', async () => {
    const [friend, impostor] = await Promise.all([nodes.remote(), nodes.remote()])
    const node = await nodes.listen({ limits: { system: { connsInbound: 3 } }, fairness: { protect: 0 }, allowlist: [`/p2p/${friend.peerId}`] })

    for (let i = 0; i < 3; i++) {
      await nodes.connect(friend, node)
    }

    await nodes.refused(impostor, node)
    expect(friend.getConnections()).to.have.lengthOf(3)
    expect(node.services.resourceManager.evictions()).to.deep.equal([])
  })

  function heldBy ({ peerId }: TestNode): Record<string, object> {
    const one = { numConnsInbound: 1, numFD: 1 }

    return { system: one, [peerId.toString()]: one }
  }
})
