import { mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { adminServer } from '../../src/admin.ts'
import { limitsFromJSON } from '../../src/limits/limits-json.ts'
import { traceToJSON } from '../../src/reporting/trace-json.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { memoryAddress, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { tracedManager } from '../reporting/fixtures.ts'
import { errorOf, peerA } from '../scopes/fixtures.ts'
import { runCommand } from './fixtures.ts'
import type { Suggestion } from '../../src/what-if/suggest.ts'
import type { AddressInfo } from 'node:net'

const HOSTILE = '/x"><script>alert(1)</script>'

describe('command', () => {
  let directory: string
  let trace: string
  let limits: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replay-'))
    trace = join(directory, 'trace.json.gz')
    limits = join(directory, 'limits.json')

    const { events, manager } = tracedManager({ system: { streams: 20 } })

    for (let i = 0; i < 20; i++) {
      manager.openStream(peerA, 'inbound').setProtocol(HOSTILE)
    }

    errorOf(() => manager.openStream(peerA, 'inbound'))
    await writeFile(trace, gzipSync(events.map(traceToJSON).join('\n')))
    await writeFile(limits, '{ "Protocol": { "/x\\"><script>alert(1)</script>": { "Streams": 15 } } }')
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  describe('replay', () => {
    it('should be fine with the limits that it was recorded with', async () => {
      const { exitCode, stdout } = await runCommand(['replay', trace])

      expect(exitCode).to.equal(0)
      expect(stdout).to.include('1 requests were refused by scopes when this was recorded, 0 of which would be let in')
      expect(stdout).to.include('1 requests would be refused')
    })

    it('should say what other limits would have refused, and exit with 1', async () => {
      const { exitCode, stderr, stdout } = await runCommand(['replay', trace, '--limits', limits])

      expect(exitCode).to.equal(1)
      expect(stderr).to.equal('')
      expect(stdout).to.match(/ {2}5 {2}protocol:\/x.* stream +15 {2}Protocol/)
      expect(stdout).to.match(/protocol:\/x.* streams +20 +15 +133%/)
    })

    it('should write JSON, from the standard input too', async () => {
      const { stdout } = await runCommand(['replay', '-', '--limits', limits, '--json'], await readFile(trace))

      expect(JSON.parse(stdout)).to.deep.include({ refused: 5, recorded: 1, admitted: 1 })
    })

    it('should write a page that asks nobody for anything, and in which names are only text', async () => {
      const page = join(directory, 'page.html')

      await runCommand(['replay', trace, '--limits', limits, '--html', page])

      const html = await readFile(page, 'utf8')

      expect(html).to.include('5 requests would be refused')
      expect(html).to.include('&lt;script&gt;alert(1)&lt;/script&gt;')
      expect(html).to.include('default-src \'none\'')
      expect(html).to.not.match(/<script|\bsrc=|\bhref=|url\(|@import/i)
    })

    it('should say that the disk is full, of the page and of limits that are suggested', async function () {
      if (process.platform !== 'linux') {
        return this.skip()
      }

      const full = join(directory, 'full')

      // a link, so that at worst this is replaced
      await symlink('/dev/full', full)

      for (const args of [['replay', trace, '--html', full], ['suggest', trace, '--output', full]]) {
        const { exitCode, stderr } = await runCommand(args)

        expect(exitCode, args[0]).to.equal(2)
        expect(stderr, args[0]).to.match(/error: .*full: cannot be written: ENOSPC/)
        expect(await readlink(full)).to.equal('/dev/full')
        expect((await readdir(directory)).filter(name => name.includes('tmp'))).to.deep.equal([])
      }
    })

    it('should leave nothing behind where the page cannot be written, and name it', async () => {
      const page = join(directory, 'page.html')

      await writeFile(page, 'what was there before')
      const { exitCode, stderr } = await runCommand(['replay', trace, '--html', join(directory, 'missing', 'page.html')])

      expect(exitCode).to.equal(2)
      expect(stderr).to.match(/page\.html: cannot be written: ENOENT/)
      expect((await readdir(directory)).sort()).to.deep.equal(['limits.json', 'page.html', 'trace.json.gz'])
    })

    it('should name what cannot be read, and say what was not read', async () => {
      const { exitCode, stderr } = await runCommand(['replay', join(directory, 'none')])

      expect(exitCode).to.equal(2)
      expect(stderr).to.match(/none: expected a file, but there is none of this name/)
      expect((await runCommand(['replay', limits])).stderr).to.match(/limits\.json: expected a trace, got no event/)

      const whole = await readFile(trace)
      const cut = await runCommand(['replay', '-', '--json'], whole.subarray(0, whole.byteLength - 20))

      expect(cut.stderr).to.include('not all of the trace was read: the file ends in the middle')
      expect(cut.exitCode).to.equal(0)
    })
  })

  describe('suggest', () => {
    it('should write limits that refuse nothing of what they were made of', async () => {
      const file = join(directory, 'suggested.json')
      const { exitCode, stderr, stdout } = await runCommand(['suggest', trace, '--output', file, '--headroom', '1'])

      expect(exitCode).to.equal(0)
      expect(stdout).to.equal('')
      expect(stderr).to.match(/System\.Streams +20 +20/)
      expect(limitsFromJSON(await readFile(file, 'utf8'))).to.have.nested.property('system.streams', 20)

      const replayed = await runCommand(['replay', trace, '--limits', file])

      expect(replayed.exitCode).to.equal(0)
    })

    it('should have the reasons in JSON', async () => {
      const { limits, suggestions } = JSON.parse((await runCommand(['suggest', trace, '--json'])).stdout)

      expect(limits.System.Streams).to.equal(30)
      expect(suggestions.find(({ setting }: any) => setting === 'System.Streams')).to.include({ limit: 30, peak: 20, scope: 'system' })
    })

    it('should name the headroom that cannot be used', async () => {
      for (const headroom of ['0.5', 'much', 'Infinity']) {
        const { exitCode, stderr } = await runCommand(['suggest', trace, '--headroom', headroom])

        expect(exitCode, headroom).to.equal(2)
        expect(stderr, headroom).to.include('headroom: expected a number from 1 on')
      }
    })

    it('should ask a real node, with its token, and say what is usual there', async () => {
      const nodes = new TestNodes()
      const address = memoryAddress()
      const node = await nodes.create({ addresses: { listen: [address] }, manager: {} })
      const dialer = await nodes.create({ manager: false })
      const { resourceManager } = node.services

      await node.handle(HOSTILE, () => {})

      const connection = await dialer.dial(multiaddr(address))

      for (let i = 0; i < 5; i++) {
        await connection.newStream(HOSTILE)
      }

      const inbound = (): number => resourceManager.stat().protocols[HOSTILE]?.numStreamsInbound ?? 0

      await eventually(() => inbound() === 5, 'the streams')

      const token = 'not-a-secret-0123456789'
      const admin = await adminServer(resourceManager, { port: 0, host: '0.0.0.0', token })
      const url = `http://127.0.0.1:${admin.port}/`

      try {
        // without the token, with a wrong one
        expect(await runCommand(['suggest', url])).to.include({ exitCode: 3, stdout: '' })
        expect((await runCommand(['suggest', url, '--token', 'wrong'])).stderr).to.include('expected the token')

        // until it has looked
        let answer: any

        do {
          const { exitCode, stderr, stdout } = await runCommand(['suggest', url, '--json', '--token', token])

          expect(exitCode).to.equal(0, stderr)
          answer = JSON.parse(stdout)
        } while (answer.suggestions.some(({ p99 }: Suggestion) => p99 === undefined))

        expect(answer.limits.Protocol[HOSTILE]).to.include({ StreamsInbound: 16 })
        expect(answer.suggestions.find(({ setting }: Suggestion) => setting === `Protocol[${JSON.stringify(HOSTILE)}].StreamsInbound`)).to.include({ peak: 5, limit: 16 }).and.have.property('p99').that.is.at.most(5)

        // by the environment, and what is suggested can be used
        process.env.LIBP2P_RESOURCE_MANAGER_TOKEN = token
        const { exitCode, stderr, stdout } = await runCommand(['suggest', url])

        expect(exitCode).to.equal(0, stderr)
        expect(stderr).to.match(/^setting +suggested +peak +p99 +p50 +peak of$/m)
        resourceManager.setLimits(limitsFromJSON(stdout))
        await connection.newStream(HOSTILE)
      } finally {
        delete process.env.LIBP2P_RESOURCE_MANAGER_TOKEN
        await admin.close()
        await nodes.stop()
      }
    })

    it('should ask a running node', async () => {
      const asked: Array<string | undefined> = []
      let answer = JSON.stringify([{ kind: 'system', scope: 'system', field: 'streams', value: 100, limit: 'unlimited', time: 0 }, { kind: 'protocol', scope: `protocol:${HOSTILE}`, field: 'streams', value: 40, limit: 50, time: 0 }])
      const server = createServer((request, response) => {
        asked.push(`${request.url} ${request.headers.authorization}`)
        response.end(answer)
      })

      await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })

      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

      try {
        const { exitCode, stdout } = await runCommand(['suggest', `${url}/`, '--token', 'secret'])

        expect(exitCode).to.equal(0)
        expect(asked).to.deep.equal(['/high-water-marks Bearer secret'])
        expect(limitsFromJSON(stdout)).to.deep.equal({ system: { streams: 150 }, protocol: { [HOSTILE]: { streams: 60 } } })

        answer = '{}'
        expect(await runCommand(['suggest', url])).to.include({ exitCode: 3 })
        answer = '[{"kind":"system","scope":"system","field":"streams","value":1,"p99":"1"}]'
        expect(await runCommand(['suggest', url])).to.include({ exitCode: 3 })

        for (const part of [{ field: '__proto__' }, { field: 'constructor' }, { kind: '__proto__' }, { kind: 'gold' }, { value: 'much' }]) {
          answer = JSON.stringify([{ kind: 'system', scope: 'system', field: 'streams', value: 1, ...part }])
          expect(await runCommand(['suggest', url])).to.include({ exitCode: 3 }, answer)
        }

        answer = 'x'.repeat(65 * 2 ** 20)
        expect((await runCommand(['suggest', url])).stderr).to.include('answered more than 64 MiB')
      } finally {
        server.close()
        server.closeAllConnections()
      }

      expect(await runCommand(['suggest', url])).to.include({ exitCode: 3 })
    })
  })
})
