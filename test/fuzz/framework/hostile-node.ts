import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { fetch } from '@libp2p/fetch'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { dialerTransports, encrypterOf, muxerOf } from './stacks.ts'
import type { Stack } from './stacks.ts'
import type { HostileMuxer } from '../../attacks/framework/target.ts'
import type { Connection, ConnectionEncrypter, Libp2p, MessageStream, MultiaddrConnection, StreamMuxer } from '@libp2p/interface'
import type { Upgrader } from '@libp2p/interface'

const SEED_LENGTH = 32

/**
 * What a hostile node does at which stage of a connection, in either direction
 */
export interface Plan {
  /** A raw connection is there, before anything has been sent */
  socket?(maConn: MultiaddrConnection): void

  /** What is encrypted with has been agreed on. Where it throws, there is no handshake. */
  handshake?(connection: MessageStream): void

  /** The handshake is over */
  secured?(connection: MessageStream): void

  /** The muxer has been agreed on. The victim may not know yet. */
  muxer?(muxer: HostileMuxer): void
}

/**
 * A node that can do something else than it should at each stage of a connection
 */
export class HostileNode {
  readonly node: Libp2p
  plan: Plan = {}
  #sockets: MultiaddrConnection[] = []

  private constructor (node: Libp2p) {
    this.node = node
  }

  /**
   * @param stack - What the victim is made of
   * @param id - Of its identity, which is the same each time
   * @param from - The address that it dials from, asked for each dial
   * @param listen - Where it listens itself
   */
  static async create (stack: Stack, id: number, from: () => string | undefined, listen: string[] = []): Promise<HostileNode> {
    const seed = new Uint8Array(SEED_LENGTH).fill(7)

    new DataView(seed.buffer).setUint32(0, id)

    const encrypter = encrypterOf(stack)
    const muxers = muxerOf(stack)
    const hooks = (): Plan => hostile.plan
    const hostile: HostileNode = new HostileNode(await createLibp2p({
      privateKey: await generateKeyPairFromSeed('Ed25519', seed),
      addresses: { listen },
      transports: dialerTransports(stack, from),
      connectionEncrypters: [components => hostileEncrypter(encrypter(components), hooks)],
      streamMuxers: [components => {
        const factory = muxers(components)

        return {
          protocol: factory.protocol,
          createStreamMuxer: connection => hostileMuxer(factory.createStreamMuxer(connection), hooks)
        }
      }],
      connectionMonitor: { enabled: false },
      // dials and is dialled again and again
      connectionManager: { maxConnections: 10_000, inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 10_000, reconnectRetries: 0 },
      services: { identify: identify(), ping: ping(), fetch: fetch() }
    }))

    hostile.#observe((hostile.node as any).components.upgrader)

    return hostile
  }

  /**
   * Opens one more connection, even where there is one already
   */
  async connect (address: string, signal: AbortSignal): Promise<Connection> {
    return (this.node as any).components.transportManager.dial(multiaddr(address), { signal })
  }

  /**
   * Drops all raw connections
   */
  drop (): void {
    this.plan = {}
    this.#sockets.splice(0).forEach(socket => { socket.abort(new Error('the case is over')) })
  }

  #observe (upgrader: Upgrader): void {
    for (const method of ['upgradeOutbound', 'upgradeInbound'] as const) {
      const upgrade: (maConn: MultiaddrConnection, options: any) => Promise<any> = upgrader[method].bind(upgrader)

      upgrader[method] = async (maConn: MultiaddrConnection, options: any) => {
        this.#sockets.push(maConn)
        this.plan.socket?.(maConn)

        return upgrade(maConn, options)
      }
    }
  }
}

function hostileEncrypter (encrypter: ConnectionEncrypter, plan: () => Plan): ConnectionEncrypter {
  const secure = (direction: 'secureInbound' | 'secureOutbound'): ConnectionEncrypter['secureInbound'] => async (connection, options) => {
    plan().handshake?.(connection)

    const secured = await encrypter[direction](connection, options)

    plan().secured?.(secured.connection)

    return secured
  }

  return { protocol: encrypter.protocol, secureInbound: secure('secureInbound'), secureOutbound: secure('secureOutbound') }
}

function hostileMuxer (muxer: StreamMuxer, plan: () => Plan): StreamMuxer {
  plan().muxer?.(muxer as HostileMuxer)

  return muxer
}
