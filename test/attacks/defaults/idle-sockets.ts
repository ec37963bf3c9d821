import type { Attack } from '../framework/attack.ts'

const SOCKETS = 2_000
const WEB_SOCKETS = 1_000
const ADDRESSES = 64

/**
 * A node has few files left that so many sockets keep open
 */
const MAX_SOCKETS = 300

function silentSockets (via: 'tcp' | 'websockets'): Attack {
  return {
    name: `silent-sockets-${via}`,
    what: `2000 sockets from 64 addresses send nothing, over ${via}`,
    setup: 'default',
    via,
    attackers: 1,
    honest: 'stranger',
    bounds: { resident: 128, sockets: MAX_SOCKETS },
    run: async (target) => {
      await target.repeat(SOCKETS, 32, async i => {
        const socket = target.openSocket(i % ADDRESSES)

        await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
      })
    }
  }
}

export const silentSocketsTcp = silentSockets('tcp')
export const silentSocketsWebSockets = silentSockets('websockets')

export const refusedWebSockets: Attack = {
  name: 'refused-websockets',
  what: '1000 WebSockets from 64 addresses stay open, refused or not',
  setup: 'default',
  via: 'websockets',
  attackers: 1,
  honest: 'stranger',
  bounds: { resident: 128, sockets: MAX_SOCKETS },
  run: async (target) => {
    await target.repeat(WEB_SOCKETS, 32, async i => target.openWebSocket(i % ADDRESSES))
  }
}
