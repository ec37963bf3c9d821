import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'aegir/chai'
import { noRequests } from '../../src/admin/admin-stat.ts'
import { DescribedMarks } from '../../src/admin/described-marks.ts'
import { Snapshots } from '../../src/admin/snapshot.ts'
import { takeSample } from '../../src/admin/time-line.ts'
import { adminServer } from '../../src/admin.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { memberNames } from '../../src/cli/node-fleet.ts'
import { fleetRows } from '../../src/cli/top-fleet.ts'
import { createResourceManager } from '../../src/index.ts'
import { Members, readUntil, TestEngine } from '../fleet/fixtures.ts'
import { NOTHING, peerA } from '../scopes/fixtures.ts'
import { runCommand } from './fixtures.ts'
import type { LiveData } from '../../src/admin.ts'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

// an operator of many nodes asks one of them, and has to be told what all of them hold

/** How long leases last, in ms: a machine that stands still for a moment has not lost the fleet */
const TTL = 10_000

describe('stat of a node in a fleet', function () {
  this.timeout(120_000)

  const members = new Members()

  afterEach(async () => {
    await members.stop()
  })

  it('should say what all nodes hold, together and each, also while the engine does not answer', async () => {
    const engine = new TestEngine()
    const [one, other] = await Promise.all([0, 1].map(async i => members.add(engine.client(), { node: `n${i}`, ttl: TTL })))
    const admin = await adminServer(one.manager, { port: 0 })
    const text = async (): Promise<string> => {
      const { exitCode, stderr, stdout } = await runCommand(['stat', '--url', admin.url])

      expect(exitCode).to.equal(EXIT.FINE, stderr)

      return stdout
    }
    const json = async (): Promise<any> => {
      const { exitCode, stderr, stdout } = await runCommand(['stat', '--url', admin.url, '--json'])

      expect(exitCode).to.equal(EXIT.FINE, stderr)

      return JSON.parse(stdout)
    }

    try {
      for (const { manager } of [one, other, other]) {
        manager.openConnection('inbound', true).setPeer(peerA)
      }

      const collector = other.manager.sessions.register('media')

      collector.registerAndActivate('active', 'stream', '/ip4/192.0.2.1/tcp/1', String(peerA))
      collector.ingress('active', 2_048)

      const { fleet, system } = await readUntil(json, ({ fleet }) => fleet.total.system.numConnsInbound === 3 && fleet.total.sessions.media?.rxBytes === 2_048, 'the sums')

      // what is of this node only is what it was
      expect(system).to.include({ numConnsInbound: 1, numFD: 1 })
      expect(fleet).to.include({ name: 'test', node: 'n0', state: 'joined', nodes: 2 })
      expect(fleet.members.map(({ node, peerCount, system }: any) => [node, system.numConnsInbound, peerCount]).sort()).to.deep.equal([['n0', 1, 1], ['n1', 2, 1]])
      expect(fleet.total).to.have.nested.property('system.numFD', 3)

      const shown = await text()

      expect(shown).to.match(/^system +1 +0 +0 +0 +1 +0 B$/m)
      expect(shown).to.match(/^fleet test, joined, 2 nodes, known for \d+\.\d s$/m)
      expect(shown).to.match(/^all together +3 +0 +0 +0 +3 +0 B +2$/m)
      expect(shown).to.match(/^n0 \(this one\) +\d+\.\d s ago +1 +0 +0 +0 +1 +0 B +1$/m)
      expect(shown).to.match(/^n1 +\d+\.\d s ago +2 +0 +0 +0 +2 +0 B +1$/m)
      expect(shown).to.match(/^media +1 +\d+ +0 +2 KiB +0 B$/m)

      engine.failure = new Error('connection refused')
      expect(await text()).to.match(/^fleet test, (?:joined|lost), 2 nodes, known for \d+\.\d s: connection refused$/m).and.not.include('all together')
      expect((await json()).fleet).to.deep.include({ name: 'test', error: 'connection refused', members: [] }).and.not.have.property('total')
    } finally {
      await admin.close()
    }
  })

  it('should say what the node itself holds where it answers that, and then not what the fleet holds', async () => {
    const manager = createResourceManager({ rateLimits: false, warnings: false })
    const stat = JSON.stringify({ ...manager.stat(), fleet: { name: 'relays', node: 'n0' } })
    let fails: (res: ServerResponse) => void = () => {}
    const server = createServer(({ url }, res) => { url === '/stat' ? res.end(stat) : fails(res) }).listen(0, '127.0.0.1')

    await once(server, 'listening')

    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

    try {
      for (const [fail, problem] of [
        [res => { res.writeHead(503).end('{"error":"overloaded"}') }, 'the fleet could not be asked: .*overloaded'],
        [res => { res.writeHead(404).end('{"error":"the node is in no fleet"}') }, 'the fleet could not be asked: .*the node is in no fleet'],
        [res => { res.destroy() }, 'the fleet could not be asked: .'],
        [res => { res.end('no JSON') }, 'the fleet could not be asked: .*expected JSON']
      ] as Array<[typeof fails, string]>) {
        fails = fail

        const text = await runCommand(['stat', '--url', url])

        expect(text).to.include({ exitCode: EXIT.UNREACHABLE }).and.nested.property('stderr').that.matches(new RegExp(problem))
        expect(text.stdout).to.match(/^system +0 +0 /m).and.not.include('relays')

        const json = await runCommand(['stat', '--url', url, '--json'])

        expect(json).to.include({ exitCode: EXIT.UNREACHABLE }).and.nested.property('stderr').that.matches(new RegExp(problem))
        expect(JSON.parse(json.stdout)).to.deep.equal(JSON.parse(stat))
      }
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('should take one node only for the one that was asked, whose earlier run has the same name until its lease ends', () => {
    const members = [['n1', 1], ['n0', 4_000], ['n0', 200], ['n0', 200], ['n0', 900]].map(([node, age]) => ({ node: String(node), age: Number(age), system: NOTHING, peerCount: 0 }))

    expect(memberNames(members, 'n0')).to.deep.equal(['n1', 'n0', 'n0 (this one)', 'n0', 'n0'])
    expect(memberNames(members, 'n1')).to.deep.equal(['n1 (this one)', 'n0', 'n0', 'n0', 'n0'])
    expect(memberNames(members, 'n2')).to.deep.equal(['n1', 'n0', 'n0', 'n0', 'n0'])
    expect(memberNames([], 'n0')).to.deep.equal([])
  })

  it('should name one node of a restarted name as this one, also in top', async () => {
    const engine = new TestEngine()
    const client = engine.client()
    // its process was killed: nobody says that it has left
    const killed = await members.add({ ...client, run: async (script, ...rest) => script.name === 'leave' ? '{"status":"ok"}' : client.run(script, ...rest) }, { node: 'n0', ttl: 600_000 })

    killed.manager.openConnection('inbound', true)
    await members.stop()

    const { manager } = await members.add(engine.client(), { node: 'n0', ttl: 600_000 })
    const admin = await adminServer(manager, { port: 0 })
    const marks = new DescribedMarks(manager)
    const snapshots = new Snapshots(manager, marks)

    try {
      const { exitCode, stderr, stdout } = await runCommand(['stat', '--url', admin.url])

      expect(exitCode).to.equal(EXIT.FINE, stderr)
      expect(stdout.match(/^n0 .*$/gm)).to.have.lengthOf(2)
      expect(stdout.match(/^n0 \(this one\) /gm)).to.have.lengthOf(1)

      const data = await readUntil(async (): Promise<LiveData> => JSON.parse((await snapshots.take(takeSample(manager, 0), noRequests())).text), ({ fleet }) => fleet?.members.length === 2, 'both of them')

      expect(fleetRows(data).map(({ name }) => name).filter(name => name.startsWith('n0')).sort()).to.deep.equal(['n0', 'n0 (this one)'])
    } finally {
      marks.close()
      await admin.close()
    }
  })

  it('should write nothing of a server that answers with something else, and not let one move the cursor', async () => {
    const scopes = { system: NOTHING, transient: NOTHING, allowlistedSystem: NOTHING, allowlistedTransient: NOTHING, services: {}, protocols: {}, peers: {} }
    const evil = '\u001b[2J\u009b1A\u2028\u202e'
    const view = { name: evil, node: evil, state: evil, nodes: 1, age: evil }
    const summary = { system: NOTHING, peerCount: 0, sessions: { [evil]: { sessions: 0, rxBitrate: 0, txBitrate: 0, rxBytes: 0, txBytes: 0 } } }
    const node = { ...summary, node: evil, age: 0 }
    let fleet: unknown
    let answer: unknown
    const server = createServer(({ url }, res) => { res.end(JSON.stringify(url === '/stat' ? { ...scopes, fleet } : answer)) }).listen(0, '127.0.0.1')

    await once(server, 'listening')

    const run = async (): ReturnType<typeof runCommand> => runCommand(['stat', '--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`])

    try {
      for (fleet of [5, 'text', null]) {
        expect(await run()).to.include({ exitCode: EXIT.UNREACHABLE, stdout: '' })
      }

      fleet = undefined

      const { stdout: own } = await run()

      expect(own).to.match(/^system /m)
      fleet = {}

      for (answer of [
        null,
        {},
        { view },
        { view: { ...view, name: 5 }, error: 'x' },
        { view, nodes: [node] },
        { view, nodes: [null], total: summary },
        { view, nodes: [{ ...node, system: {} }], total: summary },
        { view, nodes: [node], total: { ...summary, sessions: { media: {} } } }
      ]) {
        // what it has said of itself is written all the same
        expect(await run(), JSON.stringify(answer)).to.include({ exitCode: EXIT.UNREACHABLE, stdout: own }).and.nested.property('stderr').that.matches(/the fleet could not be asked: .*expected the answer of an admin server/)
      }

      for (answer of [{ view, nodes: [node], total: summary }, { view, error: evil }]) {
        const { exitCode, stderr, stdout } = await run()

        expect(exitCode).to.equal(EXIT.FINE, stderr)
        expect(stdout).to.include('\\u001b[2J')
        // eslint-disable-next-line no-control-regex
        expect(stdout).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/)
      }
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
