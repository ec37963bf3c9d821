import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import delay from 'delay'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../../../src/index.ts'
import { ATTACK_ADDRESSES, attackAddress, HONEST_ADDRESS, TRUSTED_ADDRESS } from './addresses.ts'
import { ASK, DOWNLOAD, DOWNLOAD_LENGTH, ECHO, LARGE, PAUSED, SLOW, UNREAD, WORK } from './protocols.ts'
import type { Attack } from './attack.ts'
import type { ResourceManager, ResourceManagerInit } from '../../../src/index.ts'
import type { ComponentLogger, Libp2p, ServiceMap, Stream } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

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

/**
 * The memory of a machine whose defaults are attacked, in bytes
 */
const DEFAULT_MEMORY = 2 ** 30

/**
 * What addresses that are not loopback are allowed by default
 */
const CONNECTIONS_PER_ADDRESS = 8
const RATE_PER_ADDRESS = { rate: 0.2, burst: 16 }

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

function answerWhoAsks (stream: Stream): void {
  stream.addEventListener('message', ({ data }) => {
    stream.pause()

    if (data.subarray()[0] === ASK) {
      stream.send(new Uint8Array(DOWNLOAD_LENGTH).fill(7))
      stream.close().catch(() => {})
    }
  }, { once: true })
}

/**
 * What is left out of the defaults is that loopback addresses have no limits, for those of
 * the attackers
 */
function defaultManager (): ResourceManagerInit {
  const networks = Array.from({ length: ATTACK_ADDRESSES }, (_, i) => `${attackAddress(i)}/32`)

  return {
    allowlist: [multiaddr(`/ip4/${TRUSTED_ADDRESS}`)],
    subnetLimits: { prefixes: networks.map(network => ({ network, connCount: CONNECTIONS_PER_ADDRESS })) },
    rateLimits: { connections: { prefixes: networks.map(network => ({ network, ...RATE_PER_ADDRESS })) } }
  }
}

function roomyManager (honest: Attack['honest']): ResourceManagerInit {
  return { ...MANAGER, allowlist: honest === 'trusted' ? [multiaddr(`/ip4/${HONEST_ADDRESS}`)] : [] }
}

/**
 * What libp2p limits itself is out of the way
 */
const ROOMY_LIBP2P = {
  connectionMonitor: { enabled: false },
  connectionManager: {
    maxConnections: PLENTY,
    maxIncomingPendingConnections: PLENTY,
    inboundConnectionThreshold: PLENTY,
    reconnectRetries: 0
  }
}

/**
 * What the transports of a victim are
 */
function transportsOf (via: Attack['via']): NonNullable<Libp2pOptions['transports']> {
  switch (via) {
    case 'websockets':
      return [webSockets()]
    case 'relay':
      return [tcp(), circuitRelayTransport()]
    default:
      return [tcp()]
  }
}

/**
 * A node to be attacked
 *
 * @param attack - What it is prepared for
 * @param enabled - Whether it has a resource manager
 * @param logger
 * @param relay - The address of the relay over which it can be reached too
 */
export async function startVictim (attack: Pick<Attack, 'manager' | 'honest' | 'setup' | 'via'>, enabled: boolean, logger: ComponentLogger, relay?: string): Promise<Victim> {
  const { manager, honest, setup = 'roomy', via = 'tcp' } = attack

  if (setup === 'default') {
    // as in a container
    process.constrainedMemory = () => DEFAULT_MEMORY
  }

  const node = await createLibp2p<VictimServices>({
    logger,
    addresses: { listen: [via === 'websockets' ? '/ip4/127.0.0.1/tcp/0/ws' : '/ip4/127.0.0.1/tcp/0', ...(relay == null ? [] : [`${relay}/p2p-circuit`])] },
    transports: transportsOf(via),
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...(setup === 'default' ? {} : ROOMY_LIBP2P),
    services: {
      ...(relay == null ? {} : { identify: identify() }),
      resourceManager: resourceManager({
        ...(setup === 'default' ? defaultManager() : roomyManager(honest)),
        enabled,
        ...manager
      })
    }
  })
  const victim: Victim = { node, handlers: 0 }
  const options = setup === 'default' ? {} : { maxInboundStreams: PLENTY }

  await node.handle(ECHO, echo, options)
  await node.handle(LARGE, answerAtLength, options)
  await node.handle(DOWNLOAD, answerWhoAsks, options)
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
