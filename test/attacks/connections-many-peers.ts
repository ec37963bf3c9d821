import type { Attack } from './framework/attack.ts'

/**
 * An identity costs nothing, an address does
 */
export const connectionsManyPeers: Attack = {
  name: 'connections-many-peers',
  what: 'hundreds of peers open a connection each from one address and keep it',
  attackers: 2,
  honest: 'stranger',
  bounds: { resident: 128, connections: 16 },
  run: async (target) => {
    await target.repeat(400, 16, async () => target.connect(await target.startNode(0)))
  }
}
