import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { eventually, rejection } from './fixtures/eventually.ts'
import { TestNodes } from './fixtures/nodes.ts'
import type { TestNode } from './fixtures/nodes.ts'

const MEMBERS = 8
const LATE = 4
const TOPIC = 'news'

/**
 * How long to wait for what must happen, in ms: far longer than it takes
 */
const PATIENCE = 30_000

function services (clientMode: boolean): Record<string, any> {
  return {
    identify: identify(),
    ping: ping(),
    // all of them have one address here
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } }),
    dht: kadDHT({
      protocol: '/ipfs/kad/1.0.0',
      clientMode,
      peerInfoMapper: passthroughMapper,
      validators: { record: async () => {} },
      selectors: { record: () => 0 }
    })
  }
}

/**
 * What one of the nodes hears, of all messages
 */
function hear (node: TestNode): Set<string> {
  const heard = new Set<string>()

  node.services.pubsub.addEventListener('gossipsub:message', ({ detail }: any) => { heard.add(new TextDecoder().decode(detail.msg.data)) })

  return heard
}

function keyOf (i: number): Uint8Array {
  return new TextEncoder().encode(`/record/${i}`)
}

async function valueFrom (events: AsyncIterable<any>): Promise<string | undefined> {
  let value: string | undefined

  for await (const event of events) {
    if (event.name === 'VALUE') {
      value = new TextDecoder().decode(event.value)
    }
  }

  return value
}

// nobody who is honest must lose what they have because others want in: peers hold one
// connection each, and those who come hold no less than those who are there

describe('a node that is full of honest peers', function () {
  this.timeout(4 * PATIENCE)

  const nodes = new TestNodes({ warnings: false })
  let ending = new AbortController()

  beforeEach(() => { ending = new AbortController() })

  afterEach(async () => {
    ending.abort()
    await nodes.stop()
  })

  /**
   * Tries to connect, again and again
   */
  async function knock (from: TestNode, to: TestNode, signal: AbortSignal): Promise<number> {
    let refused = 0

    while (!signal.aborted) {
      expect(await rejection(from.dial(to.getMultiaddrs()))).to.be.an('error')
      refused++
      await new Promise(resolve => setImmediate(resolve))
    }

    return refused
  }

  it('should go on with gossipsub and the DHT while others want in', async () => {
    const hub = await nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      manager: { limits: { system: { connsInbound: MEMBERS } } },
      services: services(false)
    })
    const members = await Promise.all(Array.from({ length: MEMBERS }, async () => nodes.create({ transports: [tcp()], manager: false, services: services(true) })))
    const late = await Promise.all(Array.from({ length: LATE }, async () => nodes.create({ transports: [tcp()], manager: false })))
    const all = [hub, ...members]
    const heard = all.map(hear)

    all.forEach(({ services }) => { services.pubsub.subscribe(TOPIC) })

    for (const member of members) {
      await member.dial(hub.getMultiaddrs())
    }

    await eventually(() => hub.services.pubsub.getMeshPeers(TOPIC).length === MEMBERS, 'the mesh', PATIENCE)
    await eventually(() => members.every(({ services }) => services.dht.routingTable.size === 1), 'the routing tables', PATIENCE)

    let closed = 0

    hub.addEventListener('connection:close', () => { closed++ })

    const knocking = Promise.all(late.map(async peer => knock(peer, hub, ending.signal)))

    // everybody stores something, and says something
    await Promise.all(members.map(async ({ services }, i) => valueFrom(services.dht.put(keyOf(i), new TextEncoder().encode(`value ${i}`)))))
    await Promise.all(all.map(async ({ services }, i) => services.pubsub.publish(TOPIC, new TextEncoder().encode(`message ${i}`))))

    // and gets what the next one has stored, and hears all that the others have said
    const found = await Promise.all(members.map(async ({ services }, i) => valueFrom(services.dht.get(keyOf((i + 1) % MEMBERS)))))

    await eventually(() => heard.every(messages => messages.size === all.length - 1), 'all messages', PATIENCE)
    ending.abort()

    const refused = await knocking

    expect(found).to.deep.equal(members.map((_, i) => `value ${(i + 1) % MEMBERS}`))
    expect(closed, 'connections that were there').to.equal(0)
    expect(Math.min(...refused), 'how often one was refused').to.be.at.least(1)
    expect(hub.services.resourceManager.evictions()).to.deep.equal([])
    expect(hub.services.resourceManager.refusals().map(({ kind, resource }) => ({ kind, resource }))).to.deep.equal([{ kind: 'system', resource: 'connection' }])
  })
})
