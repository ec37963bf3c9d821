import { accountingGater } from './connections/connection-gater.ts'
import { PendingDials } from './connections/pending-dials.ts'
import { decodeLength } from './streams/decode-length.ts'
import { MuxerTracker } from './streams/muxer-tracker.ts'
import type { ConnectionTracker } from './connections/connection-tracker.ts'
import type { ResourceManagerComponents } from './node-host.ts'
import type { StreamTracker } from './streams/stream-tracker.ts'
import type { Core } from '../manager/core.ts'
import type { MultiaddrConnection, StreamHandlerOptions, StreamMuxerFactory } from '@libp2p/interface'

/**
 * Who is told of what passes the components of libp2p
 */
export interface WrappedBy {
  readonly core: Core
  readonly connections: ConnectionTracker
  readonly streams: StreamTracker

  /** A protocol has a handler */
  handled(protocol: string, options?: StreamHandlerOptions): void
}

/**
 * Changes the components of a node, once. Nothing of this can fail.
 */
export function wrapComponents (components: ResourceManagerComponents, by: WrappedBy): void {
  const { connections, core, streams } = by
  const muxers = new MuxerTracker(streams)

  components.connectionGater = accountingGater(components.connectionGater, connections, core)
  wrapDials(components, new PendingDials(core), connections, muxers)
  wrapRegistrar(components, by)

  components.events.addEventListener('connection:open', ({ detail: connection }) => {
    muxers.connectionOpened(connection)
  })
}

/**
 * All dials pass here before there is a socket, and all sockets pass the
 * upgrader
 */
function wrapDials ({ transportManager, upgrader }: ResourceManagerComponents, dials: PendingDials, connections: ConnectionTracker, muxers: MuxerTracker): void {
  const dial = transportManager.dial.bind(transportManager)
  const listen = transportManager.listen.bind(transportManager)
  const upgradeInbound = upgrader.upgradeInbound.bind(upgrader)
  const upgradeOutbound = upgrader.upgradeOutbound.bind(upgrader)

  transportManager.dial = async (ma, options) => dials.run(ma, async () => dial(ma, options))

  transportManager.listen = async (addresses) => {
    transportManager.getTransports().forEach(transport => { connections.observe(transport) })

    return listen(addresses)
  }

  upgrader.upgradeInbound = async (maConn: MultiaddrConnection, options: any) => {
    return connections.upgrade(maConn, async () => upgradeInbound(maConn, wrapOptions(options, muxers)))
  }

  upgrader.upgradeOutbound = async (maConn: MultiaddrConnection, options: any) => {
    return connections.upgrade(maConn, async () => {
      connections.adopt(maConn, dials.claim(maConn.remoteAddr))

      return upgradeOutbound(maConn, wrapOptions(options, muxers))
    })
  }

  const factories = upgrader.getStreamMuxers()

  for (const [protocol, factory] of [...factories]) {
    factories.set(protocol, muxers.wrapFactory(factory))
  }
}

/**
 * Some transports bring their own muxer, such as WebRTC. The decoder of lengths gets to the
 * negotiation of the encryption, which passes its options on.
 */
function wrapOptions <T extends { muxerFactory?: StreamMuxerFactory }> (options: T, muxers: MuxerTracker): T {
  const wrapped = { lengthDecoder: decodeLength, ...options }

  if (wrapped.muxerFactory != null) {
    wrapped.muxerFactory = muxers.wrapFactory(wrapped.muxerFactory)
  }

  return wrapped
}

function wrapRegistrar ({ registrar }: ResourceManagerComponents, { handled, streams }: Pick<WrappedBy, 'handled' | 'streams'>): void {
  const getMiddleware = registrar.getMiddleware.bind(registrar)
  const handle = registrar.handle.bind(registrar)

  registrar.handle = async (protocol, handler, options) => {
    await handle(protocol, handler, options)
    handled(protocol, options)
  }

  // always a new array: the connection adds the handler of the stream to it
  registrar.getMiddleware = (protocol) => streams.handlers.observeLast([streams.middleware, ...getMiddleware(protocol)])
}
