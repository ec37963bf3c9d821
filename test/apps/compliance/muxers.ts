import { yamux } from '@chainsafe/libp2p-yamux'
import muxerSuite from '@libp2p/interface-compliance-tests/stream-muxer'
import { defaultLogger } from '@libp2p/logger'
import { mplex } from '@libp2p/mplex'
import { plaintext } from '@libp2p/plaintext'
import { HeldMuxers } from './held-muxer.ts'
import { SuiteNodes } from './suite-nodes.ts'
import type { Managers } from '../lib/managers.ts'
import type { ComponentLogger, StreamMuxerFactory } from '@libp2p/interface'
import type { ResourceManagerInit } from 'libp2p-resource-manager'

const MANY_STREAMS = { streams: 2000, streamsInbound: 1000, streamsOutbound: 1000 }

type MuxerFactory = (components: { logger: ComponentLogger }) => StreamMuxerFactory

// without a threshold as in js-libp2p's own tests: a few streams at a time are above it
const MUXERS = { yamux: yamux(), mplex: mplex({ disconnectThreshold: Infinity }) }

/**
 * The suite opens 1,000 streams at a time on one connection, none of which ever has a
 * protocol. Nobody may do that by default.
 */
const LIMITS: ResourceManagerInit = {
  limits: {
    transient: MANY_STREAMS,
    peerDefault: MANY_STREAMS
  },
  transientShare: 1
}

/**
 * Runs the suite for muxers with those of nodes, which a resource manager guards
 */
export function muxers (managers: Managers): void {
  for (const [name, create] of Object.entries(MUXERS)) {
    describe(name, () => {
      const nodes = new SuiteNodes(managers, LIMITS)
      const held = new HeldMuxers()

      // the suite tears nothing down
      afterEach(async () => { await nodes.stop() })

      muxerSuite({
        setup: async () => held.factory(
          (create as MuxerFactory)({ logger: defaultLogger() }),
          await nodes.create({ connectionEncrypters: [plaintext()], streamMuxers: [create] })
        ),
        teardown: async () => {}
      })
    })
  }
}
