import { expect } from 'aegir/chai'
import { tracing } from '../../src/features.ts'
import { Inbox, PROTOCOL } from '../libp2p/fixtures/inbox.ts'
import { eventuallyHeld, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { overMemory } from '../libp2p/fixtures/transports.ts'
import { refusalCounts } from '../scopes/fixtures.ts'
import type { Shadow } from '../../src/index.ts'

describe('shadow limits of a node', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should say what they would have refused, while all streams work', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { manager: { features: { tracing }, shadow: { protocol: { [PROTOCOL]: { streamsInbound: 2 } } } } }
    })
    const { resourceManager } = listener.services
    const shadow = resourceManager.shadow as Shadow
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    for (let i = 0; i < 5; i++) {
      await connection.newStream(PROTOCOL)
      await inbox.next()
    }

    expect(resourceManager.stat().protocols[PROTOCOL].numStreamsInbound).to.equal(5)
    expect(shadow.stat().protocols[PROTOCOL].numStreamsInbound).to.equal(2)
    expect(refusalCounts(shadow)).to.deep.equal([{ kind: 'protocol', resource: 'stream', direction: 'inbound', count: 3 }])
    expect(shadow.stat().system.numConnsInbound).to.equal(1)

    await connection.close()
    await eventuallyHeld(listener, {})
    expect(shadow.stat().system).to.deep.equal(resourceManager.stat().system)
  })
})
