import type { SuiteNode } from './suite-nodes.ts'
import type { MultiaddrConnection, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

const TIMEOUT = 10_000

/**
 * A suite wants a muxer at once. A node makes it in the course of an upgrade, and its
 * connection takes all streams. So this makes the muxer, the node upgrades the
 * connection with it, which is how a resource manager comes to guard it, and its streams
 * are left to the suite.
 */
export class HeldMuxers {
  readonly #upgrades = new Set<Promise<void>>()

  factory (factory: StreamMuxerFactory, node: SuiteNode): StreamMuxerFactory {
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection) => {
        const muxer = factory.createStreamMuxer(connection)
        const upgraded = upgrade(node, connection as MultiaddrConnection, {
          protocol: factory.protocol,
          createStreamMuxer: () => forNode(muxer)
        })

        this.#upgrades.add(upgraded)
        // where it fails no stream can be opened
        upgraded.catch(() => {}).finally(() => { this.#upgrades.delete(upgraded) })

        return this.#forSuite(muxer, upgraded)
      }
    }
  }

  /**
   * The muxer as the suite sees it: streams have to wait until both ends are upgraded
   */
  #forSuite (muxer: StreamMuxer, upgraded: Promise<void>): StreamMuxer {
    const createStream = muxer.createStream.bind(muxer)
    const changed: Partial<StreamMuxer> = {
      createStream: async (options) => {
        await Promise.allSettled(this.#upgrades)

        // no connection of a node asks a muxer that has been closed: it says so itself
        if (muxer.status !== 'open') {
          return createStream(options)
        }

        await upgraded

        return muxer.createStream(options)
      },
      addEventListener: (type: any, ...rest: [any]) => {
        if (type !== 'stream') {
          muxer.addEventListener(type, ...rest)
        } else {
          upgraded.then(() => { muxer.addEventListener(type, ...rest) }, () => {})
        }
      }
    }

    return new Proxy(muxer, {
      get: (_, property) => changed[property as keyof StreamMuxer] ?? bound(muxer, property)
    })
  }
}

/**
 * As a transport does that has encrypted the connection itself
 */
async function upgrade ({ upgrader, remotePeer }: SuiteNode, connection: MultiaddrConnection, muxerFactory: StreamMuxerFactory): Promise<void> {
  const method = connection.direction === 'inbound' ? 'upgradeInbound' : 'upgradeOutbound'

  await upgrader[method](connection, {
    skipEncryption: true,
    skipProtection: true,
    remotePeer,
    muxerFactory,
    signal: AbortSignal.timeout(TIMEOUT)
  })
}

/**
 * The muxer as the node sees it: what a resource manager changes about it is changed,
 * and the connection, which listens for streams after that, gets none
 */
function forNode (muxer: StreamMuxer): StreamMuxer {
  let handedOver = false

  queueMicrotask(() => { handedOver = true })

  return new Proxy(muxer, {
    get: (_, property) => {
      if (handedOver && property === 'addEventListener') {
        return (type: any, ...rest: [any]) => {
          if (type !== 'stream') {
            muxer.addEventListener(type, ...rest)
          }
        }
      }

      return bound(muxer, property)
    },
    set: (_, property, value) => Reflect.set(muxer, property, value)
  })
}

/**
 * Muxers may have private fields
 */
function bound (muxer: StreamMuxer, property: PropertyKey): unknown {
  const value = Reflect.get(muxer, property)

  return typeof value === 'function' ? value.bind(muxer) : value
}
