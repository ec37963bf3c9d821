import { expect } from 'aegir/chai'
import { eventually, rejection } from './fixtures/eventually.ts'
import { memoryAddress, TestNodes } from './fixtures/nodes.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Connection } from '@libp2p/interface'

const ROUNDS = 6
const PROTOCOL = '/tie/1.0.0'
const ONE: ResourceManagerInit = { limits: { peerDefault: { conns: 1 } } }

describe('two nodes that dial each other at the same time', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function createPair (manager: ResourceManagerInit): Promise<[TestNode, TestNode]> {
    const pair = await Promise.all([0, 1].map(async () => nodes.create({ manager, addresses: { listen: [memoryAddress()] } })))

    return pair.sort((a, b) => a.peerId.toString() < b.peerId.toString() ? -1 : 1) as [TestNode, TestNode]
  }

  function openOf (node: TestNode): Connection[] {
    return node.getConnections().filter(({ status }) => status === 'open')
  }

  it('should end with one connection, of the node with the smaller id, where one is allowed', async () => {
    for (let i = 0; i < ROUNDS; i++) {
      const [smaller, larger] = await createPair(ONE)
      await larger.handle(PROTOCOL, stream => { void stream.close() })

      await Promise.all([smaller.dial(larger.getMultiaddrs()), larger.dial(smaller.getMultiaddrs())])
      await eventually(() => [smaller, larger].every(node => openOf(node).length === 1), 'one connection at each end')

      expect(openOf(smaller)[0].direction).to.equal('outbound')
      expect(openOf(larger)[0].direction).to.equal('inbound')
      expect(smaller.services.resourceManager.stat().system).to.include({ numConnsInbound: 0, numConnsOutbound: 1 })
      expect(larger.services.resourceManager.stat().system).to.include({ numConnsInbound: 1, numConnsOutbound: 0 })

      await (await openOf(smaller)[0].newStream(PROTOCOL)).close()
      await nodes.stop()
    }
  })

  it('should lose a connection on which a stream is being opened, with no error that nobody can catch', async () => {
    const [smaller, larger] = await createPair(ONE)
    const manager = larger.services.resourceManager
    const lost = await larger.dial(smaller.getMultiaddrs())
    const opening = rejection(lost.newStream(PROTOCOL))
    // in the same step, the remote turns out to be the one that has dialled too
    const winner = manager.openConnection('inbound', false)

    winner.setPeer(smaller.peerId)
    expect(manager.stat().system).to.include({ numConnsInbound: 1, numConnsOutbound: 0 })

    expect(await opening).to.be.an('error')
    await eventually(() => lost.status !== 'open', 'the end of the connection')
    expect(manager.stat().system).to.include({ numStreamsOutbound: 0, numConnsInbound: 1 })
    winner.done()
  })

  it('should keep both connections where two are allowed', async () => {
    const [smaller, larger] = await createPair({})

    await Promise.all([smaller.dial(larger.getMultiaddrs(), { force: true }), larger.dial(smaller.getMultiaddrs(), { force: true })])
    await eventually(() => [smaller, larger].every(node => openOf(node).length === 2), 'two connections at each end')
  })

  it('should refuse a second dial of the same node as before', async () => {
    for (const [first, second] of [[0, 1], [1, 0]]) {
      const pair = await createPair(ONE)
      const [from, to] = [pair[first], pair[second]]

      await from.dial(to.getMultiaddrs())
      expect(await rejection(from.dial(to.getMultiaddrs(), { force: true }))).to.be.an('error')
      expect(openOf(from)).to.have.lengthOf(1)
    }
  })
})
