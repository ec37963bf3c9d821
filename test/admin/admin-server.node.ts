/**
 * What is protected: whoever looks at a node gets what the manager says, changes limits with
 * the token only and as a whole or not at all, and costs the node no more than a bound.
 */

import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import { expect } from 'aegir/chai'
import { adminServer } from '../../src/admin.ts'
import { createResourceManager } from '../../src/index.ts'
import { ask, eventsOf, send } from './fixtures/http.ts'
import type { AskOptions } from './fixtures/http.ts'
import type { AdminServer, AdminServerInit, BarStat } from '../../src/admin.ts'
import type { LimitChange, ResourceManager } from '../../src/index.ts'
import type { DescribedMark } from '../../src/reporting/usual-use.ts'
import type { AddressInfo } from 'node:net'

const TOKEN = 'not-a-secret-0123456789'

const READ_PATHS = ['/stat', '/usage', '/holders', '/refusals', '/high-water-marks', '/limits', '/sessions']

describe('admin server', function () {
  this.timeout(120_000)

  let manager: ResourceManager
  let admin: AdminServer

  async function start (init: Partial<AdminServerInit> = {}): Promise<void> {
    admin = await adminServer(manager, { port: 0, ...init })
  }

  const url = (path: string): URL => new URL(path, admin.url)

  async function json (path: string, options?: AskOptions): Promise<any> {
    const { headers, status, text } = await ask(url(path), options)

    expect(status).to.equal(200, text)
    expect(headers['content-type']).to.equal('application/json; charset=utf-8')

    return JSON.parse(text)
  }

  const patch = async (body: string, { method = 'PATCH', token = TOKEN } = {}): ReturnType<typeof ask> => ask(url('/limits'), { method, body, headers: { authorization: `Bearer ${token}` } })

  beforeEach(() => {
    manager = createResourceManager({ limits: { system: { connsInbound: 2, memory: 2 ** 20 } } })
  })

  afterEach(async () => {
    await admin?.close()
    await manager.stop()
  })

  describe('reading', () => {
    it('should answer with what the manager says', async () => {
      await start()

      const conn = manager.openConnection('inbound', true, '/ip4/192.0.2.1/tcp/1')
      const other = manager.openConnection('inbound', true, '/ip4/192.0.2.2/tcp/1')
      expect(() => manager.openConnection('inbound', true, '/ip4/192.0.2.3/tcp/1')).to.throw()

      expect(await json('/stat')).to.deep.equal(JSON.parse(JSON.stringify(manager.stat())))
      expect(await json('/holders')).to.deep.equal([])

      const usage = await json('/usage?minPercent=100')
      expect(usage).to.have.lengthOf(1)
      expect(usage[0]).to.include({ scope: 'system', resource: 'connection', direction: 'inbound', used: 2, limit: 2, percent: 100 })

      const ofTransient = await json('/usage?scope=transient')
      expect(ofTransient).to.have.lengthOf(8)
      expect(ofTransient.find(({ direction, resource }: BarStat) => resource === 'connection' && direction === 'inbound')).to.include({ scope: 'transient', used: 2 })

      const refusals = await json('/refusals')
      expect(refusals.recentEvictions).to.deep.equal([])
      expect(refusals.counts).to.have.nested.property('[0].setting', 'System.ConnsInbound')
      expect(refusals.recent).to.have.nested.property('[0].address', '/ip4/192.0.2.3/tcp/1')
      expect((await json('/refusals?address=192.0.2.9')).recent).to.be.empty()

      expect(await json('/explain?resource=connection&direction=inbound')).to.include({ fits: false, refusedBy: 'system', setting: 'System.ConnsInbound' })
      expect(await json('/explain?resource=memory&size=10')).to.include({ fits: true })
      expect((await json('/limits')).System).to.include({ ConnsInbound: 2, Memory: '1048576' })

      // what is usual is there once somebody has looked
      const marks = (await json('/high-water-marks')).map(({ p50, p99, ...mark }: DescribedMark) => mark)
      expect(marks).to.deep.equal(JSON.parse(JSON.stringify(manager.highWaterMarks(), (_, value) => value === Infinity ? 'unlimited' : value)))
      expect(await json('/sessions')).to.deep.equal({})

      conn.done()
      other.done()
    })

    it('should name parameters that it cannot use', async () => {
      await start()

      const wrongs: Array<[string, RegExp]> = [
        ['/usage?minPercent=much', /minPercent: expected a number, got "much"/],
        ['/usage?minPercent=-1', /minPercent: expected a number from 0 on/],
        ['/usage?scope=system&minPercent=-1', /minPercent: expected a number from 0 on/],
        ['/usage?scope=nothing&minPercent=much', /minPercent: expected a number, got "much"/],
        ['/usage?minPercent=1&minPercent=2', /minPercent: expected the parameter once/],
        ['/stat?nothing=1', /nothing: expected no parameters/],
        ['/holders?top=0', /top: expected a whole number from 1 on/],
        ['/holders?resource=gold', /resource: expected "memory" or "stream"/],
        ['/explain', /resource: expected/],
        ['/explain?resource=stream&direction=inbound&peer=me', /peer: expected a peer id/],
        ['/explain?resource=connection&direction=inbound&usefd=1', /usefd: expected true or false/],
        ['/explain?resource=memory&size=', /size: expected a number/]
      ]

      for (const [path, message] of wrongs) {
        const { status, text } = await ask(url(path))

        expect(status).to.equal(400, path)
        expect(JSON.parse(text).error).to.match(message)
      }
    })

    it('should say what there is where there is nothing, and that others cannot be used', async () => {
      await start()

      expect(await ask(url('/nothing'))).to.have.property('status', 404)
      expect(await ask(url('/__proto__'))).to.have.property('status', 404)
      expect(await ask(url('/stat'), { method: 'POST' })).to.have.property('status', 403)
      expect(await ask(url('/stat'), { method: 'HEAD' })).to.include({ status: 200, text: '' })
      expect(await ask(url('/events'), { method: 'HEAD' })).to.include({ status: 404, text: '' })
    })

    it('should answer scrapes', async () => {
      await start()

      const { headers, text } = await ask(url('/metrics'))

      expect(headers['content-type']).to.match(/^text\/plain/)
      expect(text).to.match(/^libp2p_rcmgr_/m)
      // a second time
      expect(await ask(url('/metrics'))).to.have.property('status', 200)
    })

    it('should look at a manager that is off', async () => {
      const off = createResourceManager({ enabled: false })
      const server = await adminServer(off, { port: 0 })

      for (const path of READ_PATHS) {
        expect((await ask(new URL(path, server.url))).status).to.be.oneOf([200, 404], path)
      }

      expect(await ask(new URL('/metrics', server.url))).to.have.property('status', 404)
      await server.close()
    })
  })

  describe('limits', () => {
    it('should be changed with the token, one change after the other', async () => {
      await start({ token: TOKEN })

      const { status, text } = await patch('{ "System": { "ConnsInbound": 7 } }')
      expect(status).to.equal(200)
      expect(JSON.parse(text).changes).to.deep.equal([{ setting: 'System.ConnsInbound', from: 2, to: 7 }])

      await patch('{ "System": { "Memory": "2MiB" }, "Protocol": { "__proto__": { "Streams": 5 }, "/a": { "Streams": 6 } } }')
      expect(manager.limits?.system).to.include({ connsInbound: 7, memory: 2 ** 21 })
      expect((await json('/limits')).Protocol['/a']).to.include({ Streams: 6 })

      // forgets those before
      expect(await patch('{}', { method: 'PUT' })).to.have.property('status', 200)
      expect(manager.limits?.system).to.include({ connsInbound: 2, memory: 2 ** 20 })
    })

    it('should be what they were where they are "default"', async () => {
      await start({ token: TOKEN })
      await patch('{ "System": { "ConnsInbound": 7, "Memory": "2MiB" }, "Protocol": { "__proto__": { "Streams": 5, "Memory": 6 }, "/a": { "Streams": 6 } } }')

      const { status, text } = await patch('{ "System": { "ConnsInbound": "default", "FD": "default" }, "Protocol": { "__proto__": { "Streams": "default" }, "/b": { "Streams": "default" } } }')

      expect(status).to.equal(200, text)
      expect(JSON.parse(text).changes.map(({ from, setting, to }: LimitChange) => [setting, from, to])).to.deep.include(['System.ConnsInbound', 7, 2])
      expect(manager.limits?.system).to.include({ connsInbound: 2, memory: 2 ** 21 })
      expect(manager.limits?.protocol['/a']).to.include({ streams: 6 })
      expect(Object.entries(manager.limits?.protocol ?? {}).find(([name]) => name === '__proto__')?.[1]).to.include({ memory: 6 }).and.have.property('streams').that.is.greaterThan(5)

      // twice, with something wrong, and where everything is replaced
      expect(JSON.parse((await patch('{ "System": { "ConnsInbound": "default" } }')).text).changes).to.deep.equal([])
      expect(await patch('{ "System": { "Memory": "default", "Conns": "many" } }')).to.have.property('status', 400)
      expect(manager.limits?.system.memory).to.equal(2 ** 21)
      await patch('{ "System": { "Memory": "default" } }', { method: 'PUT' })
      expect(manager.limits?.system.memory).to.equal(2 ** 20)
    })

    it('should take what they are shown as', async () => {
      await start({ token: TOKEN })

      const { text } = await ask(url('/limits'))
      const answer = await patch(text, { method: 'PUT' })

      expect(answer.status).to.equal(200, answer.text)
      expect(JSON.parse(answer.text).changes).to.deep.equal([])
    })

    it('should stay as they are with anything wrong, all of which is named', async () => {
      await start({ token: TOKEN })

      const before = JSON.stringify(manager.limits)
      const { status, text } = await patch('{ "System": { "ConnsInbound": -5, "Memory": "lots", "Conns": 9 }, "Sistem": {} }')

      expect(status).to.equal(400)
      expect(JSON.parse(text).problems.join('\n')).to.match(/ConnsInbound/).and.match(/Memory/).and.match(/Sistem/)

      for (const body of ['', '{', '[]', 'null', '\u0000']) {
        expect(await patch(body)).to.have.property('status', 400, body)
      }

      expect(await patch(' '.repeat(2 ** 20 + 1))).to.have.property('status', 413)
      expect(JSON.stringify(manager.limits)).to.equal(before)
    })

    it('should stay as they are without the right token', async () => {
      await start({ token: TOKEN })

      const before = JSON.stringify(manager.limits)

      for (const token of ['', 'x', TOKEN.slice(1), `${TOKEN}0`, TOKEN.toUpperCase()]) {
        const { headers, status, text } = await patch('{ "System": { "ConnsInbound": 7 } }', { token })

        expect(status).to.equal(401)
        expect(headers['www-authenticate']).to.equal('Bearer')
        expect(text).to.not.include(TOKEN)
      }

      expect(admin.stat().unauthorized).to.equal(5)
      expect(JSON.stringify(manager.limits)).to.equal(before)
    })

    it('should stay as they are where there is no token', async () => {
      await start()

      const { status, text } = await patch('{}', { token: '' })

      expect(status).to.equal(403)
      expect(text).to.include('made without a token')
    })

    it('should answer the right token while many guess', async () => {
      await start({ token: TOKEN })

      const guesses = Array.from({ length: 40 }, async (_, i) => patch('{}', { token: `guess-${i}` }))
      const { status } = await patch('{ "System": { "ConnsInbound": 3 } }')
      const answers = await Promise.all(guesses)

      expect(status).to.equal(200)
      expect(answers.filter(({ status }) => status !== 401 && status !== 429)).to.be.empty()
      expect(answers.some(({ status }) => status === 429)).to.equal(true)
      expect(admin.stat().unauthorized).to.equal(40)
    })
  })

  describe('who may ask', () => {
    it('should be no page of another name or site', async () => {
      await start()

      for (const host of ['evil.example', `evil.example:${admin.port}`, '127.0.0.1.evil.example']) {
        expect(await ask(url('/stat'), { headers: { host } })).to.have.property('status', 403, host)
      }

      for (const host of ['localhost', `localhost:${admin.port}`, '127.0.0.1', '[::1]:80', 'LOCALHOST']) {
        expect(await ask(url('/stat'), { headers: { host } })).to.have.property('status', 200, host)
      }

      expect(await ask(url('/events'), { headers: { 'sec-fetch-site': 'cross-site' } })).to.have.property('status', 403)
      expect(await ask(url('/stat'), { headers: { 'sec-fetch-site': 'same-origin' } })).to.have.property('status', 200)
      expect(admin.stat().foreign).to.equal(4)
    })

    it('should be those with the token, beyond loopback', async () => {
      await start({ host: '0.0.0.0', token: TOKEN })

      const base = `http://127.0.0.1:${admin.port}`

      for (const path of [...READ_PATHS, '/events', '/metrics']) {
        expect(await ask(`${base}${path}`)).to.have.property('status', 401, path)
      }

      expect(await ask(`${base}/stat`, { headers: { authorization: `Bearer ${TOKEN}` } })).to.have.property('status', 200)
    })

    it('should not be too many', async () => {
      await start()

      const answers = await Promise.all(Array.from({ length: 100 }, async () => ask(url('/stat'))))
      const refused = answers.filter(({ status }) => status === 429)

      // a slow machine is given more turns while it asks
      expect(refused.length).to.equal(admin.stat().tooMany)
      expect(answers.filter(({ status }) => status !== 200 && status !== 429)).to.be.empty()
    })

    it('should get answers that cannot be used for anything else', async () => {
      await start()

      const { headers } = await ask(url('/stat'))

      expect(headers['content-security-policy']).to.include("default-src 'none'").and.include("frame-ancestors 'none'").and.not.include('unsafe')
      expect(headers).to.include({ 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-store' })
      expect(headers).to.not.have.property('access-control-allow-origin')
    })
  })

  describe('live views', () => {
    it('should hear what happens', async () => {
      await start()

      const res = await send(url('/events'))
      const events = eventsOf(res)
      const { value: history } = await events.next()

      expect(history.event).to.equal('history')
      expect(history.data[0]).to.include({ connections: 0, refusals: 0 })

      const conn = manager.openConnection('inbound', true, '/ip4/192.0.2.1/tcp/1')
      let live

      for await (const { data, event } of events) {
        live = data

        if (event === 'live' && data.sample.connections === 1) {
          break
        }
      }

      expect(live.bars[0]).to.include({ scope: 'system', used: 1, limit: 2, percent: 50 })
      expect(live.admin).to.include({ listeners: 1 })
      conn.done()
    })

    it('should not be more than a number', async () => {
      await start()

      const views = await Promise.all(Array.from({ length: 17 }, async () => send(url('/events'))))

      expect(views.map(({ statusCode }) => statusCode).sort()).to.deep.equal([...new Array(16).fill(200), 503])
      expect(admin.stat()).to.include({ listeners: 16, listenersRefused: 1 })

      const [view] = views.filter(({ statusCode }) => statusCode === 200)
      view.destroy()

      // its place is free once the server has noticed
      for (;;) {
        const again = await send(url('/events'))

        if (again.statusCode === 200) {
          again.destroy()
          break
        }

        again.resume()
        await once(again, 'end')
      }

      views.forEach(view => view.destroy())
    })
  })

  describe('beginning and end', () => {
    it('should end everything', async () => {
      await start()

      const address = url('/stat')
      const view = await send(url('/events'))
      const idle = createConnection(admin.port, '127.0.0.1')
      await once(idle, 'connect')
      idle.on('error', () => {})
      view.on('error', () => {})
      view.resume()

      // `once` would reject, as both are cut off
      const ended = Promise.all([view, idle].map(async (stream) => new Promise(resolve => { stream.once('close', resolve) })))
      await Promise.all([admin.close(), admin.close()])
      await ended

      await expect(ask(address)).to.eventually.be.rejected()
    })

    it('should say that a port is taken, by another of its kind too', async () => {
      await start()
      await expect(adminServer(manager, { port: admin.port })).to.eventually.be.rejectedWith(/port: expected a port that is free on 127\.0\.0\.1: another admin server or program listens there, got \d+/)

      // two for one manager
      const second = await adminServer(manager, { port: 0 })
      expect(await ask(new URL('/stat', second.url))).to.have.property('status', 200)
      await second.close()

      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      await expect(adminServer(manager, { port: (server.address() as AddressInfo).port })).to.eventually.be.rejectedWith(/another admin server or program/)
      server.close()
    })

    it('should name options that it cannot use', async () => {
      const wrongs: Array<[any, RegExp]> = [
        [{}, /port: expected a whole number from 0 to 65535/],
        [{ port: 65_536 }, /port: expected a whole number/],
        [{ port: 0, host: '' }, /host: expected an IP address or a host name/],
        [{ port: 0, host: '192.0.2.77', token: TOKEN }, /host: expected an address of this machine/],
        [{ port: 0, host: '0.0.0.0' }, /token: expected one, because others can reach a host that is not loopback/],
        [{ port: 0, host: '::' }, /token: expected one/],
        [{ port: 0, token: 'short' }, /token: expected at least 16 letters.*5 characters/],
        [{ port: 0, token: 'with spaces and such' }, /token: expected at least 16/],
        [{ port: 0, tokens: TOKEN }, /tokens: unknown option/]
      ]

      for (const [init, message] of wrongs) {
        await expect(adminServer(manager, init)).to.eventually.be.rejectedWith(message)
      }

      await expect(adminServer({} as any, { port: 0 })).to.eventually.be.rejectedWith(/manager: expected a resource manager/)
    })

    it('should listen on IPv6', async function () {
      try {
        await start({ host: '::1' })
      } catch (err: any) {
        if (/an address of this machine|EAFNOSUPPORT/.test(err.message)) {
          return this.skip()
        }

        throw err
      }

      expect(admin.url).to.equal(`http://[::1]:${admin.port}/`)
      expect(await ask(url('/stat'))).to.have.property('status', 200)
    })
  })
})
