import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { fleet } from '../../src/fleet.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { CONNECT_REDIS } from './clients.ts'
import { RedisServer } from './redis-server.ts'
import type { HeldElsewhere } from '../../src/scopes/fair-groups.ts'
import type { ScopeGraph } from '../../src/scopes/scope-graph.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'

const NODES = 3
const LIMIT = 8

/** Long, so that what nodes know of each other counts for a while on a slow machine */
const TTL = 15_000
const PATIENCE = 120_000

/** After that it may be that a node does not ask any more, which it does for a while after it was full */
const UNTIL_TOLD = 2 * TTL

/** What the attacker has with each node, and so does each of two honest networks with one */
const SPREAD = 2
const HONEST = 3

/** Of which addresses are */
const ATTACKER = '127.66'

interface Full {
  node: TestNode
  graph: ScopeGraph
}

describe('fleet/groups, of whole nodes over TCP with a real Redis', function () {
  this.timeout(5 * PATIENCE)

  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function remote (localAddress: string): Promise<TestNode> {
    return nodes.create({ transports: [tcp({ dialOpts: { localAddress } } as any)], manager: false, connectionManager: { reconnectRetries: 0 } })
  }

  async function connect (localAddress: string, to: TestNode): Promise<TestNode> {
    const from = await remote(localAddress)

    await from.dial(to.getMultiaddrs()[0])

    return from
  }

  /** How many connections a network has with a node */
  function held ({ node }: Full, network: string): number {
    return node.getConnections().filter(({ remoteAddr, status }) => status === 'open' && remoteAddr.toString().startsWith(`/ip4/${network}.`)).length
  }

  for (const connectClient of CONNECT_REDIS) {
    it(`should have those give way first who are spread over all nodes, with ${connectClient.name}`, async () => {
      const server = await RedisServer.start()
      const clients = await Promise.all(Array.from({ length: NODES }, async () => connectClient(server.url)))

      try {
        // nobody has to wait for old leases
        await clients[0].leftInOrder?.('{libp2p-rm:groups}')

        const all = await Promise.all(clients.map(async ({ client }) => create(client)))

        await spread(all)
        await eventually(() => all.every(({ node }) => node.getConnections().length === LIMIT), 'all of them to be full')

        for (const [i, full] of all.entries()) {
          // by what is known here, a network with three has most
          await connect(`127.${100 + i}.0.1`, full.node)
          await eventually(() => held(full, `127.${2 * i + 10}`) + held(full, `127.${2 * i + 11}`) === 2 * HONEST - 1, 'the one that gives way')
          expect(held(full, ATTACKER)).to.equal(SPREAD)
        }

        let told = 0

        for (const [i, full] of all.entries()) {
          told += await untilOneGivesWay(full, i) ? 1 : 0
          expect(held(full, `127.${100 + i}`)).to.equal(1)
        }

        // otherwise nobody has said anything of the others
        expect(told, 'nodes that knew what the others hold').to.be.above(0)
      } finally {
        await nodes.stop()
        await Promise.all(clients.map(async ({ close }) => close()))
        await server.stop()
      }
    })
  }

  async function create (client: Parameters<typeof fleet>[0]['client']): Promise<Full> {
    const link = fleet({ client, name: 'groups', ttl: TTL })
    const start = link.start.bind(link)
    let graph: ScopeGraph | undefined

    link.start = async (member, admission) => {
      ({ graph } = member.metricsSource)
      await start(member, admission)
    }

    const node = await nodes.create({
      transports: [tcp()],
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      connectionManager: { inboundConnectionThreshold: 10_000 },
      manager: { limits: { system: { conns: LIMIT } }, fairness: { protect: 0, handshakes: false }, rateLimits: false, fleet: link }
    })

    await link.ready(PATIENCE)

    return { node, graph: graph as ScopeGraph }
  }

  /**
   * An attacker that has few connections with each node, and honest networks that have more with one
   */
  async function spread (all: Full[]): Promise<void> {
    for (let i = 0; i < SPREAD; i++) {
      const attacker = await remote(`${ATTACKER}.0.${i + 1}`)

      for (const { node } of all) {
        await attacker.dial(node.getMultiaddrs()[0])
      }
    }

    for (const [i, { node }] of all.entries()) {
      for (let j = 0; j < HONEST; j++) {
        await connect(`127.${2 * i + 10}.${j}.1`, node)
        await connect(`127.${2 * i + 11}.${j}.1`, node)
      }
    }
  }

  /**
   * Newcomers, each from a network of its own, until the attacker has less there
   *
   * @returns Whether the node knew what the others hold when the last one came
   */
  async function untilOneGivesWay (full: Full, place: number): Promise<boolean> {
    const { node, graph } = full
    // with what it has here that is more than anybody else has
    const known = (): HeldElsewhere | undefined => {
      const elsewhere = graph.groups?.elsewhere

      return elsewhere?.valid === true && elsewhere.held('connections', `${ATTACKER}.0.0/16`) >= SPREAD ? elsewhere : undefined
    }

    for (let i = 0; ; i++) {
      expect(i, 'newcomers').to.be.below(16)
      await eventually(known, 'what the others hold', UNTIL_TOLD).catch(() => {
        // the newcomer makes it full again
      })

      const before = known()

      await connect(`127.${200 + 16 * place + i}.0.1`, node)
      await eventually(() => node.getConnections().length <= LIMIT, 'the one that gives way')

      // the same from beginning to end: otherwise it was too old, or not there yet, in the very moment
      const told = before !== undefined && before === known()

      if (told) {
        expect(held(full, ATTACKER), 'of the attacker').to.equal(SPREAD - 1)
      }

      if (held(full, ATTACKER) < SPREAD) {
        return told
      }
    }
  }
})
