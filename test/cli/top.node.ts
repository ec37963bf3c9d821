/**
 * What is protected: `top` fits into the terminal, whatever names remote peers have, and gives
 * the terminal back however it ends.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { noRequests } from '../../src/admin/admin-stat.ts'
import { toText } from '../../src/admin/answers.ts'
import { DescribedMarks } from '../../src/admin/described-marks.ts'
import { Snapshots } from '../../src/admin/snapshot.ts'
import { takeSample } from '../../src/admin/time-line.ts'
import { adminServer } from '../../src/admin.ts'
import { rowsOf, SORTS, VIEWS } from '../../src/cli/top-rows.ts'
import { keysIn } from '../../src/cli/top-screen.ts'
import { drawTop, fit, HELP } from '../../src/cli/top-view.ts'
import { createResourceManager } from '../../src/index.ts'
import { limitsOfScope } from '../../src/reporting/scope-limits.ts'
import { Members, TestEngine } from '../fleet/fixtures.ts'
import { peerA, PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import type { AdminServer, BarStat, LiveData } from '../../src/admin.ts'
import type { TopState } from '../../src/cli/top-rows.ts'
import type { DrawnLine } from '../../src/cli/top-view.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const LEAVE = '\u001b[?1049l'

/**
 * Lines that are too long, or would move the cursor
 */
function unfit (lines: readonly DrawnLine[], columns: number): DrawnLine[] {
  // eslint-disable-next-line no-control-regex
  return lines.filter(({ text }) => text.length > columns || /[\u0000-\u001f\u007f-\u009f]/.test(text))
}

describe('top', function () {
  this.timeout(120_000)

  let manager: ResourceManager

  beforeEach(() => {
    manager = createResourceManager({ limits: { system: { connsInbound: 1 } }, warnings: false })
    manager.openConnection('inbound', true, '/ip4/192.0.2.1/tcp/1')
    expect(() => manager.openConnection('inbound', true, '/ip4/192.0.2.2/tcp/1')).to.throw()
  })

  afterEach(async () => {
    await manager.stop()
  })

  describe('view', () => {
    const state = (changes: Partial<TopState> = {}): TopState => ({ view: 'limits', sort: 'most', selected: 0, paused: false, ...changes })

    const limitsOf = (scope: string): BarStat[] => JSON.parse(toText(limitsOfScope((manager as DefaultResourceManager).metricsSource.graph, scope)))

    /** As the node says it */
    async function snapshot (busy = 0): Promise<LiveData> {
      const marks = new DescribedMarks(manager)

      try {
        return JSON.parse((await new Snapshots(manager, marks).take(takeSample(manager, busy), noRequests())).text)
      } finally {
        marks.close()
      }
    }

    it('should fit into the terminal, whatever is in it', async () => {
      await fc.assert(fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
        fc.constantFrom(...Object.values(VIEWS)),
        fc.constantFrom(...SORTS),
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 5, max: 60 }),
        fc.nat(20),
        async (name, view, sort, columns, rows, selected) => {
          await manager.viewService(name, async scope => {
            scope.reserveMemory(10)
            const usage = limitsOf(`service:${name}`)
            const lines = drawTop('http://127.0.0.1/', await snapshot(), state({ view, sort, selected, usage, into: selected % 2 === 0 ? { name } : undefined }), columns, rows)
            scope.releaseMemory(10)

            expect(lines).to.have.lengthOf(rows)
            expect(unfit(lines, columns)).to.deep.equal([])
          })
        }
      ), { numRuns: 50 })
    })

    it('should show what is full, and what was refused', async () => {
      const data = await snapshot(0.5)
      const text = drawTop('http://127.0.0.1/', data, state(), 80, 24).map(({ text }) => text).join('\n')

      expect(text).to.match(/^system +inbound connection 1 of 1 █{10} +100%$/m)
      expect(text).to.include('50% busy').and.include('System.ConnsInbound').and.include('/ip4/192.0.2.2/tcp/1')
      expect(HELP.length).to.be.at.most(80)
      expect(rowsOf(data, state({ into: { name: 'transient' } })).map(({ name }) => name)).to.satisfy((names: string[]) => names.length > 0 && names.every(name => name === 'transient'))
      expect(rowsOf(data, state({ view: 'refusals' }))[0]).to.include({ name: 'system', figure: '1' })

      const names = rowsOf(data, state({ sort: 'name' })).map(({ name }) => name)
      expect(names).to.deep.equal([...names].sort())
    })

    it('should have room for the setting, whoever was refused', async () => {
      manager.setLimits({ peerDefault: { streamsInbound: 0 } })
      expect(() => manager.openStream(peerA, 'inbound')).to.throw()

      const data = await snapshot()
      const draw = (changes: Partial<TopState>): string[] => drawTop('http://127.0.0.1/', data, state(changes), 110, 24).map(({ text }) => text)
      const isRefusal = (line: string): boolean => /^\S+ peer:12D3KooW…\w{8} inbound stream PeerDefault\.StreamsInbound 12D3KooW…\w{8}/.test(line)

      expect(draw({}).filter(isRefusal)).to.have.lengthOf(1)
      // found by its whole name
      expect(draw({ into: { name: String(peerA), scope: `peer:${peerA}` } }).filter(isRefusal)).to.have.lengthOf(1)
    })

    it('should count in plain words', async () => {
      const data = await snapshot()

      Object.assign(data.sample, { connections: 1, streams: 0 })
      data.peerCount = 1
      expect(drawTop('', data, state(), 110, 24)[1].text).to.match(/^1 connection, 0 streams, 1 peer, /)
      Object.assign(data.sample, { connections: 2, streams: 1 })
      expect(drawTop('', data, state(), 110, 24)[1].text).to.match(/^2 connections, 1 stream, 1 peer, /)
    })

    it('should list what has been most, with its time, and what gave way', async () => {
      const data = await snapshot()
      const peaks = rowsOf(data, state({ view: 'peaks' }))

      expect(peaks[0]).to.include({ name: 'system', scope: 'system', figure: '1 of 1', share: 1 })
      expect(peaks[0].what).to.match(/^inbound connection \d\d:\d\d:\d\d$/)
      data.recentEvictions.push({ time: Date.now() + 1, kind: 'system', scope: 'system', resource: 'connection', from: ['192.0.0.0/16', '', '192.0.2.1', 'them'], to: ['198.51.0.0/16', '', '198.51.100.7', ''], current: 1, limit: 1, setting: 'System.ConnsInbound', peer: 'them' })

      const lines = drawTop('http://127.0.0.1/', data, state(), 80, 24).map(({ text }) => text)

      expect(lines[lines.indexOf('refused or gave way last') + 1]).to.match(/^\d\d:\d\d:\d\d system connection gave way to 198\.51\.100\.7: System\.ConnsInbound them /)
    })

    it('should say how many there are where not all are listed', async () => {
      for (let i = 0; i < 40; i++) {
        manager.viewService(`service-${i}`, scope => { scope.reserveMemory(1) })
      }

      const data = await snapshot()
      const titleOf = (changes: Partial<TopState>): string => drawTop('http://127.0.0.1/', data, state(changes), 80, 24)[3].text

      expect(data.services).to.have.lengthOf(30)
      expect(data).to.include({ serviceCount: 40, sessionCount: 0 })
      expect(titleOf({ view: 'services' })).to.equal('services, by most, 30 of 40')
      expect(titleOf({ view: 'services', paused: true })).to.equal('services, by most, 30 of 40, paused')
      expect(titleOf({ view: 'sessions' })).to.equal('sessions, by most')
      expect(titleOf({ view: 'services', into: { name: 'system' } })).to.equal('limits of system, by most')

      // of a version that does not say
      Object.assign(data, { serviceCount: undefined })
      expect(titleOf({ view: 'services' })).to.equal('services, by most')
    })

    it('should list a fleet, or that there is none', async () => {
      const engine = new TestEngine()
      const members = new Members()
      const [berlin] = [await members.add(engine.client(), { node: 'berlin', limits: { system: { connsInbound: 10 } } })]

      expect(rowsOf(await snapshot(), state({ view: 'fleet' })).map(({ name }) => name)).to.deep.equal(['this node is in no fleet'])

      const marks = new DescribedMarks(berlin.manager)
      const snapshots = new Snapshots(berlin.manager, marks)
      let data: LiveData

      // nobody waits for the fleet
      do {
        data = JSON.parse((await snapshots.take(takeSample(berlin.manager, 0), noRequests())).text)
      } while (data.fleet?.members.length !== 1)

      const [fleet, node, lease] = rowsOf(data, state({ view: 'fleet' }))

      expect(fleet.name).to.match(/^test, (joining|joined)$/)
      expect(node).to.include({ name: 'berlin (this one)' })
      expect(lease).to.include({ name: 'system', what: 'connsInbound' }).and.have.property('figure').that.matches(/^0 of \d+ leased of 10$/)
      marks.close()
      await members.stop()
    })

    it('should look into scopes of every kind, with all of their limits', async () => {
      const stream = manager.openStream(peerA, 'outbound')
      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)

      const data = await snapshot()

      for (const [view, row, scope] of [
        ['limits', 'system', 'system'],
        ['limits', 'transient', 'transient'],
        ['limits', `protocol:${PROTOCOL}`, `protocol:${PROTOCOL}`],
        ['limits', `protocol:${PROTOCOL}.peer:${peerA}`, `protocol:${PROTOCOL}.peer:${peerA}`],
        ['limits', `service:${SERVICE}.peer:${peerA}`, `service:${SERVICE}.peer:${peerA}`],
        ['services', SERVICE, `service:${SERVICE}`],
        ['peers', String(peerA), `peer:${peerA}`],
        ['peaks', 'system', 'system'],
        ['refusals', 'system', 'system']
      ] as const) {
        const into = rowsOf(data, state({ view })).find(({ name }) => name === row)

        expect(into, `${view} ${row}`).to.have.property('scope', scope)

        const usage = limitsOf(scope)
        const shown = rowsOf(data, state({ view, into, usage }))

        expect(shown.filter(({ name }) => name === scope), scope).to.have.lengthOf(8)
        expect(unfit(drawTop('http://127.0.0.1/', data, state({ view, into, usage }), 80, 24), 80)).to.deep.equal([])
      }

      stream.done()
    })

    it('should say what is wrong where there is nothing', () => {
      const lines = drawTop('http://127.0.0.1/', undefined, state({ lost: 'nothing\u001b[2Jlistens' }), 40, 10)

      expect(lines).to.have.lengthOf(10)
      expect(lines[1].text).to.equal('nothing heard: nothing\\u001b[2Jlistens')
    })

    it('should cut names in the middle', () => {
      expect(fit('abcdefghij', 5)).to.equal('ab…ij')
      expect(fit('ab', 5)).to.equal('ab   ')
      expect(fit('abc', 1)).to.equal('…')
    })

    it('should know keys', () => {
      expect(keysIn('\u001b[A\u001bOBs\r\u001b\u0003')).to.deep.equal(['up', 'down', 's', 'enter', 'back', 'quit'])
    })
  })

  describe('in a terminal', () => {
    let admin: AdminServer
    let child: ChildProcess
    let output: string

    before(function () {
      // elsewhere it takes other arguments. Every Linux has it, so there it must not be missing.
      if (process.platform !== 'linux') {
        this.skip()
      }
    })

    beforeEach(async () => {
      admin = await adminServer(manager, { port: 0 })
      start(admin.url)
    })

    function start (url: string): void {
      output = ''
      // the settings of the terminal are shown when it has ended
      child = spawn('script', ['-qec', `stty cols 80 rows 24; sh -c 'echo PID:$$; exec "${process.execPath}" "${CLI}" top ${url}'; echo CODE:$?; stty -a`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm', NODE_NO_WARNINGS: '1' } })
      child.stdout?.setEncoding('utf8').on('data', (text) => { output += text })
    }

    afterEach(async () => {
      child.kill('SIGKILL')
      await admin.close()
    })

    const more = async (): Promise<void> => new Promise(resolve => { child.stdout?.once('data', () => { resolve() }) })

    async function shows (text: string | RegExp, after = 0): Promise<void> {
      while (!(typeof text === 'string' ? output.slice(after).includes(text) : text.test(output.slice(after)))) {
        expect(child.exitCode).to.equal(null, output)
        await more()
      }
    }

    async function press (key: string, text: string): Promise<void> {
      const after = output.length

      child.stdin?.write(key)
      await shows(text, after)
    }

    async function isRestored (): Promise<void> {
      await new Promise(resolve => { child.once('close', resolve) })
      expect(output).to.include(LEAVE).and.include('\u001b[?25h')
      expect(output.slice(output.lastIndexOf(LEAVE))).to.match(/CODE:0/).and.match(/[^-]icanon/).and.match(/[^-]echo\b/)
    }

    it('should be used with keys, and give it back', async () => {
      await shows(/limits, by most[\s\S]*system/)
      await press('s', 'limits, by name')
      await press('2', 'peers, by name')
      await press('6', 'refusals, by name')
      await press('7', 'peaks, by name')
      await press('8', 'this node is in no fleet')
      await press('1', 'limits, by name')
      await press('\r', 'limits of ')
      // limits that are not in use come with the answer of the node
      await shows(/descriptor|\bfd\b/)
      await press('\u001b', 'limits, by name')
      await press('p', 'paused')

      const after = output.length

      child.stdin?.write('q')
      await isRestored()
      expect(output.slice(after)).to.not.include('nothing heard')
    })

    it('should give it back on a signal', async () => {
      await shows(/PID:\d+/)
      await shows('limits, by most')
      process.kill(Number(/PID:(\d+)/.exec(output)?.[1]), 'SIGTERM')
      await isRestored()
    })

    it('should say that the node has gone, and end all the same', async () => {
      await shows('limits, by most')
      await admin.close()
      await shows('nothing heard')
      child.stdin?.write('\u0003')
      await isRestored()
    })

    it('should go on whatever the node sends, and show one of a version that sends less', async () => {
      let send = (_data: unknown): void => {}
      const older = {
        sample: { time: 0, memory: 0, resident: 0, connections: 0, streams: 0, fds: 0, refusals: 0, evictions: 0, busy: 0 },
        bars: [{ kind: 'system', scope: 'of-an-older-one', resource: 'memory', used: 1, limit: 2, percent: 50, refusals: 0 }],
        moreBars: 0,
        refusals: [],
        recentRefusals: [],
        evictions: [],
        networks: [],
        networkCount: 0,
        peers: [],
        peerCount: 0,
        services: [],
        sessions: []
      }
      const other = createServer((_, res) => {
        send = data => { res.write(`event: live\ndata: ${JSON.stringify(data)}\n\n`) }
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      }).listen(0, '127.0.0.1')

      await once(other, 'listening')
      child.kill('SIGKILL')

      try {
        start(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`)
        await shows('\u001b[?1049h')

        for (const malformed of [{ sample: {} }, { ...older, bars: [null] }]) {
          const before = output.length

          send(malformed)
          await shows('nothing heard: expected what a node holds', before)
          const after = output.length

          send(older)
          await shows('of-an-older-one', after)
        }

        // what is wrong in a list that nobody reads yet
        send({ ...older, bars: [{ ...older.bars[0], scope: 'of-a-hostile-one' }], peaks: [null], fleet: {} })
        await shows('of-a-hostile-one')
        await press('7', 'nothing heard: expected what a node holds')
        send(older)
        await press('8', 'this node is in no fleet')

        // this one ends the connection, and the next one is asked for
        send({ ...older, peers: 'none' })
        await shows('nothing heard: expected what a node holds', output.length)
        child.stdin?.write('q')
        await isRestored()
      } finally {
        other.closeAllConnections()
        other.close()
      }
    })
  })
})
