import { createConnection } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { createLibp2p } from 'libp2p'
import { attackAddress } from './addresses.ts'
import { tcpFrom } from './tcp-from.ts'
import type { Connection, Libp2p, PrivateKey, StreamMuxer } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Socket } from 'node:net'

/**
 * How long a dial may take, in ms
 */
const DIAL_TIMEOUT = 5_000

const SEED_LENGTH = 32

/**
 * A victim as an attacker sees it
 */
export class Target {
  readonly #address: Multiaddr

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

  constructor (address: Multiaddr, attacker: number, signal: AbortSignal) {
    this.#address = address
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
      transports: [tcpFrom(addressOf(address))],
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
