/**
 * What is protected: the replay of what real nodes have done says the same that a second run of
 * them with these limits does
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { replayTrace, traceFile } from '../../src/node.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { sumUp } from './fixtures.ts'
import type { PartialLimitConfig, ResourceManagerInit } from '../../src/index.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'

const CHAT = '/chat/1.0.0'
const FILES = '/files/1.0.0'

/**
 * Those of the second run
 */
const LIMITS: PartialLimitConfig = {
  system: { connsInbound: 5 },
  peerDefault: { connsInbound: 2, streamsInbound: 9 },
  protocol: { [CHAT]: { streamsInbound: 4 } },
  protocolPeer: { [FILES]: { streamsInbound: 3 } }
}

describe('replay of what real nodes have done', function () {
  this.timeout(120_000)

  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'real-node-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  /**
   * Three peers, one step after the other: connections, then streams of two protocols, of which some
   * end in between. What is refused is not tried again.
   *
   * @returns what was refused
   */
  async function run (manager: ResourceManagerInit): Promise<Record<string, number>> {
    const nodes = new TestNodes()
    const node = await nodes.create({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], manager: { fairness: false, ...manager } })
    const { resourceManager } = node.services

    await node.handle([CHAT, FILES], () => {}, { maxInboundStreams: 1_000 })

    try {
      for (let i = 0; i < 3; i++) {
        const peer = await nodes.create({ transports: [tcp()], manager: false })

        for (let j = 0; j < 1 + i; j++) {
          await visit(node, peer, i)
        }
      }

      return sumUp(resourceManager.refusals())
    } finally {
      await nodes.stop()
    }
  }

  async function visit (node: TestNode, peer: TestNode, i: number): Promise<void> {
    const { resourceManager } = node.services
    const refusals = (): number => resourceManager.refusals().reduce((sum, { count }) => sum + count, 0)
    const connections = node.getConnections().length
    const before = refusals()

    // the dialer may hear of the refusal later
    const connection = await peer.dial(node.getMultiaddrs(), { force: true }).catch(() => {})

    await eventually(() => node.getConnections().length > connections || refusals() > before, 'the connection, or its refusal')

    if (connection == null || refusals() > before) {
      return
    }

    for (let k = 0; k < 4 + i; k++) {
      const protocol = k % 3 === 0 ? CHAT : FILES
      const inbound = (): number => resourceManager.stat().protocols[protocol]?.numStreamsInbound ?? 0
      const held = inbound()
      const refused = refusals()
      const stream = await connection.newStream(protocol, { negotiateFully: true, maxOutboundStreams: 1_000 }).catch(() => {})

      await eventually(() => inbound() > held || refusals() > refused, 'the stream, or its refusal')

      // one that ends, where it was not refused
      if (k === 3 && stream != null && refusals() === refused) {
        stream.abort(new Error('the end'))
        await eventually(() => inbound() === held, 'its end')
      }
    }
  }

  it('should say what a second run with other limits refuses', async () => {
    const path = join(directory, 'trace.json.gz')
    const recorded = await run({ trace: [traceFile(path)] })

    expect(recorded, 'nothing is refused while it is recorded').to.deep.equal({})

    const report = await replayTrace(path, { limits: LIMITS })
    const second = await run({ limits: LIMITS })

    expect(report.exact).to.be.true()
    expect(report.skipped).to.equal(0)
    expect(Object.keys(second), 'several limits are reached').to.have.length.above(2)
    expect(sumUp(report.refusals)).to.deep.equal(second)
  })

  it('should refuse nothing with the limits that it was recorded with, and find the peaks', async () => {
    const path = join(directory, 'trace.json.gz')
    const recorded = await run({ limits: LIMITS, trace: [traceFile(path)] })
    const report = await replayTrace(path, {})

    expect(report.admitted).to.equal(0)
    expect(sumUp(report.refusals)).to.deep.equal(recorded)
    expect(report.usage.find(({ field, scope }) => scope === `protocol:${CHAT}` && field === 'streamsInbound')?.peak).to.equal(4)
  })
})
