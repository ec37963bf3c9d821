/**
 * What is protected: somebody who watches and does not read costs the node the memory of one
 * event, and its place is free again in the end.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { expect } from 'aegir/chai'
import { noRequests } from '../../src/admin/admin-stat.ts'
import { LiveFeed } from '../../src/admin/live-feed.ts'
import { createResourceManager } from '../../src/index.ts'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Sockets on loopback buffer some MB
 */
const MAX_TICKS = 20_000

describe('live feed', function () {
  this.timeout(120_000)

  it('should leave out what is not read, count it, and end who does not read at all', async () => {
    const manager = createResourceManager({ limits: { system: { conns: 400, connsInbound: 400 }, transient: { conns: 400, connsInbound: 400 } } })
    const stat = noRequests()
    const errors: Error[] = []
    let time = 0
    const feed = new LiveFeed(manager, stat, (err) => { errors.push(err) }, () => time)
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
      feed.tick()
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

  it('should look less often the longer it takes', async () => {
    const manager = createResourceManager()
    const stat = noRequests()
    let time = 0
    // each look at the clock takes 10 ms, so a look at the node does
    const feed = new LiveFeed(manager, stat, () => {}, () => {
      time += 10

      return time
    })
    let res: ServerResponse | undefined
    const server = createServer((_, response) => {
      res = response
      feed.listen(response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')

    const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
    let received = ''

    await once(socket, 'connect')
    socket.setEncoding('utf8')
    socket.on('data', (text) => { received += text })
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(socket, 'data')

    for (let i = 0; i < 8; i++) {
      time += 100
      feed.tick()
    }

    feed.close()
    res?.end()
    server.close()
    socket.end()
    await once(socket, 'close')

    // the one for who begins to watch, and one after a second
    expect(received.match(/^event: live$/gm)).to.have.lengthOf(2)
    await manager.stop()
  })
})
