import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { digest, KiB, MiB, someBytes } from './framework/bytes.ts'
import { Link } from './framework/link.ts'
import type { LinkConditions } from './framework/link.ts'
import type { AddressInfo, Server, Socket } from 'node:net'

/**
 * What the programs over slow and long ways rely on
 */
describe('a link', () => {
  let server: Server
  let link: Link

  /**
   * A link to a server that sends back what it gets, when it has got all of it
   */
  async function openLink (conditions: LinkConditions): Promise<Socket> {
    server = createServer({ allowHalfOpen: true }, socket => {
      const chunks: Uint8Array[] = []

      socket.on('data', chunk => { chunks.push(chunk) })
      socket.on('end', () => { socket.end(Buffer.concat(chunks)) })
      socket.on('error', () => {})
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')

    link = await Link.to(multiaddr(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/ws`), conditions)

    return connect({ port: Number(link.address.getComponents()[1].value), host: '127.0.0.1', allowHalfOpen: true })
  }

  async function roundTrip (socket: Socket, data: Uint8Array): Promise<string> {
    const chunks: Uint8Array[] = []

    socket.on('data', chunk => { chunks.push(chunk) })
    socket.end(data)
    await once(socket, 'end')

    return digest(...chunks)
  }

  afterEach(async () => {
    await link.close()
    server.close()
  })

  it('should have the address of its target but for the port', async () => {
    (await openLink({})).destroy()

    expect(link.address.toString()).to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws$/)
  })

  for (const [name, conditions] of Object.entries({
    fast: {},
    slow: { bytesPerSecond: 8 * MiB },
    long: { latency: 20 },
    'slow and long': { bytesPerSecond: 8 * MiB, latency: 20 }
  })) {
    it(`should carry all bytes in order and the end of each direction where it is ${name}`, async () => {
      const data = someBytes(MiB + 1)

      expect(await roundTrip(await openLink(conditions), data)).to.equal(digest(data))
    })
  }

  it('should never be faster than it says', async () => {
    const start = performance.now()

    // there and back, each 128 KiB at 1 MiB/s and 50 ms
    await roundTrip(await openLink({ bytesPerSecond: MiB, latency: 50 }), someBytes(128 * KiB))

    // timers may be a millisecond early
    expect(performance.now() - start).to.be.at.least(2 * (125 + 50) - 4)
  })

  it('should end connections when it is closed', async () => {
    const socket = await openLink({ latency: 20 })

    const closed = new Promise(resolve => { socket.on('close', resolve) })

    // whether it is reset is up to the machine
    socket.on('error', () => {})
    socket.resume().on('end', () => { socket.end() })
    await once(socket, 'connect')
    socket.write(someBytes(10))

    await link.close()
    await closed
  })
})
