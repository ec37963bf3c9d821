/**
 * What is protected: the commands say what a running node says, change nothing of it by
 * mistake, and tell why where there is no answer.
 */

import { once } from 'node:events'
import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect } from 'aegir/chai'
import { adminServer } from '../../src/admin.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { limitsOfAssignments } from '../../src/cli/limits-set.ts'
import { followNode } from '../../src/cli/node-request.ts'
import { run as runIn } from '../../src/cli/run.ts'
import { createResourceManager } from '../../src/index.ts'
import { peerA, peerB } from '../scopes/fixtures.ts'
import { runCommand } from './fixtures.ts'
import type { AdminServer } from '../../src/admin.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { AddressInfo } from 'node:net'

const TOKEN = 'not-a-secret-0123456789'

describe('commands for a running node', function () {
  this.timeout(120_000)

  let manager: ResourceManager
  let admin: AdminServer

  beforeEach(async () => {
    manager = createResourceManager({ limits: { system: { connsInbound: 1, memory: 2 ** 20 } }, warnings: false })
    admin = await adminServer(manager, { port: 0, token: TOKEN })
    manager.openConnection('inbound', true, '/ip4/192.0.2.1/tcp/1')
    expect(() => manager.openConnection('inbound', true, '/ip4/192.0.2.2/tcp/1')).to.throw()
  })

  afterEach(async () => {
    await admin.close()
    await manager.stop()
  })

  const run = async (...args: string[]): ReturnType<typeof runCommand> => runCommand([...args, '--url', admin.url])

  async function json (...args: string[]): Promise<any> {
    const { exitCode, stderr, stdout } = await run(...args, '--json')

    expect(exitCode).to.equal(0, stderr)

    return JSON.parse(stdout)
  }

  it('should say what is held', async () => {
    expect((await json('stat')).system).to.include({ numConnsInbound: 1, numFD: 1 })
    expect((await run('stat')).stdout).to.match(/^scope +conns in +out/m).and.match(/^system +1 +0/m)

    expect((await json('usage'))[0]).to.include({ scope: 'system', percent: 100 })
    expect((await run('usage')).stdout).to.match(/^system +inbound connection +1 +1 +100% +1$/m)
    expect((await run('usage', '--min-percent', '101')).stdout).to.equal('no limit is in use to 101%\n')

    expect(await json('holders', '--resource', 'stream')).to.deep.equal([])
    expect((await json('holders', '--top', '3'))).to.deep.equal([])
  })

  it('should say what was refused, and what would be', async () => {
    expect((await json('refusals')).counts[0]).to.include({ kind: 'system', count: 1, setting: 'System.ConnsInbound' })
    expect((await run('refusals')).stdout).to.match(/^system +inbound connection +1 .*System\.ConnsInbound$/m).and.include('/ip4/192.0.2.2/tcp/1')
    expect((await json('refusals', '--address', '192.0.2.77')).recent).to.deep.equal([])

    const { exitCode, stdout } = await run('explain', 'connection', '--direction', 'inbound')
    expect(exitCode).to.equal(1)
    expect(stdout).to.include('it does not fit: refused by system: 1 of 1 in use, see System.ConnsInbound')

    expect(await run('explain', 'memory', '--size', '10')).to.include({ exitCode: 0 }).and.nested.property('stdout').that.includes('it fits')

    const sizes = [['1MiB', 0], ['1048577', 1], ['1.5 mb', 1], ['10TiB', 1], ['0', 0]] as const

    for (const [size, code] of sizes) {
      expect(await run('explain', 'memory', '--size', size)).to.include({ exitCode: code, stderr: '' })
    }
  })

  it('should say what was refused to one peer or address, and nothing of others', async () => {
    manager.setLimits({ peer: { [String(peerA)]: { streamsInbound: 0 } } })
    expect(() => manager.openStream(peerA, 'inbound')).to.throw()

    const ofPeer = await run('refusals', '--peer', String(peerA))
    expect(ofPeer.exitCode).to.equal(0, ofPeer.stderr)
    expect(ofPeer.stdout).to.match(/^latest +refused by .*\n\d\d:\d\d:\d\d +peer:/).and.include('StreamsInbound').and.not.include('System.ConnsInbound').and.not.include('192.0.2.2')
    expect(ofPeer.stdout.trim().split('\n')).to.have.lengthOf(2)

    expect((await run('refusals', '--address', '192.0.2.2')).stdout).to.match(/^latest .*\n.*System\.ConnsInbound +\/ip4\/192\.0\.2\.2\/tcp\/1\n$/)
    expect((await run('refusals', '--since', '0')).stdout).to.match(/^latest /)

    for (const filter of [['--peer', String(peerB)], ['--address', '192.0.2.77'], ['--since', '99999999999999']]) {
      expect((await run('refusals', ...filter)).stdout).to.equal('nothing of it has been refused lately\n')
      expect(await json('refusals', ...filter)).to.deep.equal({ recent: [] })
    }

    expect((await run('refusals')).stdout).to.match(/^refused by /).and.match(/^latest /m)

    for (const command of [['refusals'], ['explain', 'memory', '--size', '1']]) {
      expect(await run(...command, '--peer', 'nobody')).to.deep.equal({ exitCode: 2, stdout: '', stderr: 'error: --peer: expected a peer id, got "nobody"\n' })
    }
  })

  it('should change limits', async () => {
    expect((await json('limits', 'get')).System).to.include({ ConnsInbound: 1 })
    expect((await run('limits', 'set', 'System.ConnsInbound=9', 'Protocol["/a/1.0.0"].Memory=64MiB', '--token', TOKEN)).stdout).to.match(/^System\.ConnsInbound +1 +9$/m).and.match(/^Protocol\["\/a\/1\.0\.0"\]\.Memory .* 64 MiB$/m)
    expect(manager.limits?.system.connsInbound).to.equal(9)

    // back to what it was
    expect((await run('limits', 'set', 'System.ConnsInbound=default', '--token', TOKEN)).stdout).to.match(/^System\.ConnsInbound +9 +1$/m)
    expect(await run('limits', 'set', 'System.ConnsInbound=9', '--token', TOKEN)).to.include({ exitCode: 0 })

    const directory = await mkdtemp(join(tmpdir(), 'limits-'))
    const file = join(directory, 'limits.json')

    await writeFile(file, '{ "System": { "Memory": "3MiB" } }')
    expect(await run('limits', 'set', '--file', file, '--token', TOKEN)).to.include({ exitCode: 0 })
    expect(manager.limits?.system).to.include({ connsInbound: 9, memory: 3 * 2 ** 20 })

    // what was shown can be set
    await writeFile(file, (await run('limits', 'get')).stdout)
    expect(await run('limits', 'set', '--file', file, '--token', TOKEN)).to.include({ exitCode: 0, stdout: 'nothing has changed\n' })
    await rm(directory, { recursive: true })

    expect(await run('limits', 'set', '--replace', '--token', TOKEN)).to.include({ exitCode: 0 })
    expect(manager.limits?.system).to.include({ connsInbound: 1, memory: 2 ** 20 })
  })

  it('should change nothing by mistake', async () => {
    const before = JSON.stringify(manager.limits)
    const wrongs: Array<[string[], number, RegExp]> = [
      [['System.ConnsInbound=9'], 2, /expected --token or \$LIBP2P_RESOURCE_MANAGER_TOKEN/],
      [['System.ConnsInbound=9', '--token', 'wrong'], 3, /expected the token/],
      [['System.ConnsInbound=many', 'System.Memory=2MiB', '--token', TOKEN], 2, /System\.ConnsInbound: expected/],
      [['Sistem.ConnsInbound=1', '--token', TOKEN], 2, /Sistem/],
      [['System.ConnsInbound', '--token', TOKEN], 2, /expected changes such as/],
      [['AllowlistedTransient.StreamsInbound', '--token', TOKEN], 2, /expected changes such as/],
      [['--token', TOKEN], 2, /expected a change such as/],
      [['System.Conns=1', '--file', 'x', '--token', TOKEN], 2, /changes or --file, got both/],
      [['--file', '/nothing-there.json', '--token', TOKEN], 2, /there is none of this name/]
    ]

    for (const [args, code, message] of wrongs) {
      const { exitCode, stderr } = await run('limits', 'set', ...args)

      expect(exitCode).to.equal(code, args.join(' '))
      expect(stderr).to.match(message)
      expect(stderr).to.not.include(TOKEN)
    }

    expect(JSON.stringify(manager.limits)).to.equal(before)
  })

  it('should read settings as they are written', () => {
    expect(JSON.stringify(limitsOfAssignments(['System.Conns=1', 'System.FD=2', 'Service["a.b"].Memory=1GiB', 'Service.chat.Streams=3', 'Protocol["/\\"="].Streams=unlimited', 'Service.__proto__.Streams=1']))).to.equal(
      '{"System":{"Conns":"1","FD":"2"},"Service":{"a.b":{"Memory":"1GiB"},"chat":{"Streams":"3"},"__proto__":{"Streams":"1"}},"Protocol":{"/\\"=":{"Streams":"unlimited"}}}'
    )
    expect(() => limitsOfAssignments(['System=1', 'System.Conns=2'])).to.throw(/expected a setting of one scope/)
    expect(() => limitsOfAssignments(['System.Conns=1', 'System.FD=1', 'System.Conns=2'])).to.throw('expected every setting once, got System.Conns twice')
    expect(() => limitsOfAssignments(['System.Conns=2', 'System=1'])).to.throw('expected every setting once, got System twice')
    expect(() => limitsOfAssignments(['Protocol./my/1.0.0.Memory=1MiB'])).to.throw('(did you mean Protocol["/my/1.0.0"].Memory?)')
    expect(() => limitsOfAssignments(['Protocol.=1'])).to.throw(/got "Protocol\.=1"$/)
    expect(({} as any).Streams).to.equal(undefined)
  })

  it('should write a line for each sample until the node stops, and say so then', async () => {
    const stdout = new PassThrough()
    const stderr = new PassThrough()
    const said = text(stderr)
    const ended = runIn(['top', admin.url, '--json'], { stdin: Readable.from([]), stdout, stderr, exitCode: EXIT.FINE })
    let received = ''

    stdout.setEncoding('utf8')

    while (!received.includes('\n')) {
      const [chunk] = await once(stdout, 'data')

      received += chunk
    }

    expect(JSON.parse(received.slice(0, received.indexOf('\n')))).to.have.nested.property('bars[0].used', 1)
    await admin.close()
    expect(await ended).to.equal(EXIT.UNREACHABLE)
    stderr.end()
    expect(await said).to.include('the node has closed the connection')
  })

  it('should say why there is no answer', async () => {
    const { url } = admin
    const other = createServer((_, res) => { res.end('<html>') }).listen(0, '127.0.0.1')
    await new Promise(resolve => { other.once('listening', resolve) })

    expect(await runCommand(['stat', '--url', `http://127.0.0.1:${(other.address() as AddressInfo).port}`])).to.include({ exitCode: 3 }).and.nested.property('stderr').that.includes('is that the address of an admin server?')
    other.close()

    await admin.close()

    const { exitCode, stderr, stdout } = await runCommand(['stat', '--url', url])
    expect(exitCode).to.equal(3)
    expect(stderr).to.include('nothing listens there')
    expect(stdout).to.equal('')

    expect((await runCommand(['stat', '--url', 'http://']))).to.include({ exitCode: 2 })
    expect((await runCommand(['top', url]))).to.include({ exitCode: 2 }).and.nested.property('stderr').that.includes('expected a terminal')
    expect((await runCommand(['top', url, '--json']))).to.include({ exitCode: 3 })
  })

  it('should say so where a server answers with something else', async () => {
    let answer: unknown
    const other = createServer((_, res) => { res.end(JSON.stringify(answer)) }).listen(0, '127.0.0.1')

    await once(other, 'listening')

    const scope = { memory: 0 }
    const stat = { system: scope, transient: scope, allowlistedSystem: scope, allowlistedTransient: scope, services: {}, protocols: {}, peers: {} }
    const commands: Array<[string[], unknown[]]> = [
      [['stat'], [{ ...stat, peers: undefined }, { ...stat, peers: { a: null } }, { ...stat, system: {} }]],
      [['usage'], [[null], [{}], [{ scope: 'system' }], {}]],
      [['holders'], [[null], [{ scope: 'conn-1', direction: 'inbound' }]]],
      [['refusals'], [{}, { counts: [null], evictions: [], recent: [] }, { counts: [{ kind: 'system', resource: 'memory', setting: 1 }], evictions: [], recent: [] }, { counts: [], recent: [] }, { counts: [], evictions: [], recent: [{}] }]],
      [['explain', 'memory', '--size', '1'], [{}, { fits: true }, { fits: true, headroom: [null] }, { fits: true, headroom: [], givesWay: [1] }]],
      [['limits', 'get'], [{}, { System: 1 }]],
      [['limits', 'set', 'System.Conns=1', '--token', TOKEN], [{}, { changes: [] }, { changes: [null], notes: [] }, { changes: [], notes: [1] }]]
    ]

    try {
      for (const [command, answers] of commands) {
        for (answer of [null, 1, 'text', ...answers]) {
          const { exitCode, stderr, stdout } = await runCommand([...command, '--url', `http://127.0.0.1:${(other.address() as AddressInfo).port}/`])

          expect(exitCode).to.equal(EXIT.UNREACHABLE, `${command.join(' ')} ${JSON.stringify(answer)}: ${stderr}`)
          expect(stderr).to.include('expected the answer of an admin server')
          expect(stdout).to.equal('')
        }
      }
    } finally {
      other.closeAllConnections()
      other.close()
    }
  })

  it('should read no more of an error than there is to say', async () => {
    const piece = Buffer.alloc(2 ** 20, ' ')
    const ended: boolean[] = []
    const endless = createServer((_, res) => {
      // more than what is between two sockets
      const pieces = Readable.from(Array.from({ length: 128 }, () => piece))

      res.writeHead(500)
      res.once('close', () => { ended.push(res.writableFinished) })
      pieces.pipe(res)
    }).listen(0, '127.0.0.1')

    await once(endless, 'listening')

    const closed = new Promise<void>(resolve => { endless.once('request', (_, res) => { res.once('close', resolve) }) })

    try {
      const { exitCode, stderr } = await runCommand(['stat', '--url', `http://127.0.0.1:${(endless.address() as AddressInfo).port}/`])

      expect(exitCode).to.equal(EXIT.UNREACHABLE)
      expect(stderr).to.include('500')
      await closed
      expect(ended).to.deep.equal([false])
    } finally {
      endless.closeAllConnections()
      endless.close()
    }
  })

  it('should give a host up that accepts and says nothing, but not one that goes on', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    const controller = new AbortController()

    await once(silent, 'listening')

    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`

    try {
      await expect(followNode({ url }, undefined, 50)).to.eventually.be.rejectedWith('it took too long').with.property('exitCode', EXIT.UNREACHABLE)
      // one that is called off meanwhile
      silent.once('request', () => { controller.abort() })
      await expect(followNode({ url }, controller.signal)).to.eventually.be.rejected()
    } finally {
      silent.closeAllConnections()
      silent.close()
    }

    const { body } = await followNode({ url: admin.url, token: TOKEN })

    await body?.cancel()
  })

  it('should name what the node cannot use', async () => {
    expect(await run('usage', '--min-percent', 'much')).to.include({ exitCode: 2 }).and.nested.property('stderr').that.includes('minPercent: expected a number')
    expect(await run('explain', 'gold')).to.include({ exitCode: 2 })
    expect(await run('refusals', '--address', 'nowhere')).to.include({ exitCode: 2 })

    // without the address of a node that has not been asked
    const wrongs: Array<[args: string[], message: string]> = [
      [['explain', 'stream'], '--direction: expected inbound or outbound'],
      [['explain', 'connection'], '--direction: expected inbound or outbound']
    ]

    for (const size of ['much', '-1', '25%', '10 PiB', '1.5']) {
      expect(await run('explain', 'memory', `--size=${size}`)).to.include({ exitCode: 2 }).and.nested.property('stderr').that.includes('size: expected ')
    }

    for (const scope of ['protocl:/echo/1', 'System', 'conn']) {
      expect(await run('usage', '--scope', scope)).to.include({ exitCode: 2, stdout: '' }).and.nested.property('stderr').that.includes(`scope: expected the name of a scope, such as system or protocol:NAME, got "${scope}"`)
    }

    expect(await run('usage', '--scope', 'protocol:/never/1.0.0')).to.include({ exitCode: 0, stdout: 'there is nothing in this scope\n' })

    for (const [args, message] of wrongs) {
      expect(await run(...args), args.join(' ')).to.deep.equal({ exitCode: 2, stdout: '', stderr: `error: ${message}\n` })
    }
  })

  it('should not let a server move the cursor, whatever it answers', async () => {
    const evil = '\u001b[2J\u009b1A\u2028\u202e'
    const answers: Record<string, [status: number, body: unknown]> = {
      '/explain': [200, { fits: false, refusedBy: evil, setting: evil, current: evil, limit: evil, headroom: [{ scope: evil, headroom: evil }] }],
      '/refusals': [200, { counts: [{ kind: evil, direction: evil, resource: evil, count: evil, setting: evil, lastTime: 0 }], recent: [{ time: 0, scope: evil, resource: evil, current: 1, limit: 1, setting: evil, peer: evil, address: evil, protocol: evil }], evictions: [{ count: 1, kind: evil, resource: evil }] }],
      '/usage': [200, [{ scope: evil, resource: evil, direction: evil, used: evil, limit: evil, percent: 1, refusals: evil }]],
      '/holders': [200, [{ scope: evil, direction: evil, memory: 1, streams: evil, age: 1, peer: evil, address: evil, protocol: evil, service: evil }]],
      '/limits': [200, { changes: [{ setting: evil, from: evil, to: evil }], notes: [evil] }],
      '/stat': [500, { error: `${evil}\n${evil}` }]
    }
    const hostile = createServer(({ url }, res) => {
      const [status, body] = answers[new URL(url ?? '', 'http://localhost').pathname.replace(/.*\//, '/')] ?? [404, evil]

      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }).listen(0, '127.0.0.1')

    await new Promise(resolve => { hostile.once('listening', resolve) })

    try {
      const url = `http://127.0.0.1:${(hostile.address() as AddressInfo).port}/`

      for (const [command, code] of [[['explain', 'stream', '--direction', 'inbound'], 1], [['refusals'], 0], [['usage'], 0], [['holders'], 0], [['limits', 'set', 'System.Conns=1', '--token', TOKEN], 0], [['stat'], 3]] as const) {
        const { exitCode, stderr, stdout } = await runCommand([...command, '--url', url])

        expect(exitCode).to.equal(code, `${command.join(' ')}: ${stderr}`)
        // what is not printed proves nothing
        expect(stdout + stderr).to.include('\\u001b[2J')
        // eslint-disable-next-line no-control-regex
        expect(stdout + stderr).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/, command.join(' '))
      }
    } finally {
      hostile.closeAllConnections()
      hostile.close()
    }
  })
})
