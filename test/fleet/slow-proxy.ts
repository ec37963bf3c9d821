import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/**
 * Passes on what comes, later: how an engine looks that is far away
 */
export class SlowProxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** How long bytes take in each direction, in ms */
  delay = 0

  private constructor (server: Server, target: number) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', socket => {
      const remote = connect(target, '127.0.0.1')

      this.#pass(socket, remote)
      this.#pass(remote, socket)
    })
  }

  static async start (target: number): Promise<SlowProxy> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')

    await once(server, 'listening')

    return new SlowProxy(server, target)
  }

  stop (): void {
    this.#server.close()
    this.#sockets.forEach(socket => { socket.destroy() })
  }

  #pass (from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('error', () => {})
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.on('data', (data: Buffer) => {
      if (this.delay === 0) {
        to.write(data)
      } else {
        setTimeout(() => { to.writable && to.write(data) }, this.delay)
      }
    })
  }
}
