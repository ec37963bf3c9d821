/**
 * Attackers of several networks hold all that there is of something, and as many of it as
 * they can get. The honest peer is a stranger that comes when nothing is left.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { ATTACK_NETWORKS, NETWORK_BITS, networkAddress } from './framework/addresses.ts'
import { ECHO } from './framework/protocols.ts'
import { muxerOf } from './framework/target.ts'
import type { Attack } from './framework/attack.ts'
import type { Target } from './framework/target.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Connection, Libp2p } from '@libp2p/interface'

/**
 * On one machine the networks are smaller than elsewhere
 */
const FAIRNESS: ResourceManagerInit['fairness'] = { networks: { ipv4: NETWORK_BITS }, subnets: { ipv4: NETWORK_BITS + 4 } }

/**
 * How long attackers that come back again and again wait in between, in ms: long enough
 * for a machine that all parties share
 */
const COMES_BACK_AFTER = 5

const TRICKLE_INTERVAL = 100

const SERVICE = 'echo'

/**
 * Nodes in so many networks in turn, of which each attacker has its own
 */
async function startNodes (target: Target, networks: number, nodes = networks): Promise<Libp2p[]> {
  return Promise.all(Array.from({ length: nodes }, async (_, i) => target.startNode(networkAddress(target.attacker * networks + i % networks, Math.floor(i / networks)))))
}

/**
 * Connections from so many networks, one each
 */
async function connectFrom (target: Target, networks: number): Promise<Connection[]> {
  const nodes = await startNodes(target, networks)

  return Promise.all(nodes.map(async node => target.connect(node)))
}

/**
 * Opens streams of the protocol that the honest peer uses until there are so many, and
 * again when some of them are gone
 */
async function holdStreams (target: Target, networks: number, streams: number): Promise<void> {
  const connections = await connectFrom(target, networks)

  await target.repeat(Infinity, 32, async i => {
    const connection = connections[i % networks]

    if (connection.streams.length >= streams / networks) {
      await sleep(COMES_BACK_AFTER)
      return
    }

    const stream = await connection.newStream(ECHO, { maxOutboundStreams: Infinity, signal: target.signal })

    stream.send(new Uint8Array(1))
  })
}

/**
 * How many connections a peer may have
 */
const PER_PEER = 8

function heldSlots (networks: number, maxConnections: number, attackers = 1): Attack {
  return {
    name: `held-slots-${networks}`,
    what: `peers of ${networks} networks hold all inbound connections, and come back as fast as they can`,
    attackers,
    honest: 'stranger',
    late: true,
    manager: { maxConnections, fairness: FAIRNESS },
    // a connection and its share of the handshakes weigh about 1 MiB here
    bounds: { resident: 64 + maxConnections, connections: maxConnections },
    run: async target => {
      const own = networks / attackers
      const nodes = await startNodes(target, own, Math.max(own, 2 * maxConnections / PER_PEER / attackers))

      await target.repeat(Infinity, 16, async i => {
        const node = nodes[i % nodes.length]

        if (node.getConnections().length < PER_PEER) {
          await target.connect(node)
        }

        await sleep(COMES_BACK_AFTER)
      })
    }
  }
}

const heldHandshakes: Attack = {
  name: 'held-handshakes',
  what: 'sockets from 16 networks hold all handshakes and never finish, and come back',
  attackers: 1,
  honest: 'stranger',
  late: true,
  manager: { fairness: FAIRNESS },
  bounds: { resident: 128, sockets: 256 },
  run: async target => {
    await target.repeat(Infinity, 64, async i => {
      const socket = target.openSocket(networkAddress(i % 16))

      await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
      await new Promise(resolve => socket.once('close', resolve).once('error', resolve))
    })
  }
}

const heldNegotiations: Attack = {
  name: 'held-negotiations',
  what: 'peers of 16 networks hold all streams without a protocol, and open new ones',
  attackers: 1,
  honest: 'stranger',
  late: true,
  manager: { fairness: FAIRNESS },
  bounds: { resident: 128, streams: 600 },
  run: async target => {
    const connections = await connectFrom(target, 16)

    await target.repeat(Infinity, 32, async i => {
      const connection = connections[i % 16]

      if (connection.streams.length >= 64) {
        await sleep(COMES_BACK_AFTER)
        return
      }

      const stream = await muxerOf(connection).createStream()

      // the length of what never comes
      stream.send(Uint8Array.of(19))
      await sleep(1)
    })
  }
}

const heldProtocol: Attack = {
  name: 'held-protocol',
  what: 'peers of 16 networks hold all streams of a protocol, and open new ones',
  attackers: 1,
  honest: 'stranger',
  late: true,
  manager: { fairness: FAIRNESS, limits: { protocol: { [ECHO]: { streamsInbound: 256 } } } },
  bounds: { resident: 128, streams: 700 },
  run: async target => holdStreams(target, 16, 512)
}

const heldService: Attack = {
  name: 'held-service',
  what: 'peers of 16 networks hold all streams of a service, and open new ones',
  attackers: 1,
  honest: 'stranger',
  late: true,
  manager: { fairness: FAIRNESS, services: { [SERVICE]: [ECHO] }, limits: { service: { [SERVICE]: { streamsInbound: 256 } } } },
  bounds: { resident: 128, streams: 700 },
  run: async target => holdStreams(target, 16, 512)
}

const slowTrickle: Attack = {
  name: 'slow-trickle',
  what: 'peers of 16 networks hold all streams of a protocol and send a byte on each of them now and then',
  attackers: 1,
  honest: 'stranger',
  late: true,
  manager: { fairness: FAIRNESS, limits: { protocol: { [ECHO]: { streamsInbound: 256 } } } },
  bounds: { resident: 128, streams: 700 },
  run: async target => {
    const connections = await connectFrom(target, 16)

    const trickle = setInterval(() => {
      for (const stream of connections.flatMap(({ streams }) => streams)) {
        stream.writeStatus === 'writable' && stream.protocol === ECHO && stream.send(Uint8Array.of(1))
      }
    }, TRICKLE_INTERVAL)

    await target.repeat(16 * 32, 32, async i => {
      await connections[i % 16].newStream(ECHO, { maxOutboundStreams: Infinity, signal: target.signal })
    })
    await new Promise(resolve => { target.signal.addEventListener('abort', resolve) })
    clearInterval(trickle)
  }
}

const evictionChurn: Attack = {
  name: 'eviction-churn',
  what: 'peers of 16 networks connect as fast as they can and go again, to have others give way',
  attackers: 1,
  honest: 'stranger',
  late: false,
  manager: { fairness: FAIRNESS },
  bounds: { resident: 128, connections: 64 },
  run: async target => {
    const nodes = await startNodes(target, 16)

    await target.repeat(Infinity, 32, async i => {
      const connection = await target.connect(nodes[i % 16])

      if (i % 2 === 0) {
        connection.abort(new Error('churn'))
      }
    })
  }
}

export const HELD: readonly Attack[] = [
  heldSlots(4, 64),
  heldSlots(16, 64),
  // the honest peer needs two slots, and so there must be three for each network
  { ...heldSlots(ATTACK_NETWORKS, 264, 2), duration: 6_000 },
  heldHandshakes,
  heldNegotiations,
  heldProtocol,
  heldService,
  slowTrickle,
  evictionChurn
]
