import { LARGE } from './framework/protocols.ts'
import type { Attack } from './framework/attack.ts'
import type { Target } from './framework/target.ts'
import type { Connection, Stream } from '@libp2p/interface'

/**
 * How often a reader lets the victim send a little more, in ms
 */
const INTERVAL = 250

/**
 * The frame of yamux that lets the other end send more
 */
const WINDOW_UPDATE = 1

/**
 * More than a reader that is this slow comes to, so that it keeps what it gets
 */
const PLENTY = 2 ** 30

/**
 * A stream of yamux that decides itself how fast it reads
 */
interface HostileStream extends Stream {
  streamId: number
  recvWindowCapacity: number
  sendFrame(header: { type: number, flag: number, streamID: number, length: number }): void
}

/**
 * Requests 16 MiB and takes them as slowly as it likes
 */
async function readSlowly (target: Target, connection: Connection, bytesPerSecond: number): Promise<void> {
  const stream = await connection.newStream(LARGE, { maxOutboundStreams: Infinity, signal: target.signal }) as HostileStream
  const length = Math.ceil(bytesPerSecond * INTERVAL / 1_000)

  stream.maxReadBufferLength = PLENTY
  stream.pause()
  stream.send(Uint8Array.of(1))

  const timer = setInterval(() => {
    if (stream.status === 'open' && connection.status === 'open') {
      stream.recvWindowCapacity += length
      stream.sendFrame({ type: WINDOW_UPDATE, flag: 0, streamID: stream.streamId, length })
    } else {
      clearInterval(timer)
    }
  }, INTERVAL)
}

/**
 * Less than what moves at all: these stand still, and go first when memory is short
 */
export const slowReaders: Attack = {
  name: 'slow-readers',
  what: 'two peers request 16 MiB over each of 16 streams and read 1 KiB/s of it',
  attackers: 2,
  duration: 12_000,
  honest: 'stranger',
  bounds: { resident: 256, buffered: 64 },
  run: async (target) => {
    const connection = await target.connect(await target.startNode(target.attacker))

    await target.repeat(16, 1, async () => readSlowly(target, connection, 1_024))
  }
}

/**
 * Just enough to look alive: what they hold together is what the system allows, and they
 * take it from each other
 */
export const liveReaders: Attack = {
  name: 'live-readers',
  what: '64 peers request 16 MiB each and read 8 KiB/s of it, just enough to look alive',
  attackers: 2,
  duration: 12_000,
  honest: 'stranger',
  bounds: { resident: 256, buffered: 64 },
  run: async (target) => {
    await target.repeat(32, 2, async (i) => {
      const connection = await target.connect(await target.startNode(32 * target.attacker + i))

      await readSlowly(target, connection, 8 * 1_024)
    })
  }
}
