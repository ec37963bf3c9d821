import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'aegir/chai'
import { adminServer } from '../../src/admin.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { Members, readUntil, TestEngine } from '../fleet/fixtures.ts'
import { NOTHING, peerA } from '../scopes/fixtures.ts'
import { runCommand } from './fixtures.ts'
import type { AddressInfo } from 'node:net'

// an operator of many nodes asks one of them, and has to be told what all of them hold

describe('stat of a node in a fleet', function () {
  this.timeout(120_000)

  const members = new Members()

  afterEach(async () => {
    await members.stop()
  })

  it('should say what all nodes hold, together and each, also while the engine does not answer', async () => {
    const engine = new TestEngine()
    const [one, other] = await Promise.all([0, 1].map(async i => members.add(engine.client(), { node: `n${i}`, ttl: 1_000 })))
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
        expect(await run(), JSON.stringify(answer)).to.include({ exitCode: EXIT.UNREACHABLE, stdout: '' }).and.nested.property('stderr').that.includes('expected the answer of an admin server')
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
