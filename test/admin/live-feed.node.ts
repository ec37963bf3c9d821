/**
 * What is protected: a viewer who does not read costs the node the memory of one
 * event, and its place is free again in the end.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { expect } from 'aegir/chai'
import { noRequests } from '../../src/admin/admin-stat.ts'
import { DescribedMarks } from '../../src/admin/described-marks.ts'
import { LiveFeed } from '../../src/admin/live-feed.ts'
import { Snapshots } from '../../src/admin/snapshot.ts'
import { createResourceManager } from '../../src/index.ts'
import type { BarStat } from '../../src/admin.ts'
import type { ResourceManager } from '../../src/index.ts'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/**
 * Sockets on loopback buffer some MB
 */
const MAX_TICKS = 20_000

/**
 * What a viewer has heard
 */
class Viewer {
  readonly #socket: Socket
  #received = ''

  constructor (socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text) => { this.#received += text })
    socket.on('error', () => {})
  }

  count (event: string): number {
    return this.#received.match(new RegExp(`^event: ${event}\\ndata: .*\\n\\n`, 'gm'))?.length ?? 0
  }

  last (event: string): any {
    return JSON.parse([...this.#received.matchAll(new RegExp(`^event: ${event}\\ndata: (.*)\\n\\n`, 'gm'))].at(-1)?.[1] ?? 'null')
  }

  async until (event: string, count = 1): Promise<void> {
    while (this.count(event) < count) {
      await once(this.#socket, 'data')
    }
  }

  async end (): Promise<void> {
    const closed = new Promise(resolve => { this.#socket.once('close', resolve) })

    this.#socket.destroy()
    await closed
  }
}

interface Started {
  manager: ResourceManager
  feed: LiveFeed
  errors: Error[]

  /** Lets some time pass, in ms */
  tick(ms: number): Promise<void>
  open(): Promise<Viewer>
}

describe('live feed', function () {
  this.timeout(120_000)

  const servers: Server[] = []
  const opened: DescribedMarks[] = []

  afterEach(() => {
    servers.splice(0).forEach(server => { server.close() })
    opened.splice(0).forEach(marks => { marks.close() })
  })

  function snapshotsOf (manager: ResourceManager): Snapshots {
    const marks = new DescribedMarks(manager)

    opened.push(marks)

    return new Snapshots(manager, marks)
  }

  /**
   * A feed whose clock stands still
   *
   * @param take - takes one, in some way of its own
   */
  async function start (take: (snapshots: Snapshots, ...args: Parameters<Snapshots['take']>) => ReturnType<Snapshots['take']>): Promise<Started> {
    const manager = createResourceManager()
    const errors: Error[] = []
    const snapshots = snapshotsOf(manager)
    let time = 0
    const feed = new LiveFeed(manager, { take: async (...args) => take(snapshots, ...args) }, noRequests(), (err) => { errors.push(err) }, () => time)
    const server = createServer((_, response) => { feed.listen(response) }).listen(0, '127.0.0.1')

    servers.push(server)
    await once(server, 'listening')

    return {
      manager,
      feed,
      errors,
      tick: async (ms) => {
        time += ms
        await feed.tick()
      },
      open: async () => {
        const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1')

        await once(socket, 'connect')
        socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')

        return new Viewer(socket)
      }
    }
  }

  it('should leave out what is not read, count it, and end who does not read at all', async () => {
    const manager = createResourceManager({ limits: { system: { conns: 400, connsInbound: 400 }, transient: { conns: 400, connsInbound: 400 } } })
    const stat = noRequests()
    const errors: Error[] = []
    let time = 0
    const feed = new LiveFeed(manager, snapshotsOf(manager), stat, (err) => { errors.push(err) }, () => time)
    let res: ServerResponse | undefined
    const server = createServer((_, response) => {
      res = response
      feed.listen(response)
    }).listen(0, '127.0.0.1')

    await once(server, 'listening')

    for (let i = 0; i < 200; i++) {
      manager.viewService(`a-service-with-quite-a-long-name-${i}`, (scope) => { scope.reserveMemory(10) })
    }

    const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
    await once(socket, 'connect')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(server, 'request')
    socket.pause()

    let most = 0

    for (let i = 0; i < MAX_TICKS && stat.listenersEnded === 0; i++) {
      time += 1_000
      await feed.tick()
      most = Math.max(most, (res as ServerResponse).writableLength)
      await new Promise(resolve => setImmediate(resolve))
    }

    expect(errors).to.deep.equal([])
    expect(stat).to.include({ eventsSkipped: 60, listenersEnded: 1 })
    expect(most).to.be.greaterThan(0).and.lessThan(2 ** 20)

    if (stat.listeners > 0) {
      await once(res as ServerResponse, 'close')
    }

    expect(stat.listeners).to.equal(0)

    feed.close()
    server.close()
    socket.destroy()
    await manager.stop()
  })

  it('should take snapshots less often the longer they take', async () => {
    const { feed, manager, tick, open } = await start(async (snapshots, sample, admin) => ({ ...await snapshots.take(sample, admin), duration: 10 }))
    const viewer = await open()

    await viewer.until('live')

    for (let i = 0; i < 8; i++) {
      await tick(100)
    }

    // the one for a new viewer, and one after a second less the half of one, which the next has to wait for
    await tick(300)
    await viewer.until('sample', 8)
    expect(viewer.count('live')).to.equal(2)
    await tick(400)
    await viewer.until('live', 3)
    expect(viewer.count('sample')).to.equal(8)
    feed.close()
    await viewer.end()
    await manager.stop()
  })

  for (const duration of [1, 4, 10, 60]) {
    it(`should take no more snapshots however many live views are opened and closed, where that takes ${duration} ms`, async () => {
      let taken = 0
      const { feed, manager, tick, open } = await start(async (snapshots, sample, admin) => {
        taken++

        return { ...await snapshots.take(sample, admin), duration }
      })

      for (let i = 0; i < 12; i++) {
        const viewer = await open()

        // each sees what was seen last
        await viewer.until('live')
        await viewer.end()
      }

      expect(taken).to.equal(1)

      const viewer = await open()

      await viewer.until('live')
      await tick(100 * duration)
      await viewer.until('live', 2)
      expect(taken).to.equal(2)

      feed.close()
      await viewer.end()
      await manager.stop()
    })
  }

  it('should take one snapshot for all who begin to listen meanwhile, and go on with the time line', async () => {
    let taken = 0
    let go = (): void => {}
    const { feed, manager, tick, open } = await start(async (snapshots, sample, admin) => {
      taken++
      await new Promise<void>(resolve => { go = resolve })

      return snapshots.take(sample, admin)
    })
    const viewers = [await open(), await open()]

    await Promise.all(viewers.map(async viewer => viewer.until('history')))
    expect(taken).to.equal(1)

    // nobody waits for the snapshot
    await tick(1_000)
    await Promise.all(viewers.map(async viewer => viewer.until('sample')))
    manager.openConnection('inbound', true, '/ip4/192.0.2.1/tcp/1')
    go()
    await Promise.all(viewers.map(async viewer => viewer.until('live')))
    expect(taken).to.equal(1)
    expect(viewers.map(viewer => viewer.count('live'))).to.deep.equal([1, 1])

    // what happened meanwhile is seen
    expect(viewers[0].last('live').bars.some(({ scope, used }: BarStat) => scope === 'system' && used === 1)).to.be.true()

    // one that ends while a snapshot is taken is no problem, and neither is the end of everything
    const ticking = tick(60_000)
    await viewers[0].end()
    feed.close()
    go()
    await ticking
    await viewers[1].until('live', 2)
    await viewers[1].end()
    await manager.stop()
  })

  it('should report a manager that fails, and try again', async () => {
    let fails = true
    const { errors, feed, manager, tick, open } = await start(async (snapshots, sample, admin) => {
      if (fails) {
        throw new Error('urk!')
      }

      return snapshots.take(sample, admin)
    })
    const viewer = await open()

    await viewer.until('history')
    await tick(1_000)
    expect(errors.map(({ message }) => message)).to.include('urk!')
    fails = false
    await tick(1_000)
    await viewer.until('live')
    feed.close()
    await viewer.end()
    await manager.stop()
  })
})
