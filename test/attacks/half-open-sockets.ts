import type { Attack } from './framework/attack.ts'

/**
 * How far they get with a handshake: not at all, or just short of it
 */
const BEGINNINGS = [
  '',
  '\x13/multistream/1.0.0\n',
  '\x13/multistream/1.0.0\n\x07/noise\n'
]

/**
 * Fewer than would need all of the transient scope at a quarter each
 */
const ADDRESSES = 3

/**
 * One address may have a share of the connections without a peer
 */
export const halfOpenSockets: Attack = {
  name: 'half-open-sockets',
  what: 'sockets from three addresses never finish the handshake',
  attackers: 1,
  honest: 'stranger',
  bounds: { resident: 128, sockets: 160 },
  run: async (target) => {
    await target.repeat(4_000, 64, async i => {
      const socket = target.openSocket(i % ADDRESSES)

      await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
      socket.write(BEGINNINGS[i % BEGINNINGS.length])
    })
  }
}
