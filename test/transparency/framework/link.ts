import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { pEvent } from 'p-event'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo, Server, Socket } from 'node:net'

/**
 * What a link is like in each direction
 */
export interface LinkConditions {
  /**
   * How many bytes pass in a second
   *
   * @default Infinity
   */
  bytesPerSecond?: number

  /**
   * How long a byte is on its way, in ms
   *
   * @default 0
   */
  latency?: number
}

/**
 * How many bytes may be on their way in one direction of a connection. The sender waits for
 * room, as with the window of TCP.
 */
const WINDOW = 2 ** 20

/**
 * A slow or long way to a listener on this machine: a TCP proxy
 */
export class Link {
  /**
   * The address of the near end
   */
  readonly address: Multiaddr
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor (address: Multiaddr, server: Server, sockets: Set<Socket>) {
    this.address = address
    this.#server = server
    this.#sockets = sockets
  }

  /**
   * Opens one to an address such as `/ip4/127.0.0.1/tcp/1234/ws/p2p/…`
   */
  static async to (target: Multiaddr, conditions: LinkConditions): Promise<Link> {
    const [host, port, ...rest] = target.getComponents()
    const sockets = new Set<Socket>()

    const server = createServer({ allowHalfOpen: true }, near => {
      const far = connect({ host: host.value, port: Number(port.value), allowHalfOpen: true })

      for (const [from, to] of [[near, far], [far, near]]) {
        sockets.add(from)
        from.on('close', () => { sockets.delete(from) })
        carry(from, to, conditions).catch(() => { to.destroy() })
      }
    })

    server.listen(0, '127.0.0.1')
    await once(server, 'listening')

    const end = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`

    return new Link(rest.reduce((address, { name, value }) => address.encapsulate(`/${name}${value == null ? '' : `/${value}`}`), multiaddr(end)), server, sockets)
  }

  /**
   * Cuts it
   */
  async close (): Promise<void> {
    this.#server.close()
    this.#sockets.forEach(socket => { socket.destroy() })
    await Promise.all([...this.#sockets].map(async socket => once(socket, 'close')))
  }
}

/**
 * Carries the bytes of one direction, in order, until there are no more
 */
async function carry (from: Socket, to: Socket, { bytesPerSecond = Infinity, latency = 0 }: LinkConditions): Promise<void> {
  let lineFree = performance.now()
  let onTheirWay = 0
  let arrived = Promise.resolve()

  const arrive = async (chunk: Uint8Array, before: Promise<void>, at: number): Promise<void> => {
    await until(at)
    await before

    if (!to.write(chunk)) {
      await pEvent(to, 'drain', { rejectionEvents: ['close', 'error'] })
    }

    onTheirWay -= chunk.byteLength
  }

  // an error of the other end is noticed by writing to it
  from.on('error', () => {})

  for await (const chunk of from.iterator({ destroyOnReturn: false })) {
    lineFree = Math.max(lineFree, performance.now()) + chunk.byteLength / bytesPerSecond * 1_000
    onTheirWay += chunk.byteLength
    arrived = arrive(chunk, arrived, lineFree + latency)
    // whoever waits for it gets it as well
    arrived.catch(() => {})
    await until(lineFree)

    if (onTheirWay > WINDOW) {
      await arrived
    }
  }

  await arrived
  to.end()
}

async function until (time: number): Promise<void> {
  const left = time - performance.now()

  if (left > 0) {
    await delay(left)
  }
}
