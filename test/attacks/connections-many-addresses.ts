import type { Attack } from './framework/attack.ts'

/**
 * Together they are allowed more than the system has: others only get in if somebody gives way
 */
export const connectionsManyAddresses: Attack = {
  name: 'connections-many-addresses',
  what: 'two peers open connections from 64 addresses and keep them',
  attackers: 2,
  honest: 'stranger',
  bounds: { resident: 128, connections: 64 },
  run: async (target) => {
    const nodes = await Promise.all(Array.from({ length: 32 }, async (_, i) => target.startNode(2 * i + target.attacker)))

    await target.repeat(600, 16, async i => target.connect(nodes[i % nodes.length]))
  }
}
