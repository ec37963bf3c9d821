import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { peerA } from '../scopes/fixtures.ts'
import { fill, readUntil, useFleet } from './fixtures.ts'
import type { Member } from './fixtures.ts'
import type { FleetInit, FleetLimits } from '../../src/fleet.ts'

/**
 * How long all of a limit takes to come to one node, at most, in ms
 */
const PATIENCE = 60_000

describe('fleet/limits', function () {
  this.timeout(3 * PATIENCE)

  const { engine, members } = useFleet()

  async function three (limits: FleetLimits, init: Partial<FleetInit> = {}): Promise<Member[]> {
    return Promise.all(Array.from({ length: 3 }, async () => members.add(engine.client(), { ttl: 10_000, limits, ...init })))
  }

  function total (all: Member[]): number {
    return all.reduce((sum, { manager }) => sum + manager.stat().system.numConnsInbound, 0)
  }

  it('should give the whole limit to whoever needs it, and never more', async () => {
    const all = await three({ system: { conns: 30 } }, { ttl: 5_000 })

    await eventually(() => {
      fill(all[0].manager, 1)
      expect(total(all)).to.be.at.most(30)

      return total(all) === 30
    }, 'all of the limit', PATIENCE)

    expect(all[0].manager.stat().system.numConnsInbound).to.equal(30)
    expect(fill(all[0].manager, 1)).to.have.lengthOf(0)
    expect(fill(all[1].manager, 1)).to.have.lengthOf(0)
  })

  it('should give what is free again to others', async () => {
    const all = await three({ system: { conns: 30 } }, { ttl: 5_000 })
    const opened: ReturnType<typeof fill> = []

    await eventually(() => {
      opened.push(...fill(all[0].manager, 1))

      return total(all) === 30
    }, 'all of the limit', PATIENCE)

    opened.splice(0, 20).forEach(connection => { connection.done() })
    await eventually(() => {
      fill(all[1].manager, 1)
      expect(total(all)).to.be.at.most(30)

      return total(all) === 30
    }, 'what was given back', PATIENCE)
  })

  it('should block all of it', async () => {
    const all = await three({ system: { connsInbound: 'blockAll' } })

    expect(all.map(({ manager }) => fill(manager, 1).length)).to.deep.equal([0, 0, 0])
    expect(() => all[0].manager.openConnection('outbound', false)).to.not.throw()
  })

  it('should limit a peer on all nodes: the newest end where there are too many', async () => {
    const all = await three({ peerDefault: { conns: 2 } })
    const evicted: number[] = []

    // each node lets it have one without asking
    all.forEach(({ manager }, i) => {
      const connection = manager.openConnection('inbound', false) as any

      connection.holder = { active: 0, evict: () => { evicted.push(i); connection.done(); return true } }
      connection.setPeer(peerA)
    })
    await eventually(() => total(all) === 2, 'the end of one')
    expect(evicted).to.have.lengthOf(1)
    expect(all[evicted[0]].fleet.view().ended).to.equal(1)
  })

  it('should let a peer have nothing before it has asked, if told so', async () => {
    const [{ manager }] = await three({ peerDefault: { conns: 2 } }, { allowance: 0 })
    const join = (): void => {
      const connection = manager.openConnection('inbound', false)

      try {
        connection.setPeer(peerA)
      } catch (err) {
        connection.done()
        throw err
      }
    }

    expect(join).to.throw('peer:')
    await eventually(() => {
      try {
        join()
        return true
      } catch {
        return false
      }
    }, 'the lease')
  })

  it('should forget peers that are gone', async () => {
    const [{ fleet, manager }] = await three({ peerDefault: { conns: 2, streams: 10 } })

    for (let i = 0; i < 50; i++) {
      const connection = manager.openConnection('inbound', false)

      connection.setPeer(peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
      connection.done()
    }

    const open = manager.openConnection('inbound', false)

    open.setPeer(peerA)
    await eventually(() => fleet.view().leases.length === 1, 'the lease')
    open.done()
    await eventually(() => fleet.view().leases.length === 0 && [...engine.engine.leased('{libp2p-rm:test}').values()].every(amount => amount === 0), 'the end of the lease')
  })

  it('should limit subnets and networks on all nodes', async () => {
    const all = await three({ subnets: { ipv4: [{ prefixLength: 24, connCount: 6 }], prefixes: [{ network: '198.51.100.0/24', connCount: 4 }] } })
    let host = 0
    const count = (prefix: string): number => {
      all.forEach(({ manager }) => fill(manager, 1, `/ip4/${prefix}.${host++ % 200}/tcp/1`))

      return total(all)
    }

    await eventually(() => {
      expect(count('192.0.2')).to.be.at.most(6 + 3)

      return total(all) >= 6
    }, 'all of the subnet')

    const before = total(all)

    await eventually(() => {
      expect(count('198.51.100')).to.be.at.most(before + 4)

      return total(all) === before + 4
    }, 'all of the network')
    count('203.0.113')
    expect(total(all)).to.equal(before + 4 + 3)
  })

  it('should let a subnet have no more than its limit and what nodes may have without asking, however often limits are set', async () => {
    const subnets = { ipv4: [{ prefixLength: 24, connCount: 6 }] }
    const all = await three({ subnets })
    let host = 0
    const come = (): void => {
      all.forEach(({ manager }) => fill(manager, 1, `/ip4/192.0.2.${host++ % 200}/tcp/1`))
      expect(total(all)).to.be.at.most(6 + 3)
    }

    await eventually(() => {
      come()

      return total(all) >= 6
    }, 'all of the subnet', PATIENCE)

    for (let i = 1; i <= 5; i++) {
      await all[i % 3].fleet.setLimits({ subnets, system: { conns: 1_000 + i } })
      come()
      await eventually(() => all.every(({ fleet }) => fleet.view().version === all[i % 3].fleet.view().version), 'the limits', PATIENCE)
      come()

      // until all nodes have told what they hold, and have been told what others do
      const calls = all.map(({ fleet }) => fleet.view().calls)

      await eventually(() => {
        come()

        return all.every(({ fleet }, j) => fleet.view().calls >= calls[j] + 2)
      }, 'the next calls', PATIENCE)
    }
  })

  it('should change limits on all nodes', async () => {
    const all = await three({ system: { conns: 6 } })

    await all[1].fleet.setLimits({ system: { conns: 12 } })
    await eventually(() => {
      all.forEach(({ manager }) => fill(manager, 1))
      expect(total(all)).to.be.at.most(12)

      return total(all) === 12
    }, 'the new limit')
    await all[2].fleet.setLimits({})
    await eventually(() => all.every(({ fleet }) => fleet.view().leases.length === 0), 'no limits')
    expect(fill(all[0].manager, 50)).to.have.lengthOf(50)
  })

  it('should keep what a node limits itself, whenever that is set', async () => {
    const { manager } = await members.add(engine.client(), { limits: { system: { conns: 1_000 } } }, { limits: { system: { conns: 5 } } })

    await eventually(() => {
      fill(manager, 1)

      return manager.stat().system.numConnsInbound === 5
    }, 'its own limit')
    manager.setLimits({ system: { conns: 7 } })
    await eventually(() => {
      fill(manager, 1)

      return manager.stat().system.numConnsInbound === 7
    }, 'its new limit')
    manager.viewSystem(system => { system.setLimit({ conns: 8 }) })
    expect(fill(manager, 5)).to.have.lengthOf(1)
    await manager.stop()
    expect(manager.viewSystem(({ limit }) => limit.conns)).to.equal(8)
  })

  const setFailure = (failure?: Error): void => { engine.failure = failure }

  for (const [onLoss, expected] of [['share', 4], ['refuse', 0], ['local', 50]] as const) {
    it(`should do what it was told when the engine is away: ${onLoss}`, async () => {
      const all = await three({ system: { conns: 12 } }, { onLoss, ttl: 2_000 })

      setFailure(new Error('away'))
      await eventually(() => all.every(({ fleet }) => fleet.view().state === 'lost'), 'the loss')
      all.forEach(({ manager }) => fill(manager, 50))
      expect(all.map(({ manager }) => manager.stat().system.numConnsInbound)).to.deep.equal([expected, expected, expected])
      expect(all[0].fleet.view().nodes).to.equal(3)

      setFailure()
      await Promise.all(all.map(async ({ fleet }) => fleet.ready('30s')))
      expect(total(all)).to.equal(3 * expected)
      onLoss === 'local' && expect(fill(all[0].manager, 1)).to.have.lengthOf(0)
    })
  }

  it('should give back the room of a node that dies', async () => {
    const limits = { system: { conns: 30 } }
    const client = engine.client()
    let isDead = false
    const dead = await members.add({ ...client, run: async (...args) => isDead ? new Promise(() => {}) : client.run(...args) }, { ttl: 2_000, limits })
    const others = await three(limits, { ttl: 2_000 })

    await eventually(() => {
      fill(dead.manager, 1)

      return dead.manager.stat().system.numConnsInbound === 30
    }, 'all of the limit')
    // it calls nobody any more, and does not leave
    isDead = true
    await eventually(() => {
      others.forEach(({ manager }) => fill(manager, 1))
      expect(total(others)).to.be.at.most(30)

      return total(others) === 30
    }, 'its room')
  })

  it('should leave no limits of the fleet when a node stops', async () => {
    const [{ manager }] = await three({ system: { conns: 3 }, peerDefault: { conns: 1 }, subnets: { ipv4: [{ prefixLength: 24, connCount: 1 }] } })

    await manager.stop()
    expect(fill(manager, 20)).to.have.lengthOf(20)
    expect(fill(manager, 20, '/ip4/192.0.2.1/tcp/1')).to.have.lengthOf(8)
    expect(manager.stat().fleet).to.include({ state: 'stopped' })
  })

  it('should sum what all of them hold', async () => {
    const all = await three({})

    all.forEach(({ manager }, i) => {
      fill(manager, i)

      const connection = manager.openConnection('inbound', false)

      connection.setPeer(peerA)
    })

    const sums = await readUntil(async () => all[0].fleet.stat(), ({ total }) => total.system.numConnsInbound === 6, 'the sum')

    expect(sums.nodes).to.have.lengthOf(3)
    expect(sums.total.peers[String(peerA)].numConnsInbound).to.equal(3)
    expect(await all[0].fleet.holders()).to.have.nested.property('[0].nodes', 3)
  })
})
