import { expect } from 'aegir/chai'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { peerA, peerB } from '../scopes/fixtures.ts'
import { CONNECT_REDIS } from './clients.ts'
import { Members, readUntil } from './fixtures.ts'
import { RedisServer } from './redis-server.ts'
import type { RatesRequest } from '../../src/fleet/rates-protocol.ts'
import type { FleetClient, FleetInit } from '../../src/fleet.ts'

// what a replica has that takes over is older than what the nodes were told: each has to say again
// what it holds, although nothing of that has changed

const KEY = '{libp2p-rm:test}'
const INIT: Partial<FleetInit> = { limits: { system: { conns: 80 }, peerDefault: { conns: 8 } }, ttl: 4_000 }

describe('fleet/failover', function () {
  this.timeout(120_000)

  const members = new Members()

  afterEach(async () => {
    await members.stop()
  })

  it('should tell an engine everything again that has lost the last call', async () => {
    const [before, after] = Array.from({ length: 2 }, () => new MemoryEngine(() => {}, Date.now, true))
    const lost: string[] = []
    const client: FleetClient = {
      run: async ({ name }, key, args) => {
        const engine = lost.length > 0 ? after : before
        const answer = engine.run(name, key, args)

        if (engine === before) {
          // the first call about both peers is answered, and then the replica takes over, which has not heard of it
          if (name === 'sync' && [peerA, peerB].every(peer => args[0].includes(`["peer:${peer}"`))) {
            lost.push(args[0])
          } else {
            after.run(name, key, args)
          }
        }

        return answer
      },
      subscribe: async () => {},
      unsubscribe: async () => {}
    }
    const { fleet, manager } = await members.add(client, INIT)

    for (const peer of [peerA, peerB]) {
      manager.openConnection('inbound', true).setPeer(peer)
    }

    const told = await readUntil(async () => [...after.leased(KEY)], leases => leases.filter(([name]) => name.startsWith('peer:')).length === 2, 'both peers')

    expect(lost).to.have.lengthOf(1)
    expect(told.filter(([name, leased]) => name.startsWith('system ') && leased >= 2)).to.have.lengthOf(1)
    expect(told.every(([, leased]) => leased >= 1)).to.equal(true)
    expect(fleet.view().ended).to.equal(0)
  })

  it('should tell with each call for rates which one was answered last', async () => {
    const engine = new MemoryEngine(() => {}, Date.now, true)
    const calls: Array<RatesRequest & { status: string }> = []
    let failed = false
    const client: FleetClient = {
      run: async ({ name }, key, args) => {
        const answer = engine.run(name, key, args)

        if (name === 'rates') {
          calls.push({ ...JSON.parse(args[0]), status: JSON.parse(answer).status })

          // one answer is lost
          if (calls.length === 3) {
            failed = true
            throw new Error('connection lost')
          }
        }

        return answer
      },
      subscribe: async () => {},
      unsubscribe: async () => {}
    }

    await members.add(client, { ...INIT, limits: { sessions: { throttle: { system: { maxTxBitrate: 1_000_000 } } } } }, { sessions: {} })
    await readUntil(async () => calls.length, length => length >= 5, 'five calls')
    expect(failed).to.equal(true)

    let acked = 0

    for (const [i, call] of calls.entries()) {
      expect(call.acked, `call ${i}`).to.equal(acked)
      acked = call.status === 'ok' && i !== 2 ? call.seq : acked
    }

    expect(acked).to.be.above(2)
  })

  for (const connect of CONNECT_REDIS) {
    it(`should tell a server everything again whose data has gone back: ${connect.name}`, async () => {
      const server = await RedisServer.start()
      const client = await connect(server.url)

      try {
        await client.leftInOrder?.(KEY)

        const { fleet, manager } = await members.add(client.client, INIT)
        const [key] = (await client.keys()).filter(key => key.startsWith(`${KEY}:node:`))
        const fields = async (): Promise<string[]> => await client.command('HKEYS', key) as string[]
        const isTold = (names: string[]): boolean => names.includes(`s:peer:${peerA}`)
        const old = await client.command('HGETALL', key) as string[]

        expect(isTold(old)).to.equal(false)
        manager.openConnection('inbound', true).setPeer(peerA)
        await readUntil(fields, isTold, 'the peer')
        // at once, so that no call comes between
        await client.command('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('HSET', KEYS[1], unpack(ARGV))", '1', key, ...old)
        await readUntil(fields, isTold, 'the peer after its data has gone back')
        expect(fleet.view().ended).to.equal(0)
      } finally {
        await members.stop()
        await client.close()
        await server.stop()
      }
    })
  }
})
