import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { eventually } from './fixtures/eventually.ts'
import { eventuallyHeld, TestNodes } from './fixtures/nodes.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { AllowlistEntry, ResourceManagerInit } from '../../src/index.ts'

const FULL: ResourceManagerInit = { limits: { system: { connsInbound: 1 }, allowlistedSystem: { connsInbound: 8 } } }

/**
 * Real nodes over TCP, whose peer ids are proved by noise. Who connects is somebody that the
 * node has never heard of, unless it is named.
 */
describe('places kept for peers, over TCP', function () {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function listen (manager: ResourceManagerInit, options: NodeOptions = {}): Promise<TestNode> {
    return nodes.create({
      transports: [tcp()],
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      connectionManager: { inboundConnectionThreshold: 1_000 },
      manager,
      ...options
    })
  }

  async function stranger (): Promise<TestNode> {
    return nodes.create({ transports: [tcp()], manager: false, connectionManager: { reconnectRetries: 0 } })
  }

  async function connect (from: TestNode, to: TestNode): Promise<void> {
    await from.dial(to.getMultiaddrs(), { force: true })
    await eventually(() => connected(to, from), 'the connection')
  }

  /**
   * The dialer may have finished its part of the handshake by the time it is refused
   */
  async function refused (from: TestNode, to: TestNode): Promise<void> {
    const before = refusals(to)

    await from.dial(to.getMultiaddrs(), { force: true }).catch(() => {})
    await eventually(() => refusals(to) > before, 'the refusal')
    await eventually(() => from.getConnections().length === 0, 'the end')
    expect(connected(to, from)).to.equal(false)
  }

  function connected (node: TestNode, remote: TestNode): boolean {
    return node.getConnections(remote.peerId).some(({ status }) => status === 'open')
  }

  function refusals (node: TestNode): number {
    return node.services.resourceManager.refusals().reduce((sum, { count }) => sum + count, 0)
  }

  const entries: Array<[string, (peer: TestNode) => AllowlistEntry]> = [
    ['a peer id', ({ peerId }) => `/p2p/${peerId}`],
    ['an address of a bootstrap list', ({ peerId }) => `/dnsaddr/bootstrap.libp2p.io/p2p/${peerId}`],
    ['a predicate', ({ peerId }) => peer => peer.equals(peerId)],
    ['a tag', () => ({ tag: 'friend' })]
  ]

  for (const [name, entryFor] of entries) {
    it(`should let in whoever proves to be named by ${name}, and no impostor, past a full system`, async () => {
      const [first, friend, impostor] = await Promise.all([stranger(), stranger(), stranger()])
      const node = await listen({ ...FULL, allowlist: [entryFor(friend)] })

      await node.peerStore.merge(friend.peerId, { tags: { friend: { value: 1 } } })
      await node.peerStore.merge(impostor.peerId, { tags: { other: { value: 1 } } })
      await connect(first, node)
      await refused(impostor, node)
      await connect(friend, node)

      expect(node.services.resourceManager.stat()).to.have.nested.property('allowlistedSystem.numConnsInbound', 1)
      expect(node.services.resourceManager.stat()).to.have.nested.property('system.numConnsInbound', 1)
      expect(connected(node, first)).to.equal(true)
      await refused(impostor, node)
      expect(connected(node, friend)).to.equal(true)

      await Promise.all([first.stop(), friend.stop()])
      await eventuallyHeld(node, {})
    })
  }

  it('should know a tag that a peer gets and loses while the node runs', async () => {
    const [first, friend] = await Promise.all([stranger(), stranger()])
    const node = await listen({ ...FULL, allowlist: [{ tag: 'friend' }] })

    await connect(first, node)
    await refused(friend, node)
    await node.peerStore.merge(friend.peerId, { tags: { friend: { value: 1 } } })
    await connect(friend, node)
    await friend.hangUp(node.peerId)
    await eventuallyHeld(node, { ...heldBy(first) })
    await node.peerStore.merge(friend.peerId, { tags: { friend: undefined } })
    await refused(friend, node)
  })

  it('should keep them past the connection manager of the node, and from its pruner', async () => {
    const [first, friend, impostor] = await Promise.all([stranger(), stranger(), stranger()])
    const node = await listen({ allowlist: [`/p2p/${friend.peerId}`] }, { connectionManager: { maxConnections: 1, inboundConnectionThreshold: 1_000 } })

    await connect(first, node)
    await refused(impostor, node)
    await connect(friend, node)
    // with two of one it closes somebody, whom it would like best
    await eventually(() => node.getConnections().length === 1, 'the pruner')
    expect(connected(node, friend)).to.equal(true)
  })

  it('should not make them give way to strangers, however much they hold', async () => {
    const [friend, impostor] = await Promise.all([stranger(), stranger()])
    const node = await listen({ limits: { system: { connsInbound: 3 } }, fairness: { protect: 0 }, allowlist: [`/p2p/${friend.peerId}`] })

    for (let i = 0; i < 3; i++) {
      await connect(friend, node)
    }

    await refused(impostor, node)
    expect(friend.getConnections()).to.have.lengthOf(3)
    expect(node.services.resourceManager.evictions()).to.deep.equal([])
  })

  function heldBy ({ peerId }: TestNode): Record<string, object> {
    const one = { numConnsInbound: 1, numFD: 1 }

    return { system: one, [peerId.toString()]: one }
  }
})
