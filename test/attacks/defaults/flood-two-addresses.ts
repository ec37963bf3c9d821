import type { Attack } from '../framework/attack.ts'

/**
 * libp2p counts handshakes and connections of a host before it asks anybody whether it wants
 * them
 */
function floodTwoAddresses (via: 'tcp' | 'websockets'): Attack {
  return {
    name: `flood-two-addresses-${via}`,
    what: `two addresses open as many sockets as they can and never begin with a handshake, over ${via}`,
    setup: 'default',
    via,
    attackers: 1,
    honest: 'stranger',
    bounds: { resident: 128, sockets: 160 },
    run: async (target) => {
      await target.repeat(2_000, 16, async i => {
        if (via === 'websockets') {
          await target.openWebSocket(i % 2)

          return
        }

        const socket = target.openSocket(i % 2)

        await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
      })
    }
  }
}

export const floodTwoAddressesTcp = floodTwoAddresses('tcp')
export const floodTwoAddressesWebSockets = floodTwoAddresses('websockets')
