/**
 * What is protected: `top` fits into the terminal, whatever names remote peers have, and gives
 * the terminal back however it ends.
 */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { noRequests } from '../../src/admin/admin-stat.ts'
import { lookAt, takeSample } from '../../src/admin/live-data.ts'
import { adminServer } from '../../src/admin.ts'
import { keysIn } from '../../src/cli/top-screen.ts'
import { drawTop, fit, HELP, rowsOf, SORTS, VIEWS } from '../../src/cli/top-view.ts'
import { createResourceManager } from '../../src/index.ts'
import type { AdminServer } from '../../src/admin.ts'
import type { DrawnLine, TopState } from '../../src/cli/top-view.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { ChildProcess } from 'node:child_process'

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

    it('should fit into the terminal, whatever is in it', () => {
      fc.assert(fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
        fc.constantFrom(...Object.values(VIEWS)),
        fc.constantFrom(...SORTS),
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 5, max: 60 }),
        fc.nat(20),
        (name, view, sort, columns, rows, selected) => {
          manager.viewService(name, scope => {
            scope.reserveMemory(10)
            const lines = drawTop('http://127.0.0.1/', lookAt(manager, takeSample(manager, 0), noRequests()), state({ view, sort, selected, into: selected % 2 === 0 ? name : undefined }), columns, rows)
            scope.releaseMemory(10)

            expect(lines).to.have.lengthOf(rows)
            expect(unfit(lines, columns)).to.deep.equal([])
          })
        }
      ), { numRuns: 50 })
    })

    it('should show what is full, and what was refused', () => {
      const data = lookAt(manager, takeSample(manager, 0.5), noRequests())
      const text = drawTop('http://127.0.0.1/', data, state(), 80, 24).map(({ text }) => text).join('\n')

      expect(text).to.match(/^system +inbound connection 1 of 1 █{10} +100%$/m)
      expect(text).to.include('50% busy').and.include('System.ConnsInbound').and.include('/ip4/192.0.2.2/tcp/1')
      expect(HELP.length).to.be.at.most(80)
      expect(rowsOf(data, state({ into: 'transient' })).map(({ name }) => name)).to.satisfy((names: string[]) => names.length > 0 && names.every(name => name === 'transient'))
      expect(rowsOf(data, state({ view: 'refusals' }))[0]).to.include({ name: 'system', figure: '1' })

      const names = rowsOf(data, state({ sort: 'name' })).map(({ name }) => name)
      expect(names).to.deep.equal([...names].sort())
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
      output = ''
      // the settings of the terminal are shown when it has ended
      child = spawn('script', ['-qec', `stty cols 80 rows 24; sh -c 'echo PID:$$; exec "${process.execPath}" "${CLI}" top ${admin.url}'; echo CODE:$?; stty -a`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm', NODE_NO_WARNINGS: '1' } })
      child.stdout?.setEncoding('utf8').on('data', (text) => { output += text })
    })

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
      await press('1', 'limits, by name')
      await press('\r', 'limits of ')
      await press('\u001b', 'limits, by name')
      await press('p', 'paused')
      child.stdin?.write('q')
      await isRestored()
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
  })
})
