import { rejection } from '../../libp2p/fixtures/eventually.ts'
import { ECHO } from './world.ts'
import type { Side, World } from './world.ts'
import type { Connection, Stream } from '@libp2p/interface'

const SIZE = 10

/**
 * What two nodes do when nothing interferes
 */
export interface Scenario {
  /** Whether the nodes identify each other, which is a part of every connection then */
  identify?: boolean

  /** What comes before the first moment */
  prepare?(world: World): Promise<unknown>
  run(world: World): Promise<unknown>
}

/**
 * Opens a stream, sends something, closes this half of the stream, and reads what comes
 * back
 */
export async function echo (connection: Connection, signal?: AbortSignal): Promise<void> {
  const stream = await connection.newStream(ECHO, { signal })

  try {
    stream.send(new Uint8Array(SIZE))
    await stream.close({ signal })

    const received = await sizeOf(stream)

    if (received !== SIZE) {
      throw new Error(`got ${received} bytes of ${SIZE} back`)
    }
  } catch (err: any) {
    stream.abort(err)
    throw err
  }
}

async function sizeOf (stream: Stream): Promise<number> {
  let size = 0

  for await (const chunk of stream) {
    size += chunk.byteLength
  }

  return size
}

function connectionOf (world: World, side: Side): Connection {
  const connection = world.connection(side)

  if (connection == null) {
    throw new Error(`the ${side} is not connected`)
  }

  return connection
}

async function connect (world: World): Promise<unknown> {
  return world.connect()
}

export const CONNECTION: Scenario = {
  run: async (world) => (await world.dial()).close()
}

export const IDENTIFY: Scenario = {
  identify: true,
  async run (world) {
    const [connection] = await Promise.all([world.dial(), world.identified()])

    await connection.close()
  }
}

export const CLOSE_WITH_STREAM: Scenario = {
  async prepare (world) {
    await (await world.connect()).newStream(ECHO)
  },
  run: async (world) => connectionOf(world, 'dialer').close()
}

export const STREAM_OF_DIALER: Scenario = {
  prepare: connect,
  run: async (world) => echo(connectionOf(world, 'dialer'), world.user.signal)
}

export const STREAM_OF_LISTENER: Scenario = {
  prepare: connect,
  run: async (world) => echo(connectionOf(world, 'listener'), world.user.signal)
}

export const UNKNOWN_PROTOCOL: Scenario = {
  prepare: connect,
  async run (world) {
    const { name } = await rejection(connectionOf(world, 'dialer').newStream('/nobody/1.0.0', { signal: world.user.signal }))

    if (name !== 'UnsupportedProtocolError') {
      throw new Error(`expected an UnsupportedProtocolError, got ${name}`)
    }
  }
}
