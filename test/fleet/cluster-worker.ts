import cluster from 'node:cluster'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { SCRIPTS } from '../../src/fleet/scripts.ts'
import { fleet, nodeCluster } from '../../src/fleet.ts'
import { createResourceManager, resourceManager } from '../../src/index.ts'
import { PROTOCOL } from '../libp2p/fixtures/inbox.ts'
import { tryToCome } from './arrivals.ts'
import { connectNodeRedis } from './clients.ts'
import { fill } from './fixtures.ts'
import { setTimeOfDay } from './time-of-day.ts'
import type { Arrival } from './arrivals.ts'
import type { Duration, Fleet, FleetClient, FleetInit, FleetLimits, ScriptName } from '../../src/fleet.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { Stream } from '@libp2p/interface'

/**
 * A worker of a cluster. It does what it is told to, and says what came of it.
 */
const client = nodeCluster(cluster)
const members = new Map<string, Member>()

interface Member {
  link: Fleet
  manager: ResourceManager
}

function member (name: string): Member {
  const found = members.get(name)

  if (found === undefined) {
    throw new Error(`there is no ${name}`)
  }

  return found
}

async function clientOf (url: string | undefined): Promise<FleetClient> {
  return url === undefined ? nodeCluster(cluster) : (await connectNodeRedis(url)).client
}

/**
 * Sends as much as it may until the stream ends
 */
async function sendForever (stream: Stream, size: number): Promise<void> {
  const data = new Uint8Array(size)

  while (stream.status === 'open') {
    if (!stream.send(data)) {
      await stream.onDrain()
    }
  }
}

const COMMANDS = {
  run: async (script: ScriptName, key: string, args: string[]) => client.run(SCRIPTS[script], key, args),
  subscribe: async (channel: string) => client.subscribe(channel, message => { process.send?.({ channel, message }) }),
  unsubscribe: async (channel: string) => client.unsubscribe(channel),

  /**
   * @param name - of the fleet
   * @param init
   * @param options
   * @param options.url - of a server, instead of the primary
   * @param options.as - by which it is known here, where there are several of one fleet
   */
  async start (name: string, init: Partial<FleetInit>, { as = name, url }: { as?: string, url?: string } = {}) {
    const link = fleet({ client: await clientOf(url), name, ...init })
    const manager = createResourceManager({ fleet: link, rateLimits: false, warnings: false })

    members.set(as, { link, manager })
    await manager.start()
  },

  /**
   * A whole node, which sends somebody as much as it may
   */
  async sendTo (name: string, init: Partial<FleetInit>, address: string, size: number) {
    const link = fleet({ client: nodeCluster(cluster), name, ...init })
    const node = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { resourceManager: resourceManager({ fleet: link, sessions: {}, rateLimits: false, warnings: false }) }
    })

    members.set(name, { link, manager: node.services.resourceManager })
    sendForever(await node.dialProtocol(multiaddr(address), PROTOCOL), size).catch(() => {
      // the other end stops when the test is over
    })
  },

  /**
   * One or more who come to each address, and when there was room for them
   */
  come: (name: string, addresses: string[]): Array<Arrival | undefined> => addresses.map(address => tryToCome(member(name).manager, address)),

  isBlocked (name: string, address: string): boolean {
    const { fits, refusedBy } = member(name).manager.explain({ resource: 'connection', direction: 'inbound', address })

    return !fits && refusedBy?.startsWith('ban:') === true
  },

  setTimeOfDay: (ms: number) => { setTimeOfDay(ms) },
  now: () => Date.now(),
  sums: async (name: string) => member(name).link.stat(),

  view: (name: string) => member(name).link.view(),
  fill: (name: string, max: number) => fill(member(name).manager, max).length,
  block: async (name: string, target: string, duration: Duration = '1h') => member(name).link.block(target, { for: duration }),
  setLimits: async (name: string, limits: FleetLimits) => member(name).link.setLimits(limits),
  stop: async (name: string) => member(name).manager.stop(),

  problem () {
    // the primary is the one that is told, before there is nobody to tell
    return client.problem?.() ?? ''
  },

  junk (messages: unknown[]) {
    messages.forEach(message => { process.send?.(message) })
  }
} satisfies Record<string, (...args: any[]) => unknown>

export type Commands = typeof COMMANDS

process.on('message', ({ args, asked, command }: { args: unknown[], asked: number, command: keyof Commands }) => {
  if (asked !== undefined) {
    void (async () => (COMMANDS[command] as (...args: unknown[]) => unknown)(...args))().then(
      result => process.send?.({ asked, result }),
      (err: Error) => process.send?.({ asked, error: err.message })
    )
  }
})

process.send?.({ ready: true })
