import cluster from 'node:cluster'
import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { nodeCluster } from '../../src/fleet.ts'
import { PROTOCOL } from '../libp2p/fixtures/inbox.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { Arrivals } from './arrivals.ts'
import { readUntil } from './fixtures.ts'
import { Worker } from './workers.ts'
import type { FleetInit, FleetLimits } from '../../src/fleet.ts'

const TTL = 2_000

const GLOBAL = { rate: 40, burst: 20 }
const SUBNET = { rate: 20, burst: 8 }
const NETWORK = { rate: 10, burst: 10 }

/** What a node may use of a subnet before it has asked */
const ALLOWANCE = SUBNET.burst / 8

/** How many come to a node at once, in each way: more than there is room for, however rarely they come */
const ATTEMPTS = 10

/** In bit/s, and how many bytes are sent at once */
const BITRATE = 4_000_000
const CHUNK = 16_384

/** How much a node may have ready that it did not use, in ms */
const SAVED = 100

let fleets = 0

function newFleet (): string {
  return `traffic-${fleets++}`
}

describe('fleet/cluster, of processes with rates', function () {
  this.timeout(300_000)

  const nodes = new TestNodes()
  const workers: Worker[] = []

  before(() => {
    nodeCluster(cluster)
  })

  afterEach(async () => {
    await Promise.all(workers.splice(0).map(async worker => worker.kill()))
    await nodes.stop()
  })

  async function forkWorker (): Promise<Worker> {
    const worker = await Worker.fork()

    workers.push(worker)

    return worker
  }

  async function startThree (name: string, init: Partial<FleetInit>): Promise<Worker[]> {
    return Promise.all(Array.from({ length: 3 }, async () => {
      const worker = await forkWorker()

      await worker.ask('start', name, { ttl: TTL, onLoss: 'refuse', ...init })

      return worker
    }))
  }

  it('should keep the rates of all, of a subnet and of a network over any time, also where one of them dies', async () => {
    const name = newFleet()
    const limits: FleetLimits = {
      rates: { global: GLOBAL, ipv4: [{ prefixLength: 24, ...SUBNET }], prefixes: [{ network: '198.51.100.0/24', ...NETWORK }] }
    }
    const all = await startThree(name, { limits })
    const [everybody, subnet, network] = [new Arrivals(), new Arrivals(), new Arrivals()]
    let hosts = 0

    // one subnet and one network that want all that they can get of all nodes, and many who come once
    const come = async (worker: Worker): Promise<void> => {
      const others = Array.from({ length: ATTEMPTS }, () => `/ip4/10.${hosts >> 8 & 255}.${hosts++ & 255}.1/tcp/1`)
      const [ofSubnet, ofNetwork, ofOthers] = await Promise.all([
        worker.ask('come', name, Array(ATTEMPTS).fill('/ip4/192.0.2.1/tcp/1')),
        worker.ask('come', name, Array(ATTEMPTS).fill('/ip4/198.51.100.1/tcp/1')),
        worker.ask('come', name, others)
      ])

      ofSubnet.forEach(arrival => { subnet.add(arrival ?? undefined) && everybody.add(arrival ?? undefined) })
      ofNetwork.forEach(arrival => { network.add(arrival ?? undefined) })
      ofOthers.forEach(arrival => { everybody.add(arrival ?? undefined) })
    }
    const untilAdmitted = async (count: number): Promise<void> => {
      await readUntil(async () => Promise.all(all.map(come)), () => subnet.admitted >= count && network.admitted >= count && everybody.admitted >= 2 * count, `${count} of each`)
    }

    await untilAdmitted(30)
    // in the middle of it
    await all.splice(0, 1)[0].kill()

    const next = await forkWorker()

    await next.ask('start', name, { ttl: TTL, onLoss: 'refuse', limits })
    all.push(next)
    await untilAdmitted(60)

    const [ttl, processes] = [TTL / 1_000, 4]

    expect(everybody.excess(GLOBAL.rate), 'all').to.be.at.most(GLOBAL.burst + GLOBAL.rate * ttl)
    expect(network.excess(NETWORK.rate), 'the network').to.be.at.most(NETWORK.burst + NETWORK.rate * ttl)
    expect(subnet.excess(SUBNET.rate), 'the subnet').to.be.at.most(SUBNET.burst + SUBNET.rate * ttl + processes * ALLOWANCE)
    expect(Math.min(everybody.refused, network.refused, subnet.refused)).to.be.above(0)
  })

  it('should refuse everybody where the burst is 0, and nobody where there is no rate any more', async () => {
    const name = newFleet()
    const all = await startThree(name, { limits: { rates: { global: { rate: 1, burst: 0 } } } })
    const ask = async (): Promise<boolean[]> => (await Promise.all(all.map(async worker => worker.ask('come', name, ['/ip4/192.0.2.1/tcp/1'])))).flat().map(arrival => arrival != null)

    expect(await ask()).to.deep.equal([false, false, false])
    await all[0].ask('setLimits', name, {})
    await readUntil(ask, admitted => admitted.every(Boolean), 'the end of the rate')
    await all[1].ask('setLimits', name, { rates: { global: { rate: 1, burst: 0 } } })
    await readUntil(ask, admitted => !admitted.some(Boolean), 'the rate')
  })

  for (const part of ['system', 'peer'] as const) {
    it(`should keep a bit rate of the ${part}, and divide it among processes, also where one of them dies`, async () => {
      const name = newFleet()
      const limits: FleetLimits = { sessions: { throttle: { [part]: { maxTxBitrate: BITRATE } } } }
      const remote = await nodes.create({ transports: [tcp()], addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, manager: false })
      let received = 0

      await remote.handle(PROTOCOL, stream => {
        stream.addEventListener('message', ({ data }) => { received += data.byteLength })
      })

      const all = await Promise.all(Array.from({ length: 3 }, async () => forkWorker()))
      const begin = performance.now()
      const shares = async (): Promise<number[]> => {
        const views = await Promise.all(all.map(async worker => worker.ask('view', name)))

        // what each of them has said what it sends through
        return views.map(({ bitrates }) => bitrates.find(({ name }) => name === (part === 'system' ? 'system tx' : `peer:${remote.peerId} tx`))?.bitrate ?? 0)
      }
      const isWithin = (): void => {
        // what was received was sent before, and was not more than what has accumulated by then
        const seconds = (performance.now() - begin + SAVED) / 1_000
        // of peers each node has a part until it was told another one
        const allowance = part === 'peer' ? BITRATE / 8 / 8 * 3 * TTL / 1_000 : 0

        expect(received).to.be.at.most(BITRATE / 8 * seconds + 4 * CHUNK + allowance)
      }

      await Promise.all(all.map(async worker => worker.ask('sendTo', name, { ttl: TTL, onLoss: 'refuse', limits }, String(remote.getMultiaddrs()[0]), CHUNK)))
      await readUntil(shares, parts => parts.every(bitrate => bitrate > BITRATE / 4 && bitrate <= BITRATE / 3 + 1), 'a third for each')

      const before = received

      await readUntil(async () => received, bytes => bytes - before >= BITRATE / 8, 'what is sent in a second')
      isWithin()
      await all.splice(0, 1)[0].kill()
      await readUntil(shares, parts => parts.every(bitrate => bitrate > 0.4 * BITRATE && bitrate <= BITRATE / 2 + 1), 'a half for each')

      const later = received

      await readUntil(async () => received, bytes => bytes - later >= BITRATE / 8, 'what is sent in another second')
      isWithin()
    })
  }
})
