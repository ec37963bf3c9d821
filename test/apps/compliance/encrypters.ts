import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import encrypterSuite from '@libp2p/interface-compliance-tests/connection-encryption'
import { plaintext } from '@libp2p/plaintext'
import { tls } from '@libp2p/tls'
import { HeldEncrypter } from './held-encrypter.ts'
import { SuiteNodes } from './suite-nodes.ts'
import type { Managers } from '../lib/managers.ts'

const ENCRYPTERS = { Noise: noise(), TLS: tls(), plaintext: plaintext() }

/**
 * Runs the suite for encrypters with those of a node that upgrades the connections of
 * the suite, so that its resource manager accounts for them
 */
export function encrypters (managers: Managers): void {
  for (const [name, create] of Object.entries(ENCRYPTERS)) {
    describe(name, () => {
      const nodes = new SuiteNodes(managers)

      encrypterSuite({
        setup: async (args) => {
          const held = new HeldEncrypter()
          const { upgrader } = await nodes.create({
            connectionEncrypters: [components => held.of(create(components))],
            streamMuxers: [yamux()]
          }, args?.privateKey)

          return held.forSuite(upgrader)
        },
        teardown: async () => { await nodes.stop() }
      })
    })
  }
}
