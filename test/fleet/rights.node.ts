import { expect } from 'aegir/chai'
import { eventually, rejection } from '../libp2p/fixtures/eventually.ts'
import { CONNECT_REDIS } from './clients.ts'
import { fill, useFleet } from './fixtures.ts'
import { RedisServer } from './redis-server.ts'
import type { TestClient } from './clients.ts'
import type { Member } from './fixtures.ts'

/**
 * What docs/fleet.md says that a user needs
 */
const RIGHTS = ['on', '>secret', 'resetkeys', 'resetchannels', '~{libp2p-rm:*', '&{libp2p-rm:*', '-@all', '+eval', '+subscribe', '+publish', '+time', '+del', '+pexpire', '+@hash', '+@sortedset', '+@connection', '+info']

describe('fleet, where not everything is as it should be', () => {
  const { engine, members } = useFleet()

  for (const connect of CONNECT_REDIS) {
    it(`should need no more rights than documented, and say what it may not: ${connect.name}`, async function () {
      this.timeout(60_000)

      const server = await RedisServer.start()
      const admin = await connect(server.url)
      const clients: TestClient[] = [admin]
      const join = async (url: string, prefix?: string): Promise<Member> => {
        const client = await connect(url)

        clients.push(client)

        return members.add(client.client, { ttl: 2_000, nodes: 2, ...prefix === undefined ? {} : { prefix } })
      }

      try {
        await admin.command('ACL', 'SETUSER', 'node', ...RIGHTS)

        const url = server.url.replace('redis://', 'redis://node:secret@')
        const [one, other] = [await join(url), await join(url)]

        await Promise.all([one, other].map(async ({ fleet }) => fleet.ready('30s')))
        await one.fleet.block('192.0.2.0/24')
        await eventually(() => other.fleet.view().blocked === 1, 'the block')
        expect((await one.fleet.stat()).nodes).to.have.lengthOf(2)

        // a prefix that the user has no keys of
        const wrong = await join(url, 'other')

        await eventually(() => wrong.fleet.view().error?.includes('NOPERM'), 'the error')
        expect(wrong.fleet.view().state).to.not.equal('joined')
        expect((await rejection(wrong.fleet.block('192.0.2.0/24'))).message).to.include('NOPERM')
        // and it is served all the same
        wrong.manager.openConnection('inbound', false).done()
      } finally {
        await members.stop()
        await Promise.all(clients.map(async client => client.close()))
        await server.stop()
      }
    })

    it(`should say that data is of another version, and join when it is not: ${connect.name}`, async function () {
      this.timeout(60_000)

      const server = await RedisServer.start()
      const client = await connect(server.url)

      try {
        await client.set('{libp2p-rm:test}:fleet', 'version', '2')

        const { fleet } = await members.add(client.client, { ttl: 1_000, limits: { system: { conns: 5 } } })

        await eventually(() => fleet.view().error?.includes('data of another version of this package (layout 2)'), 'the error')
        expect((await rejection(fleet.ready(1))).message).to.include('another version')
        expect((await rejection(fleet.setLimits({}))).message).to.include('another version')
        await client.set('{libp2p-rm:test}:fleet', 'version', '1')
        await fleet.ready('30s')
        expect(fleet.view()).to.include({ state: 'joined' }).and.not.have.property('error')
      } finally {
        await members.stop()
        await client.close()
        await server.stop()
      }
    })
  }

  it('should say that leases of the other nodes have another length', async () => {
    await members.add(engine.client(), { ttl: 60_000 })

    const { fleet } = await members.add(engine.client(), { ttl: 30_000, timeout: 100, nodes: 2 })

    await eventually(() => fleet.view().error === 'fleet.ttl: expected 60000 ms as the other nodes have, got 30000', 'the error')
    expect(fleet.view().state).to.equal('joining')
  })

  it('should see nothing of a fleet with another name or prefix', async () => {
    const [one] = await Promise.all([{}, { name: 'b' }, { prefix: 'c' }].map(async init => members.add(engine.client(), { ttl: 1_000, nodes: 1, ...init })))

    await Promise.all(members.all.map(async ({ fleet }) => fleet.ready('30s')))
    await one.fleet.block('192.0.2.0/24')
    await eventually(() => members.all.every(({ fleet }) => fleet.view().nodes === 1), 'the nodes')
    expect(members.all.map(({ fleet }) => fleet.view().blocked)).to.deep.equal([1, 0, 0])
  })

  it('should not be disturbed by an engine that answers anything', async () => {
    const client = engine.client()
    const answers: unknown[] = []
    const liar = { ...client, run: async (...args: Parameters<typeof client.run>) => answers.length > 0 ? answers.shift() : client.run(...args) }
    const isRead = (): boolean => answers.length === 0
    const { fleet, manager } = await members.add(liar, { ttl: 1_000, limits: { system: { conns: 50 } } }, { limits: { system: { conns: 4 } } })

    for (const answer of ['', 'null', '5', '[]', '{}', 'no JSON', undefined, {}, '{"status":"ok"}', '{"status":"ok","quiet":"x","nodes":-1,"grants":5}', '{"status":"ok","quiet":1e99,"nodes":1e99,"grants":[[1e99]],"free":[[null]]}', '{"status":"policy","policy":"x"}', '{"status":"nothing"}']) {
      answers.push(answer)
      await eventually(isRead, 'the call')
      // the limit of the node stands
      const opened = fill(manager, 20)

      expect(opened.length).to.be.at.most(4)
      opened.forEach(connection => { connection.done() })
      expect(fleet.view().nodes).to.be.within(0, Number.MAX_SAFE_INTEGER)
    }

    for (const read of ['{"status":"ok","policy":-1}', '{"status":"ok","policy":"5","text":5}', '{"status":"ok","nodes":[null,5,{"id":5,"age":"x","sum":{}}]}']) {
      answers.push(read)
      await fleet.stat().catch(err => { expect(err).to.be.an('error') })
    }

    answers.splice(0)
    await fleet.ready('60s')
  })
})
