import { expect } from 'aegir/chai'
import { FleetGroups } from '../../src/fleet/fleet-groups.ts'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { FairWorld, opened } from '../fairness/fixtures.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { startQuietly } from './fixtures.ts'
import type { RatesRequest } from '../../src/fleet/rates-protocol.ts'

const KEY = '{p:model}'
const TTL = 1_000
const LIMIT = 12

/**
 * Nodes that share what they have fairly, and tell each other who holds it
 */
class World {
  now = 1_000_000
  readonly engine = new MemoryEngine(() => {}, () => this.now)
  readonly nodes: Array<{ id: string, seq: number, world: FairWorld, groups: FleetGroups }>
  #peers = 0

  constructor (count: number) {
    startQuietly(this.engine, KEY, TTL, duration => { this.now += duration })
    this.nodes = Array.from({ length: count }, (_, i) => {
      const world = new FairWorld({ limits: { system: { conns: LIMIT } }, fairness: { protect: 0 } })

      return { id: `n.${i}`, seq: 0, world, groups: new FleetGroups({ graph: world.graph, ttl: TTL, now: () => this.now }) }
    })
  }

  /**
   * @returns Whether there was room, or somebody made room
   */
  connect (node: number, ip: string): boolean {
    // hosts that had somebody give way wait until they do so again, which is not what this is about
    this.nodes[node].world.now += 1_000_000

    return !('refuser' in this.nodes[node].world.connect(ip, this.#peers++))
  }

  /**
   * Everybody tells and asks, twice: what is counted in between is told the next time
   */
  talk (): void {
    for (let i = 0; i < 2; i++) {
      for (const node of this.nodes) {
        const { groups, id } = node
        const request: RatesRequest = { id, seq: ++node.seq, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }

        this.engine.run('sync', KEY, [JSON.stringify({ id, seq: node.seq, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [] })])
        groups.ask(request, this.now)
        groups.answered(request, JSON.parse(this.engine.run('rates', KEY, [JSON.stringify(request)])), { now: this.now, validUntil: this.now + TTL })
      }

      this.now += TTL / 8
    }
  }

  held (node: number, prefix: string): number {
    return this.nodes[node].world.connections.filter(({ closed, endpoint }) => !closed && String(endpoint).startsWith(`/ip4/${prefix}`)).length
  }

  evicted (node: number): string[] {
    return this.nodes[node].world.evicted.map(scope => String((scope as any).endpoint).slice('/ip4/'.length).split('.').slice(0, 2).join('.'))
  }
}

describe('fleet/groups', () => {
  /**
   * An attacker that has two connections with each of six nodes, and honest networks that have
   * five each with one of them
   */
  function spread (): World {
    const world = new World(6)

    for (let node = 0; node < 6; node++) {
      for (let i = 0; i < 2; i++) {
        world.connect(node, `203.0.113.${i + 1}`)
      }

      for (let i = 0; i < 5; i++) {
        world.connect(node, `10.${2 * node}.${i}.1`)
        world.connect(node, `10.${2 * node + 1}.${i}.1`)
      }
    }

    return world
  }

  it('should have those give way first who are spread over all nodes', () => {
    const world = spread()

    // by what is known here, it is one of the honest ones
    world.connect(0, '192.0.2.1')
    expect(world.evicted(0).join()).to.match(/^10\.[01]$/)
    // which has told that it is full
    world.talk()
    world.talk()
    world.connect(0, '192.1.2.1')
    expect(world.evicted(0)).to.have.lengthOf(2).and.to.have.property('1', '203.0')
    world.connect(0, '192.2.2.1')
    expect(world.evicted(0)).to.have.lengthOf(3).and.to.have.property('2', '203.0')
    expect(world.held(0, '203.0')).to.equal(0)

    // and whoever has nothing here, but much elsewhere, makes nobody give way
    world.talk()
    expect(world.connect(0, '203.0.113.9')).to.equal(world.held(0, '203.0') > 0)
  })

  it('should do so on all of them', () => {
    const world = spread()

    for (let node = 0; node < 6; node++) {
      world.connect(node, '192.0.2.1')
    }

    world.talk()
    world.talk()

    for (let node = 0; node < 6; node++) {
      world.connect(node, `192.${node + 1}.2.1`)
      expect(world.evicted(node)[1]).to.equal('203.0')
    }
  })

  it('should not count what is too old', () => {
    const world = spread()

    world.connect(0, '192.0.2.1')
    world.talk()
    world.talk()
    expect(world.nodes[0].world.graph.groups?.elsewhere?.held('connections', '203.0.0.0/16')).to.equal(10)
    world.now += TTL
    expect(world.nodes[0].world.graph.groups?.elsewhere?.valid).to.equal(false)
    world.connect(0, '192.1.2.1')
    // the same as if nothing had been known
    expect(world.evicted(0)[1]).to.match(/^10/)

    // nor do others say it any more
    const request: RatesRequest = { id: 'n.0', seq: 100, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: ['c 203.0.0.0/16'] }

    world.engine.run('sync', KEY, [JSON.stringify({ id: 'n.0', seq: 100, ttl: TTL, policy: 0, sum: '', gone: [], scopes: [] })])
    expect(JSON.parse(world.engine.run('rates', KEY, [JSON.stringify(request)])).groups).to.deep.equal([0])
  })

  it('should not harm an honest newcomer by what is known of others', () => {
    const world = spread()

    world.connect(0, '192.0.2.1')
    world.talk()
    world.talk()

    // it has nothing anywhere, and takes the place of one who has much
    expect(world.connect(0, '198.51.100.1')).to.equal(true)
    // and one who has as much as others have here, and nothing elsewhere, stays
    expect(world.held(0, '198.51')).to.equal(1)
    world.connect(0, '198.52.100.1')
    expect(world.held(0, '198.51')).to.equal(1)
  })

  it('should ask for nothing, and tell little, as long as nothing is full', () => {
    const world = new World(2)
    const request: RatesRequest = { id: 'n.0', seq: 1, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }

    for (let i = 0; i < LIMIT; i++) {
      world.connect(0, `10.${i}.0.1`)
    }

    world.nodes[0].groups.ask({ ...request }, world.now)
    world.nodes[0].groups.ask(request, world.now)
    expect(request.groups).to.deep.equal([])
    expect(request.held).to.have.lengthOf(2 * 2 * LIMIT)
    expect(world.nodes[0].world.shares.observed).to.equal(0)
  })

  it('should tell of no more than it may, and of streams', async () => {
    const world = new World(1)
    const [{ groups, world: { graph } }] = world.nodes
    const many = new FairWorld({ limits: {} })

    for (let i = 0; i < 200; i++) {
      many.connect(`10.${i}.0.1`, i)
    }

    const connection = opened(many.connect('192.0.2.1', 500))

    many.stream(connection)
    many.stream(connection)

    const others = new FleetGroups({ graph: many.graph, ttl: TTL, now: () => 0 })
    const request: RatesRequest = { id: 'n.0', seq: 1, ttl: TTL, policy: 0, tokens: [], shares: [], gone: [], groups: [] }

    // so many are counted in slices
    await eventually(() => {
      others.ask(request, 0)

      return request.held !== undefined
    }, 'the count')
    // 64 networks, 64 peers, and one of each that has streams
    expect(request.held).to.have.lengthOf(2 * (64 + 64 + 1 + 1))
    expect(request.held).to.include('s 192.0.0.0/16')
    groups.stop()
    expect(graph.groups?.elsewhere).to.equal(undefined)
  })
})
