/**
 * Handshakes that are begun as fast as they can, from so many addresses that none of them is
 * over a limit of its own: loopback addresses have none. What is short is the time of the CPU.
 * To complete them would take the attackers as much of it as the victim.
 */

import { NETWORK_BITS, networkAddress } from './framework/addresses.ts'
import type { Attack } from './framework/attack.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Socket } from 'node:net'

/**
 * Many handshakes may run at a time
 */
const MANAGER: ResourceManagerInit = {
  maxConnections: 1024,
  fairness: { networks: { ipv4: NETWORK_BITS }, subnets: { ipv4: NETWORK_BITS + 4 } }
}

/**
 * How many are begun at a time: less than Linux lets wait for
 * Node.js to accept them (511), because it is no use to shed what it has not told of
 */
const PARALLEL = 400

/**
 * What each of these, and the honest ones, may begin while the event loop is busy is about 5 in
 * a second: more than honest peers need
 */
const NETWORKS = 16

/**
 * How many hosts each network has
 */
const HOSTS = 200

/**
 * All that it takes to have the victim make keys and sign something: the protocols, and the
 * first message of noise, whose key is any point of the curve. Nothing has to be computed for it.
 */
const FIRST_MESSAGE = Buffer.concat([
  Buffer.from('\x13/multistream/1.0.0\n\x07/noise\n'),
  Buffer.from([0, 32]),
  Buffer.alloc(32, 9)
])

/**
 * The length of what the victim answers with at least, in bytes: the protocols again, and the
 * second message of noise
 */
const ANSWER_LENGTH = 28 + 2 + 96

async function untilAnswered (socket: Socket): Promise<void> {
  let received = 0

  await new Promise<void>(resolve => {
    socket.once('close', resolve).on('data', chunk => {
      received += chunk.length

      if (received >= ANSWER_LENGTH) {
        resolve()
      }
    })
  })
}

export const handshakeFlood: Attack = {
  name: 'handshake-flood',
  what: 'sockets from 16 networks send the first message of a handshake, and go when it is answered, as fast as they can',
  setup: 'default',
  attackers: 1,
  honest: 'stranger',
  duration: 8_000,
  manager: MANAGER,
  // a machine that is fast enough has time for all of them
  refused: false,
  bounds: { resident: 320, sockets: 600 },
  run: async target => {
    await target.repeat(Infinity, PARALLEL, async i => {
      const socket = target.openSocket(networkAddress(i % NETWORKS, Math.floor(i / NETWORKS) % HOSTS))

      socket.once('connect', () => socket.write(FIRST_MESSAGE))
      await untilAnswered(socket)
      socket.resetAndDestroy()
    })
  }
}
