/**
 * Two Helia nodes that only listen on a relay exchange files over it, in both directions
 * at once. Each of the three has a process of its own. The relay does not limit the data of
 * connections.
 */

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { Endings } from '../lib/endings.ts'
import { play } from '../lib/part.ts'
import { exchange } from './exchange.ts'
import type { Part } from '../lib/part.ts'

const MiB = 2 ** 20

async function relay (part: Part): Promise<unknown> {
  const endings = new Endings()
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { abortConnectionOnPingFailure: false },
    services: {
      identify: identify(),
      relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }),
      ...part.managers.services()
    }
  })

  endings.watch(node)
  part.say('address', `${node.getMultiaddrs()[0]}/p2p-circuit`)

  await part.measure(async () => part.together('complete'))
  endings.stopping()
  await part.together('stopping')
  await node.stop()

  return { endings: endings.report() }
}

await play(async part => {
  return part.role === 'relay' ? relay(part) : exchange(part, [64 * MiB], [await part.heard('relay.address')])
})
