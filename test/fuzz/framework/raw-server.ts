import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/**
 * Listens for sockets that are answered differently in each case
 */
export class RawServer {
  readonly #server: Server
  readonly #suffix: string
  readonly #sockets = new Set<Socket>()
  answer: (socket: Socket) => void = () => {}

  private constructor (server: Server, suffix: string) {
    this.#server = server
    this.#suffix = suffix
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => { this.#sockets.delete(socket) })
      this.answer(socket)
    })
  }

  /**
   * @param suffix - What its address has behind the port
   */
  static async start (suffix: string): Promise<RawServer> {
    const server = createServer()

    server.listen(0, '127.0.0.1')
    await once(server, 'listening')

    return new RawServer(server, suffix)
  }

  get address (): string {
    return `/ip4/127.0.0.1/tcp/${(this.#server.address() as AddressInfo).port}${this.#suffix}`
  }

  drop (): void {
    this.answer = () => {}
    this.#sockets.forEach(socket => { socket.destroy() })
  }
}
