import { tcp } from '@libp2p/tcp'
import { readAll } from '../framework/read-all.ts'
import type { Program } from '../framework/program.ts'

const PROTOCOL = '/name/1.0.0'

/**
 * How long a byte is on its way, in ms: there and back takes 300
 */
const LATENCY = 150

/**
 * A node that dials many peers at once over links that take long, and asks each for its name
 */
export function dialling (peers: number): Program {
  return {
    what: `dials ${peers} peers at once over links of 300 ms`,
    outcome: Array.from({ length: peers }, (_, i) => `peer ${i}`),
    run: async world => {
      const node = await world.create({ transports: [tcp()] })
      const addresses = await Promise.all(Array.from({ length: peers }, async (_, i) => {
        const peer = await world.create({ transports: [tcp()], addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })

        await peer.handle(PROTOCOL, async stream => {
          stream.send(new TextEncoder().encode(`peer ${i}`))
          await stream.close()
        })

        return world.link(peer.getMultiaddrs()[0], { latency: LATENCY })
      }))

      return Promise.all(addresses.map(async address => {
        const stream = await node.dialProtocol(address, PROTOCOL)
        const name = readAll(stream)

        // without that plain js-libp2p waits forever where the answer came with the protocol
        await stream.close()

        return new TextDecoder().decode(await name)
      }))
    }
  }
}
