import type { Attack } from './framework/attack.ts'

/**
 * Subnet limits are for this
 */
export const connectionsOneAddress: Attack = {
  name: 'connections-one-address',
  what: 'two peers open connections from one address and keep them',
  attackers: 2,
  honest: 'stranger',
  bounds: { resident: 128, connections: 16 },
  run: async (target) => {
    const node = await target.startNode(0)

    await target.repeat(600, 16, async () => target.connect(node))
  }
}
