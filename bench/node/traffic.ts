import { multiaddr } from '@multiformats/multiaddr'
import { pEvent } from 'p-event'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'

/**
 * Answers with what it gets
 */
const ECHO_PROTOCOL = '/bench-echo/1.0.0'

/**
 * Reads what it gets
 */
const SINK_PROTOCOL = '/bench-sink/1.0.0'

export const PROTOCOLS = [ECHO_PROTOCOL, SINK_PROTOCOL]
export const SERVICE = 'bench'

/**
 * How many streams are open at a time
 */
const LANES = 16

/**
 * More than there ever are at a time, and that have been closed and not yet removed
 */
const MAX_STREAMS = 100_000

const MESSAGE = new Uint8Array(64).fill(7)
const CHUNK = new Uint8Array(65_536).fill(7)

/**
 * What one end does, as often as is asked for
 */
export interface Task {
  what: 'streams' | 'bytes' | 'connections'
  amount: number
}

function closeWithRemote (stream: Stream): void {
  stream.addEventListener('remoteCloseWrite', () => {
    stream.close().catch(err => { stream.abort(err) })
  })
}

/**
 * Makes a node answer
 */
export async function serve (node: Libp2p): Promise<void> {
  const options = { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS }

  await node.handle(ECHO_PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => { stream.send(data) })
    closeWithRemote(stream)
  }, options)

  await node.handle(SINK_PROTOCOL, (stream) => {
    stream.addEventListener('message', () => {})
    closeWithRemote(stream)
  }, options)
}

/**
 * Opens a stream, negotiates its protocol, has one small message echoed, and closes it
 */
async function echoOnce (connection: Connection): Promise<void> {
  const stream = await connection.newStream(ECHO_PROTOCOL, { maxOutboundStreams: MAX_STREAMS })
  const closed = pEvent(stream, 'close')
  let received = 0

  stream.addEventListener('message', ({ data }) => { received += data.byteLength })
  stream.send(MESSAGE)
  await stream.close()
  await closed

  if (received !== MESSAGE.byteLength) {
    throw new Error(`got ${received} of ${MESSAGE.byteLength} bytes back`)
  }
}

async function echo (connection: Connection, count: number): Promise<void> {
  let left = count

  await Promise.all(Array.from({ length: LANES }, async () => {
    while (left-- > 0) {
      await echoOnce(connection)
    }
  }))
}

async function transfer (connection: Connection, bytes: number): Promise<void> {
  const stream = await connection.newStream(SINK_PROTOCOL, { maxOutboundStreams: MAX_STREAMS })
  const closed = pEvent(stream, 'close')

  for (let sent = 0; sent < bytes; sent += CHUNK.byteLength) {
    if (!stream.send(CHUNK)) {
      // `onDrain` only waits the first time
      await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
    }
  }

  await stream.close()

  // the other end closes it when it has got everything
  await closed
}

/**
 * Opens streams that stay open, each after a byte has got to the other end
 */
export async function holdStreams (connection: Connection, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const stream = await connection.newStream(SINK_PROTOCOL, { maxOutboundStreams: MAX_STREAMS })

    stream.send(MESSAGE.subarray(0, 1))
  }
}

async function connect (node: Libp2p, address: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const connection = await node.dial(multiaddr(address), { force: true })

    await connection.close()
  }
}

/**
 * Does it, over the one connection that there is with the other end, or over new ones
 */
export async function run (node: Libp2p, address: string, { what, amount }: Task): Promise<void> {
  if (what === 'connections') {
    await connect(node, address, amount)
    return
  }

  const connection = await node.dial(multiaddr(address))

  await (what === 'streams' ? echo(connection, amount) : transfer(connection, amount))
}
