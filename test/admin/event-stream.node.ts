/**
 * What is protected: events arrive whole wherever chunks of them end, and one that does not end is not
 * kept for ever.
 */

import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { readEvents } from '../../src/admin/event-stream.ts'
import type { ServerSentEvent } from '../../src/admin/event-stream.ts'

function streamOf (chunks: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.iterator]()

  return new ReadableStream({
    pull (controller) {
      const { done, value } = iterator.next()

      if (done === true) {
        controller.close()
      } else {
        controller.enqueue(value)
      }
    }
  })
}

describe('events', function () {
  this.timeout(120_000)

  it('should be the same in chunks of any size', async () => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.record({ event: fc.constantFrom('live', 'sample'), data: fc.string({ unit: 'binary' }) }), { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      async (events, sizes) => {
        const bytes = Buffer.from(events.map(({ data, event }) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join(': a comment\n\n'))
        const chunks: Uint8Array[] = []

        for (let at = 0, i = 0; at < bytes.byteLength; at += sizes[i++ % sizes.length]) {
          chunks.push(bytes.subarray(at, at + sizes[i % sizes.length]))
        }

        const read: ServerSentEvent[] = []

        for await (const event of readEvents(streamOf(chunks))) {
          read.push(event)
        }

        // what is no character becomes one
        expect(read).to.deep.equal(events.map(({ data, event }) => ({ event, data: JSON.parse(Buffer.from(JSON.stringify(data)).toString()) })))
      }
    ), { numRuns: 200 })
  })

  it('should end with an error where one does not end', async () => {
    const chunk = Buffer.alloc(2 ** 20, 'x')
    let sent = 0

    function * endless (): Generator<Uint8Array> {
      for (; sent < 256; sent++) {
        yield chunk
      }
    }

    await expect(readEvents(streamOf(endless())).next()).to.eventually.be.rejectedWith('more than 64 MiB without an end')
    expect(sent).to.be.below(80)
  })
})
