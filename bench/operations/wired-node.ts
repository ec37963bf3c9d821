import { TypedEventEmitter } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { AbstractMultiaddrConnection, AbstractStream, AbstractStreamMuxer } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { resourceManager } from '../../src/index.ts'
import { PROTOCOL } from './operation.ts'
import type { ResourceManager, ResourceManagerInit } from '../../src/index.ts'
import type { ResourceManagerComponents } from '../../src/libp2p/node-host.ts'
import type { Connection, ConnectionGater, PeerId, Startable, Stream, StreamHandlerRecord, StreamMiddleware } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'

const log = defaultLogger().forComponent('bench')
const ADDRESS = multiaddr('/ip4/127.0.0.1/tcp/4001')

/**
 * libp2p's own stream, on top of nothing
 */
class BenchStream extends AbstractStream {
  sendData (data: { byteLength: number }): SendResult {
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  sendReset (): void {}
  sendPause (): void {}
  sendResume (): void {}
  async sendCloseWrite (): Promise<void> {}
  async sendCloseRead (): Promise<void> {}
}

class BenchConnection extends AbstractMultiaddrConnection {
  sendData (data: { byteLength: number }): SendResult {
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  sendReset (): void {}
  sendPause (): void {}
  sendResume (): void {}
  async sendClose (): Promise<void> {}
}

class BenchMuxer extends AbstractStreamMuxer<BenchStream> {
  onData (): void {}

  onCreateStream (): BenchStream {
    return createStream('outbound')
  }
}

function createStream (direction: 'inbound' | 'outbound'): BenchStream {
  return new BenchStream({ id: '1', log, direction })
}

/**
 * What libp2p does with a connection and its streams, as far as the resource manager has
 * to do with it: the same components are asked in the same order. There is no network,
 * no encryption and no negotiation, so what is measured is little else than what the
 * manager adds.
 */
export class WiredNode {
  readonly #components: ResourceManagerComponents
  readonly #peer: PeerId

  /** What the node has, if it has one */
  readonly manager?: ResourceManager

  /**
   * @param peer - the other end of connections where nothing else is said
   * @param init - the options of the resource manager, or `false` for none
   * @param maxConnections - how many libp2p's connection manager allows
   */
  constructor (peer: PeerId, init: ResourceManagerInit | false, maxConnections: number = 300) {
    const handler: StreamHandlerRecord = { handler: () => {}, options: {} }
    const gater: ConnectionGater = {}

    this.#peer = peer
    this.#components = {
      connectionGater: gater,
      connectionManager: { getMaxConnections: () => maxConnections },
      datastore: { put: async () => {} },
      events: new TypedEventEmitter(),
      logger: defaultLogger(),
      registrar: {
        handle: async () => {},
        getProtocols: () => [PROTOCOL],
        getHandler: () => handler,
        getMiddleware: () => []
      },
      transportManager: { dial: async () => {}, listen: async () => {}, getListeners: () => [] },
      upgrader: {
        getStreamMuxers: () => this.#muxers,
        upgradeInbound: async (maConn: BenchConnection, { peer }: { peer: PeerId }) => this.#upgrade(maConn, peer),
        upgradeOutbound: async () => {}
      }
    } as unknown as ResourceManagerComponents

    if (init !== false) {
      this.manager = resourceManager(init)(this.#components)
    }
  }

  readonly #muxers = new Map([['/bench-muxer', {
    protocol: '/bench-muxer',
    createStreamMuxer: (maConn: BenchConnection) => new BenchMuxer(maConn, { protocol: '/bench-muxer', name: 'muxer' })
  }]])

  /**
   * A node, which has been started
   *
   * @param peer - the other end of connections where nothing else is said
   * @param init - the options of the resource manager, or `false` for none
   * @param maxConnections - how many libp2p's connection manager allows
   */
  static async start (peer: PeerId, init: ResourceManagerInit | false, maxConnections?: number): Promise<WiredNode> {
    const node = new WiredNode(peer, init, maxConnections)

    await (node.manager as Startable | undefined)?.start()

    return node
  }

  /**
   * A remote connects
   *
   * @param peer
   * @param remoteAddr - where it comes from
   * @returns What its streams come from, or nothing if it was refused
   */
  async connect (peer: PeerId = this.#peer, remoteAddr: Multiaddr = ADDRESS): Promise<WiredConnection | undefined> {
    const maConn = new BenchConnection({ log, remoteAddr, direction: 'inbound' })

    return this.#components.upgrader.upgradeInbound(maConn as any, { peer } as any) as unknown as Promise<WiredConnection | undefined>
  }

  async #upgrade (maConn: BenchConnection, peer: PeerId): Promise<WiredConnection | undefined> {
    const { connectionGater, events } = this.#components

    if (await connectionGater.denyInboundConnection?.(maConn) === true ||
      await connectionGater.denyInboundEncryptedConnection?.(peer, maConn) === true) {
      maConn.onTransportClosed()
      return
    }

    const muxer = this.#muxers.get('/bench-muxer')?.createStreamMuxer(maConn) as BenchMuxer

    const connection = { streams: muxer.streams, timeline: maConn.timeline, remotePeer: peer, remoteAddr: maConn.remoteAddr } as unknown as Connection

    events.safeDispatchEvent('connection:open', { detail: connection })

    return new WiredConnection(this.#components, maConn, muxer, connection)
  }
}

export class WiredConnection {
  readonly #components: ResourceManagerComponents
  readonly #maConn: BenchConnection
  readonly #muxer: BenchMuxer
  readonly #connection: Connection
  #handled = 0

  constructor (components: ResourceManagerComponents, maConn: BenchConnection, muxer: BenchMuxer, connection: Connection) {
    this.#connection = connection
    this.#components = components
    this.#maConn = maConn
    this.#muxer = muxer
    muxer.addEventListener('stream', ({ detail }) => { this.#handle(detail) })
  }

  /** How many streams have got as far as their handler */
  get handled (): number {
    return this.#handled
  }

  /**
   * The remote opens a stream, sends a message, gets one, and closes the stream
   */
  stream (message: Uint8Array): void {
    const stream = createStream('inbound')

    this.#muxer.onRemoteStream(stream)

    if (stream.status === 'open') {
      stream.onData(message)
      stream.send(message)
      stream.onTransportClosed()
    }
  }

  /**
   * The remote opens a stream, which stays open
   *
   * @param unread - what it sends, and what nobody reads
   */
  holdStream (unread?: Uint8Array): void {
    const stream = createStream('inbound')

    if (unread != null) {
      stream.pause()
    }

    this.#muxer.onRemoteStream(stream)

    if (unread != null) {
      stream.onData(unread)
    }
  }

  /**
   * The transport is closed, and all streams with it
   */
  close (): void {
    this.#muxer.streams.forEach(stream => { (stream as BenchStream).onTransportClosed() })
    this.#maConn.onTransportClosed()
  }

  #handle (stream: Stream): void {
    const { registrar } = this.#components

    stream.protocol = PROTOCOL

    const { handler } = registrar.getHandler(PROTOCOL)

    for (const middleware of registrar.getMiddleware(PROTOCOL) as StreamMiddleware[]) {
      void middleware(stream, this.#connection, () => {})
    }

    stream.addEventListener('message', () => {})
    void handler(stream, this.#connection)
    this.#handled++
  }
}
