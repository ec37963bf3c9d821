import { pipe } from 'it-pipe'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../../src/index.ts'
import { ECHO_PROTOCOL, nodeOptions } from './node.ts'
import type { Libp2p, ServiceMap, Stream } from '@libp2p/interface'

/**
 * Small limits, so that an attack of a few seconds meets all of them. No more
 * than 48 peers can have a connection and no peer more than 16 streams, so that
 * streams whose negotiation hangs cannot fill the 1024 of transient.
 */
const LIMITS = {
  system: { connsInbound: 48, streamsInbound: 1024 },
  transient: { connsInbound: 24, streamsInbound: 1024 },
  peerDefault: { connsInbound: 4, streamsInbound: 16 },
  protocol: {
    [ECHO_PROTOCOL]: { streamsInbound: 256 }
  }
}

export interface ServerServices extends ServiceMap {
  resourceManager: ReturnType<ReturnType<typeof resourceManager>>
}

async function echo (stream: Stream): Promise<void> {
  try {
    await pipe(stream, async (source) => {
      for await (const data of source) {
        if (!stream.send(data)) {
          await stream.onDrain()
        }
      }
    })

    await stream.close()
  } catch (err: any) {
    stream.abort(err)
  }
}

/**
 * The node under attack: it echoes, with or without a resource manager
 */
export async function startServer (enabled: boolean): Promise<Libp2p<ServerServices>> {
  const node = await createLibp2p<ServerServices>({
    ...nodeOptions(),
    addresses: {
      listen: ['/ip4/127.0.0.1/tcp/0']
    },
    services: {
      resourceManager: resourceManager({
        enabled,
        limits: LIMITS,
        services: { echo: [ECHO_PROTOCOL] }
      })
    }
  })

  // the limits of libp2p itself are per connection: out of the way, too
  await node.handle(ECHO_PROTOCOL, echo, {
    maxInboundStreams: 100_000
  })

  return node
}
