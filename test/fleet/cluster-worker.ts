import cluster from 'node:cluster'
import { SCRIPTS } from '../../src/fleet/scripts.ts'
import { fleet, nodeCluster } from '../../src/fleet.ts'
import { createResourceManager } from '../../src/index.ts'
import { fill } from './fixtures.ts'
import type { Fleet, FleetInit, ScriptName } from '../../src/fleet.ts'
import type { ResourceManager } from '../../src/index.ts'

/**
 * A worker of a cluster. It does what it is told to, and says what came of it.
 */
const client = nodeCluster(cluster)
const members = new Map<string, { link: Fleet, manager: ResourceManager }>()

function member (name: string): { link: Fleet, manager: ResourceManager } {
  const found = members.get(name)

  if (found === undefined) {
    throw new Error(`there is no ${name}`)
  }

  return found
}

const COMMANDS = {
  run: async (script: ScriptName, key: string, args: string[]) => client.run(SCRIPTS[script], key, args),
  subscribe: async (channel: string) => client.subscribe(channel, message => { process.send?.({ channel, message }) }),
  unsubscribe: async (channel: string) => client.unsubscribe(channel),

  async start (name: string, init: Partial<FleetInit>) {
    const link = fleet({ client: nodeCluster(cluster), name, ...init })
    const manager = createResourceManager({ fleet: link, rateLimits: false, warnings: false })

    members.set(name, { link, manager })
    await manager.start()
  },

  view: (name: string) => member(name).link.view(),
  fill: (name: string, max: number) => fill(member(name).manager, max).length,
  block: async (name: string, target: string) => member(name).link.block(target, { for: '1h' }),
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
