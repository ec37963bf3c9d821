import { expect } from 'aegir/chai'
import delay from 'delay'
import { drained } from '../fixtures/drained.ts'
import { PROTOCOL } from '../fixtures/inbox.ts'
import { TestNodes } from '../fixtures/nodes.ts'
import { randomBytes, randomNumbers } from '../fixtures/random-bytes.ts'
import type { TransportUnderTest } from './transport.ts'
import type { ResourceManagerInit } from '../../../src/index.ts'
import type { Stream } from '@libp2p/interface'

/**
 * Several receive windows of a stream, so that back-pressure has work to do
 */
const SIZE = 2 * 2 ** 20

/**
 * Sizes of what is sent at once, up to more than what a frame can take
 */
const MAX_CHUNK = 100_000

/**
 * How long a stream is paused at most, in ms
 */
const MAX_PAUSE = 4

type Random = () => number

/**
 * Reads a stream to its end, and keeps it paused at random and while something it
 * calls takes its time
 */
async function read (stream: Stream, random: Random, onData: (data: Uint8Array) => void | Promise<void>): Promise<void> {
  let holds = 0

  const hold = (until: Promise<unknown>): void => {
    holds++
    stream.pause()

    until.then(() => {
      if (--holds === 0) {
        stream.resume()
      }
    }, (err) => { stream.abort(err) })
  }

  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      const pending = onData(data.subarray())

      if (pending != null) {
        hold(pending)
      }

      if (random() < 0.3) {
        hold(delay(random() * MAX_PAUSE))
      }
    })
    stream.addEventListener('end', () => { resolve() })
    stream.addEventListener('close', ({ error }) => {
      if (error != null) {
        reject(error)
      }
    })
  })
}

/**
 * Sends what it receives, and waits where the stream wants it to
 */
async function echo (stream: Stream, random: Random): Promise<void> {
  await read(stream, random, (data) => {
    if (!stream.send(data)) {
      return drained(stream)
    }
  })
  await stream.close()
}

async function sendAll (stream: Stream, bytes: Uint8Array, random: Random): Promise<void> {
  for (let sent = 0; sent < bytes.byteLength;) {
    const chunk = bytes.subarray(sent, sent + 1 + Math.floor(random() * MAX_CHUNK))

    sent += chunk.byteLength

    if (!stream.send(chunk)) {
      await drained(stream)
    }
  }

  await stream.close()
}

async function receiveAll (stream: Stream, random: Random): Promise<Uint8Array> {
  const received: Uint8Array[] = []

  await read(stream, random, (data) => { received.push(data) })

  return new Blob(received as BlobPart[]).bytes()
}

/**
 * Whatever observes or slows a stream, the data must be what it was
 */
export function sessionEcho (name: string, transport: TransportUnderTest, managers: Record<string, ResourceManagerInit | false>): void {
  describe(`an echo with sessions: ${name}`, () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    for (const [title, manager] of Object.entries(managers)) {
      for (const seed of [1, 2]) {
        it(`should return every byte ${title}, paused at random with seed ${seed}`, async () => {
          const random = randomNumbers(seed)
          const bytes = randomBytes(SIZE, random)
          const { dialer, listener, address } = await transport.connect(nodes, { dialer: { manager }, listener: { manager } })
          const echoed = Promise.withResolvers<unknown>()
          await listener.handle(PROTOCOL, (stream) => { echo(stream, random).then(echoed.resolve, echoed.reject) })

          const stream = await dialer.dialProtocol(address, PROTOCOL)
          const [received] = await Promise.all([receiveAll(stream, random), sendAll(stream, bytes, random), echoed.promise])

          expect(received).to.equalBytes(bytes)
        })
      }
    }
  })
}
