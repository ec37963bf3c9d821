import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import delay from 'delay'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../../../src/index.ts'
import { ATTACK_ADDRESSES, attackAddress, HONEST_ADDRESS } from './addresses.ts'
import { ECHO, LARGE, PAUSED, SLOW, UNREAD, WORK } from './protocols.ts'
import type { Attack } from './attack.ts'
import type { ResourceManager, ResourceManagerInit } from '../../../src/index.ts'
import type { ComponentLogger, Libp2p, ServiceMap, Stream } from '@libp2p/interface'

/**
 * How long the handler of `WORK` takes, and the one of `SLOW` with each chunk, in ms
 */
const WORK_DURATION = 1_000

/**
 * How much the handler of `LARGE` answers with, in bytes
 */
const ANSWER_LENGTH = 16 * 2 ** 20

/**
 * More than any attack comes to: what libp2p limits itself must not get in the way of
 * what is shown, with and without a resource manager
 */
const PLENTY = 100_000

/**
 * What the machine of a node with little memory gets. The rest is default, but for what
 * these do not say about loopback addresses: those of the attackers are treated as
 * any others. The rate of connections is not limited, so that an attack of a few
 * seconds gets as far as the other limits.
 */
const MANAGER: ResourceManagerInit = {
  maxMemory: '64MiB',
  maxConnections: 64,
  rateLimits: false,
  // what the victim prints is what went wrong
  warnings: false,
  subnetLimits: {
    prefixes: Array.from({ length: ATTACK_ADDRESSES }, (_, i) => ({ network: `${attackAddress(i)}/32`, connCount: 8 }))
  }
}

export interface VictimServices extends ServiceMap {
  resourceManager: ResourceManager
}

export interface Victim {
  node: Libp2p<VictimServices>

  /** How many handlers of `WORK` run */
  handlers: number
}

function echo (stream: Stream): void {
  stream.addEventListener('message', ({ data }) => { stream.send(data) })
  stream.addEventListener('remoteCloseWrite', () => {
    // the stream may be gone by then
    stream.close().catch(() => {})
  })
}

function answerAtLength (stream: Stream): void {
  stream.addEventListener('message', () => {
    if (stream.status === 'open') {
      // not just zeros, which take no memory
      stream.send(new Uint8Array(ANSWER_LENGTH).fill(7))
    }
  })
}

async function readSlowly (stream: Stream): Promise<void> {
  for await (const chunk of stream) {
    await delay(WORK_DURATION, { value: chunk })
  }
}

/**
 * A node to be attacked
 */
export async function startVictim ({ manager, honest }: Pick<Attack, 'manager' | 'honest'>, enabled: boolean, logger: ComponentLogger): Promise<Victim> {
  const node = await createLibp2p<VictimServices>({
    logger,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: PLENTY,
      maxIncomingPendingConnections: PLENTY,
      inboundConnectionThreshold: PLENTY,
      reconnectRetries: 0
    },
    services: {
      resourceManager: resourceManager({
        ...MANAGER,
        enabled,
        allowlist: honest === 'trusted' ? [multiaddr(`/ip4/${HONEST_ADDRESS}`)] : [],
        ...manager
      })
    }
  })
  const victim: Victim = { node, handlers: 0 }
  const options = { maxInboundStreams: PLENTY }

  await node.handle(ECHO, echo, options)
  await node.handle(LARGE, answerAtLength, options)
  await node.handle([...UNREAD], () => {}, options)
  await node.handle(PAUSED, stream => { stream.pause() }, options)
  await node.handle(SLOW, readSlowly, options)
  await node.handle(WORK, async () => {
    victim.handlers++
    await delay(WORK_DURATION)
    victim.handlers--
  }, options)

  return victim
}
