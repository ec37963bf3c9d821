import cluster from 'node:cluster'
import { expect } from 'aegir/chai'
import { nodeCluster } from '../../src/fleet.ts'
import { Arrivals } from './arrivals.ts'
import { connectNodeRedis } from './clients.ts'
import { readUntil } from './fixtures.ts'
import { RedisServer } from './redis-server.ts'
import { Worker } from './workers.ts'
import type { RedisTestClient } from './clients.ts'
import type { FleetInit } from '../../src/fleet.ts'

const SECOND = 1_000
const HOUR = 3_600_000
const TTL = 5_000

/** Of limits: longer than a process may have to wait for a busy machine, or its room would be free for the others */
const LONG_TTL = 60_000
const ADDRESS = '/ip4/192.0.2.1/tcp/4001'

/** How far the clocks of the nodes are ahead of that of the engine, in ms */
const AHEAD = [30 * SECOND, -30 * SECOND, 0]

/** And how many may come at once, at most */
const RATE = { rate: 5, burst: 10 }
const MOST = RATE.burst + RATE.rate * TTL / SECOND

let fleets = 0

function newFleet (): string {
  return `clocks-${fleets++}`
}

describe('fleet/clocks', function () {
  this.timeout(300_000)

  const workers: Worker[] = []
  const extra: Worker[] = []
  let server: RedisServer
  let observer: RedisTestClient

  before(async () => {
    nodeCluster(cluster)
    server = await RedisServer.start()
    observer = await connectNodeRedis(server.url)
    workers.push(...await Promise.all(AHEAD.map(async () => Worker.fork())))
  })

  after(async () => {
    await Promise.all(workers.map(async worker => worker.kill()))
    await observer.close()
    await server.stop()
  })

  afterEach(async () => {
    await Promise.all(extra.splice(0).map(async worker => worker.kill()))
  })

  /**
   * A node in a process of its own, in which it is another time of day
   */
  async function startNode (worker: Worker, name: string, init: Partial<FleetInit>, url: string | undefined, ahead: number): Promise<Worker> {
    await worker.ask('setTimeOfDay', ahead)
    expect(Math.abs(await worker.ask('now') - Date.now() - ahead), 'the time there').to.be.below(10 * SECOND)
    await worker.ask('start', name, { ttl: TTL, ...init }, { url })

    return worker
  }

  async function three (name: string, init: Partial<FleetInit>, url: string | undefined): Promise<Worker[]> {
    // nobody has to wait for old leases
    await observer.leftInOrder?.(`{libp2p-rm:${name}}`)

    return Promise.all(workers.map(async (worker, i) => startNode(worker, name, init, url, AHEAD[i])))
  }

  async function areBlocked (nodes: Worker[], name: string, address = ADDRESS): Promise<boolean[]> {
    return Promise.all(nodes.map(async node => node.ask('isBlocked', name, address)))
  }

  /** Somebody sets all clocks, two of them by more than the block of an hour lasts */
  async function setClocks (nodes: Worker[]): Promise<void> {
    const ahead = [-30 * SECOND, 2 * HOUR, -2 * HOUR]

    await Promise.all(nodes.map(async (node, i) => node.ask('setTimeOfDay', ahead[i])))
  }

  for (const [engine, url] of [['a real Redis', () => server.url], ['the primary of a cluster', () => undefined]] as const) {
    it(`should have blocks begin and end together, whatever time of day nodes think it is, with ${engine}`, async () => {
      const name = newFleet()
      const nodes = await three(name, {}, url())
      const everywhere = (address: string, is: boolean, what: string): Promise<unknown> =>
        readUntil(async () => areBlocked(nodes, name, address), all => all.every(blocked => blocked === is), what)

      await nodes[0].ask('block', name, '192.0.2.1', '1h')
      await everywhere(ADDRESS, true, 'the block')
      await nodes[1].ask('block', name, '192.0.2.2', '1h')
      await everywhere('/ip4/192.0.2.2/tcp/1', true, 'the other block')

      await setClocks(nodes)
      expect(await areBlocked(nodes, name), 'after the clocks were set').to.deep.equal([true, true, true])

      // one whose clock is two hours behind says how long, and others have to know when that is
      await nodes[2].ask('block', name, '192.0.2.3', '1s')
      await nodes[1].ask('block', name, '192.0.2.4', '1s')

      // nobody can see the end of what it has not heard of
      const { version } = await nodes[1].ask('view', name)

      await readUntil(async () => Promise.all(nodes.map(async node => (await node.ask('view', name)).version)), versions => versions.every(seen => seen >= version), 'the short blocks')
      await everywhere('/ip4/192.0.2.3/tcp/1', false, 'the end of the short block')
      await everywhere('/ip4/192.0.2.4/tcp/1', false, 'the end of the other short block')
      expect(await areBlocked(nodes, name), 'after short blocks').to.deep.equal([true, true, true])

      // and who comes later knows it from the engine
      extra.push(await Worker.fork())
      nodes.push(await startNode(extra[0], name, {}, url(), 2 * HOUR))
      await everywhere(ADDRESS, true, 'the block on the last node')
      await nodes[3].ask('setTimeOfDay', -2 * HOUR)
      expect(await areBlocked(nodes, name)).to.deep.equal([true, true, true, true])
    })

    it(`should keep rates while clocks are set, with ${engine}`, async () => {
      const name = newFleet()
      const nodes = await three(name, { onLoss: 'refuse', limits: { rates: { global: RATE } } }, url())
      const arrivals = new Arrivals()
      const come = async (until: number): Promise<void> => {
        await readUntil(async () => {
          const answers = await Promise.all(nodes.map(async node => node.ask('come', name, ['/ip4/198.51.100.1/tcp/1', '/ip4/198.51.100.2/tcp/1'])))

          answers.flat().forEach(arrival => { arrivals.add(arrival ?? undefined) })

          return arrivals.admitted
        }, admitted => admitted >= until, `${until} who were let in`)
      }

      await come(RATE.burst)
      await setClocks(nodes)
      await come(MOST + 5)
      await Promise.all(nodes.map(async (node, i) => node.ask('setTimeOfDay', AHEAD[(i + 1) % 3])))
      await come(MOST + 10)
      expect(arrivals.excess(RATE.rate)).to.be.at.most(MOST)
    })

    it(`should keep limits, and know how old things are, while clocks are set, with ${engine}`, async () => {
      const name = newFleet()
      const nodes = await three(name, { ttl: LONG_TTL, limits: { system: { conns: 12 } } }, url())
      const opened: number[] = []
      const open = async (count: number): Promise<void> => {
        await readUntil(async () => {
          for (const node of nodes) {
            opened.push(await node.ask('fill', name, 1))
          }

          const held = opened.reduce((sum, one) => sum + one, 0)

          expect(held).to.be.at.most(12)

          return held
        }, held => held >= count, `${count} connections`)
      }

      await open(6)
      await setClocks(nodes)
      await open(12)
      await Promise.all(nodes.map(async (node, i) => node.ask('setTimeOfDay', AHEAD[(i + 1) % 3])))
      // the leases of all of them still count
      await readUntil(async () => Promise.all(nodes.map(async node => node.ask('view', name))), views => views.every(({ age, nodes: count, state }) => state === 'joined' && count === 3 && age >= 0 && age < LONG_TTL), 'a view that is not old')
      expect(await Promise.all(nodes.map(async node => node.ask('fill', name, 1)))).to.deep.equal([0, 0, 0])

      const { nodes: told } = await nodes[1].ask('sums', name)

      expect(told).to.have.lengthOf(3)
      told.forEach(({ age }) => { expect(age).to.be.within(0, HOUR) })
    })
  }
})
