import { expect } from 'aegir/chai'
import { fleet } from '../../src/fleet.ts'
import { eventually, rejection } from '../libp2p/fixtures/eventually.ts'
import { PROTOCOL } from '../libp2p/fixtures/inbox.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { overMemory } from '../libp2p/fixtures/transports.ts'
import { useFleet } from './fixtures.ts'
import type { Fleet, FleetLimits } from '../../src/fleet.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'
import type { Connection } from '@libp2p/interface'

const SERVICE = 'my-service'

describe('fleet/sessions', () => {
  const nodes = new TestNodes()
  const { engine, members } = useFleet(nodes)

  /**
   * A node of a fleet that has dialled one that is in none
   */
  async function connect (limits: FleetLimits, init: ResourceManagerInit): Promise<{ dialer: TestNode, link: Fleet, local: Connection, received(): number }> {
    const link = fleet({ client: engine.client(), name: 'test', ttl: 10_000, limits })
    const { address, dialer, listener } = await overMemory().connect(nodes, { dialer: { manager: { services: { [SERVICE]: [PROTOCOL] }, fleet: link, ...init } } })
    let received = 0

    await listener.handle(PROTOCOL, stream => {
      stream.addEventListener('message', ({ data }) => { received += data.byteLength })
    })

    return { dialer, link, local: await dialer.dial(address), received: () => received }
  }

  for (const part of ['system', 'peer'] as const) {
    it(`should slow streams by the rate of the ${part}, and no more when that is taken back`, async () => {
      // a byte in a second
      const { link, local, received } = await connect({ sessions: { throttle: { [part]: { maxTxBitrate: 8 } } } }, { sessions: {} })
      const stream = await local.newStream(PROTOCOL)

      expect(stream.send(new Uint8Array(100_000))).to.equal(false)
      expect(received()).to.be.below(1_000)
      await link.setLimits({})
      await eventually(() => received() === 100_000, 'all of it')
    })
  }

  it('should slow the streams of a service that has a collector which does so', async () => {
    const { link, local, received } = await connect(
      { sessions: { collectors: { [SERVICE]: { maxTxBitrate: 8 } } } },
      { sessions: { collectors: { [SERVICE]: { throttle: true, maxTxBitrate: '1GB/s' } } } }
    )
    const stream = await local.newStream(PROTOCOL)

    expect(stream.send(new Uint8Array(100_000))).to.equal(false)
    expect(received()).to.be.below(1_000)
    await link.setLimits({})
    await eventually(() => received() === 100_000, 'all of it')
  })

  it('should refuse streams while a collector that does not slow them transfers more than the part of the node', async () => {
    const { dialer, link, local } = await connect({ sessions: { collectors: { [SERVICE]: { maxTxBitrate: 8_000 } } } }, { sessions: { collectors: { [SERVICE]: {} } } })
    const { resourceManager } = dialer.services
    const first = await local.newStream(PROTOCOL)

    resourceManager.sessions.collector(SERVICE)?.egress(resourceManager.getStreamScope(first).name, 1_000_000)

    const error = await rejection(local.newStream(PROTOCOL))

    expect(error).to.have.property('name', 'RateLimitExceededError')
    expect(resourceManager.recentRefusals()[0].setting).to.equal(`fleet.limits.sessions.collectors["${SERVICE}"].maxTxBitrate`)
    await link.setLimits({})
    await local.newStream(PROTOCOL)
  })

  it('should slow nothing in a dry run', async () => {
    const { local, received } = await connect({ sessions: { throttle: { system: { maxTxBitrate: 8 } } } }, { enforce: false, sessions: {} })

    await local.newStream(PROTOCOL).then(stream => stream.send(new Uint8Array(100_000)))
    await eventually(() => received() === 100_000, 'all of it')
  })

  it('should divide a rate among nodes', async () => {
    const limits: FleetLimits = { sessions: { throttle: { system: { maxTxBitrate: 3_000_000 } } } }
    const all = await Promise.all([1, 2, 3].map(async () => members.add(engine.client(), { limits }, { sessions: {} })))

    // it is divided by what each says that it needs, which is the same
    await eventually(() => all.every(({ fleet }) => fleet.view().bitrates.some(({ bitrate, limit, name }) => name === 'system tx' && limit === 3_000_000 && bitrate > 0 && bitrate <= 1_000_000)), 'the parts')
  })
})
