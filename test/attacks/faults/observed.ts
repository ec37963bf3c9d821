import type { Connection, ConnectionEncrypter, ConnectionGater, Libp2pEvents, MultiaddrConnection, Stream, StreamHandler, StreamMiddleware, StreamMuxerFactory, Transport, TypedEventTarget } from '@libp2p/interface'

/**
 * Who is told of every moment of a node
 */
export interface Observer {
  /** Something happens now */
  reached(what: string): void

  /** Something has been reached, and goes on as soon as the promise is fulfilled */
  pass(what: string): Promise<void>
}

type Factory<T> = (components: any) => T

const GATER_METHODS: Array<keyof ConnectionGater> = [
  'denyDialPeer', 'denyDialMultiaddr', 'denyInboundConnection', 'denyOutboundConnection', 'denyInboundEncryptedConnection',
  'denyOutboundEncryptedConnection', 'denyInboundUpgradedConnection', 'denyOutboundUpgradedConnection'
]

const EVENTS: Array<keyof Libp2pEvents> = ['connection:open', 'connection:close', 'peer:connect', 'peer:disconnect', 'peer:identify']

export function observedTransport (factory: Factory<Transport>, observer: Observer): Factory<Transport> {
  return (components) => {
    const transport = factory(components)
    const dial = transport.dial.bind(transport)

    transport.dial = async (address, options) => {
      await observer.pass('before the socket')
      const connection = await dial(address, options)
      await observer.pass('after the upgrade')

      return connection
    }

    return transport
  }
}

/**
 * @param observer
 * @param mood - What it does instead of letting everything pass
 */
export function observedGater (observer: Observer, mood: () => 'denies' | 'throws' | undefined): ConnectionGater {
  return Object.fromEntries(GATER_METHODS.map(method => [method, async () => {
    await observer.pass(method)

    if (mood() === 'throws') {
      throw new Error('the gater throws')
    }

    return mood() === 'denies'
  }]))
}

export function observedEncrypter (factory: Factory<ConnectionEncrypter>, observer: Observer): Factory<ConnectionEncrypter> {
  return (components) => {
    const encrypter = factory(components)

    return {
      protocol: encrypter.protocol,
      async secureInbound (connection, options) {
        await observer.pass('before the inbound handshake')
        const secured = await encrypter.secureInbound(connection, options)
        await observer.pass('after the inbound handshake')

        return secured
      },
      async secureOutbound (connection, options) {
        await observer.pass('before the outbound handshake')
        const secured = await encrypter.secureOutbound(connection, options)
        await observer.pass('after the outbound handshake')

        return secured
      }
    }
  }
}

export function observedMuxer (factory: Factory<StreamMuxerFactory>, observer: Observer): Factory<StreamMuxerFactory> {
  return (components) => {
    const muxers = factory(components)

    return {
      protocol: muxers.protocol,
      createStreamMuxer (maConn) {
        observer.reached('the muxer begins')

        const muxer = muxers.createStreamMuxer(maConn)
        const createStream = muxer.createStream.bind(muxer)

        muxer.createStream = async (options) => {
          await observer.pass('before the stream')
          const stream = await createStream(options)
          observeStream(stream, observer)
          await observer.pass('after the stream')

          return stream
        }

        return muxer
      }
    }
  }
}

function observeStream (stream: Stream, observer: Observer): void {
  stream.addEventListener('close', () => { observer.reached('a stream is closed') })
}

/**
 * @param upgrader
 * @param observer
 * @param begins - Called with both ends of raw connections
 */
export function observeUpgrader (upgrader: any, observer: Observer, begins: (maConn: MultiaddrConnection) => void): void {
  for (const method of ['upgradeInbound', 'upgradeOutbound']) {
    const upgrade = upgrader[method].bind(upgrader)

    upgrader[method] = async (maConn: MultiaddrConnection, options: any) => {
      begins(maConn)
      observeChunks(maConn, observer)
      await observer.pass('before the upgrade')

      return upgrade(maConn, options)
    }
  }
}

function observeChunks (maConn: any, observer: Observer): void {
  const onData = maConn.onData.bind(maConn)
  let chunks = 0

  maConn.onData = (data: unknown) => {
    onData(data)
    observer.reached(`has received chunk ${++chunks}`)
  }

  maConn.addEventListener('close', () => { observer.reached('the socket is closed') })
}

export function observeEvents (events: TypedEventTarget<Libp2pEvents>, observer: Observer): void {
  for (const event of EVENTS) {
    events.addEventListener(event, () => { observer.reached(event) })
  }
}

/**
 * @param observer
 * @param throws - Whether it throws
 */
export function observedMiddleware (observer: Observer, throws: () => boolean): StreamMiddleware {
  return async (stream, connection, next) => {
    await observer.pass(`the ${stream.direction} middleware`)

    if (throws()) {
      throw new Error('the middleware throws')
    }

    next(stream, connection)
  }
}

/**
 * @param observer
 * @param throws - Whether it throws
 */
export function observedEcho (observer: Observer, throws: () => boolean): StreamHandler {
  return async (stream: Stream, _connection: Connection) => {
    observeStream(stream, observer)
    await observer.pass('before the handler')

    if (throws()) {
      throw new Error('the handler throws')
    }

    await echoed(stream)
    await observer.pass('echoed')
    await stream.close()
    await observer.pass('after the handler')
  }
}

/**
 * Sends back what is read until there is no more of it. Iterating would never end where
 * the remote has closed its half before.
 */
async function echoed (stream: Stream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      try {
        stream.send(data)
      } catch (err) {
        reject(err)
      }
    })
    stream.addEventListener('end', () => { resolve() })
    stream.addEventListener('close', () => { resolve() })

    if (stream.readableEnded || stream.status !== 'open') {
      resolve()
    }
  })
}
