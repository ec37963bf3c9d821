import { serviceCapabilities, transportSymbol } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { pEvent } from 'p-event'
import { encodeFrame, FrameDecoder, OPCODE, openWebSocket } from './web-socket-client.ts'
import type { AbortOptions, ComponentLogger, Connection, Logger, Transport } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Socket } from 'node:net'
import type { Uint8ArrayList } from 'uint8arraylist'

interface ConnectionInit {
  socket: Socket
  remoteAddr: Multiaddr
  log: Logger
}

/**
 * The raw connection over a WebSocket whose frames are made here
 */
class WebSocketConnection extends AbstractMultiaddrConnection {
  readonly socket: Socket
  readonly #frames = new FrameDecoder()

  constructor ({ socket, remoteAddr, log }: ConnectionInit) {
    super({ remoteAddr, log, direction: 'outbound' })
    this.socket = socket
    socket.on('data', chunk => { this.#receive(chunk) })
    socket.on('drain', () => { this.safeDispatchEvent('drain') })
    socket.once('close', () => { this.onTransportClosed() })
  }

  sendData (data: Uint8ArrayList): SendResult {
    return {
      sentBytes: data.byteLength,
      canSendMore: this.socket.write(encodeFrame({ payload: data.subarray() }))
    }
  }

  sendReset (): void {
    this.socket.destroy()
  }

  async sendClose (options?: AbortOptions): Promise<void> {
    if (!this.socket.destroyed) {
      this.socket.destroySoon()
      await pEvent(this.socket, 'close', options)
    }
  }

  sendPause (): void {
    this.socket.pause()
  }

  sendResume (): void {
    this.socket.resume()
  }

  #receive (chunk: Buffer): void {
    for (const { opcode, payload } of this.#frames.decode(chunk)) {
      if (opcode === OPCODE.binary) {
        this.onData(payload)
      } else if (opcode === OPCODE.close) {
        this.socket.end()
      }
    }
  }
}

/**
 * WebSockets that are dialled from a certain address of this machine, which the ones of Node.js cannot be, and whatever
 * certificate the other end has
 *
 * @param localAddress - Asked for each dial
 */
export function webSocketsFrom (localAddress: () => string | undefined): (components: { logger: ComponentLogger }) => Transport {
  return ({ logger }) => ({
    [transportSymbol]: true,
    [Symbol.toStringTag]: 'web-sockets-from',
    [serviceCapabilities]: ['@libp2p/transport'],
    async dial (address, options): Promise<Connection> {
      const [{ value: host }, { value: port }] = address.getComponents()
      const socket = await openWebSocket({
        host: String(host),
        port: Number(port),
        localAddress: localAddress(),
        secure: address.toString().includes('/tls/'),
        signal: options.signal
      })

      return options.upgrader.upgradeOutbound(
        new WebSocketConnection({ socket, remoteAddr: address, log: logger.forComponent('attacks:websockets') }),
        options
      )
    },
    createListener () {
      throw new Error('it only dials')
    },
    listenFilter: () => [],
    dialFilter: addresses => addresses.filter(address => address.getComponents().some(({ name }) => name === 'ws'))
  })
}

/**
 * The socket under a connection, for frames of one's own
 */
export function webSocketOf (connection: Connection): Socket {
  return (connection as unknown as { maConn: WebSocketConnection }).maConn.socket
}
