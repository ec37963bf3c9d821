import { expect } from 'aegir/chai'
import { LiveConnection } from '../../src/libp2p/buffers/live-connection.ts'
import { LiveStream } from '../../src/libp2p/buffers/live-stream.ts'
import { observeConnectionClass, observeStreamClass } from '../../src/libp2p/streams/observed-classes.ts'
import { attachToConnection, attachToStream } from '../../src/scopes/attached-scopes.ts'
import type { Stream } from '@libp2p/interface'

class PlainStream extends EventTarget {
  timeline = {}
  writeBufferLength = 0

  send (data: Uint8Array): boolean {
    this.writeBufferLength = data.byteLength

    return false
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1)
  }

  listenerCount (): number {
    return 0
  }

  removeEventListener (): void {}
}

describe('the class of streams', () => {
  function follow (stream: object): { closed(): number, left: number[] } {
    const left: number[] = []
    let closed = 0
    const live = new LiveStream(stream as Stream, {} as any, {} as any, {
      short: false,
      end: () => {},
      closed: () => { closed++ },
      left: (bytes) => { left.push(bytes) },
      withheld: () => {},
      evict: () => false
    })

    observeStreamClass(stream as Stream)
    attachToStream(stream as Stream, live)

    return { closed: () => closed, left }
  }

  it('should tell of streams that are followed, of each once, and of no others', async () => {
    class MuxerStream extends PlainStream {}
    const [first, second, stranger] = [new MuxerStream(), new MuxerStream(), new MuxerStream()]
    const followed = [follow(first), follow(second)]

    first.send(new Uint8Array(3))
    first.send(new Uint8Array(0))
    second.send(new Uint8Array(5))
    stranger.send(new Uint8Array(7))
    expect(followed.map(({ left }) => left)).to.deep.equal([[3], [5]])

    ;[first, stranger].forEach(stream => { stream.dispatchEvent(new Event('message')) })
    ;[first, stranger].forEach(stream => { stream.dispatchEvent(new Event('close')) })
    expect(followed.map(({ closed }) => closed())).to.deep.equal([1, 0])

    for (const stream of [first, stranger]) {
      const chunks: Uint8Array[] = []

      for await (const chunk of stream) {
        chunks.push(chunk)
      }

      expect(chunks).to.deep.equal([Uint8Array.of(1)])
    }
  })

  it('should leave streams, and classes that others extend, as they are', () => {
    class MuxerStream extends PlainStream {}
    const { send } = PlainStream.prototype
    const stream = new MuxerStream()
    const before = Reflect.ownKeys(stream)

    follow(stream)
    expect(Reflect.ownKeys(stream)).to.deep.equal(before)
    expect(PlainStream.prototype.send).to.equal(send)
    expect(MuxerStream.prototype.send).to.not.equal(send)
    expect(Object.keys(MuxerStream.prototype)).to.deep.equal([])

    // what extends it is not told of twice
    class SpecialStream extends MuxerStream {}
    const special = new SpecialStream()
    const { left, closed } = follow(special)

    special.send(new Uint8Array(1))
    special.dispatchEvent(new Event('close'))
    expect(left).to.deep.equal([1])
    expect(closed()).to.equal(1)
    expect(Object.hasOwn(SpecialStream.prototype, 'send')).to.equal(false)
  })

  it('should be left alone where it must be', () => {
    class FrozenStream extends PlainStream {}
    Object.freeze(FrozenStream.prototype)

    class OwnStream extends PlainStream {
      readonly send = (data: Uint8Array): boolean => super.send(data)
    }

    const prototypes = [FrozenStream.prototype, OwnStream.prototype, Object.prototype]
    const before = prototypes.map(prototype => Reflect.ownKeys(prototype))
    const object = { timeline: {}, writeBufferLength: 1, send: () => true, dispatchEvent: () => true, [Symbol.asyncIterator]: () => {} }

    for (const stream of [new FrozenStream(), new OwnStream(), object]) {
      const { left, closed } = follow(stream)

      stream.send(new Uint8Array(2))
      stream.dispatchEvent(new Event('close'))
      expect(left).to.deep.equal([2])
      expect(closed()).to.equal(1)
    }

    expect(prototypes.map(prototype => Reflect.ownKeys(prototype))).to.deep.equal(before)
  })
})

describe('the class of raw connections', () => {
  it('should tell what those receive that are followed and are being upgraded', () => {
    class RawConnection extends EventTarget {
      timeline = {}
    }

    const received: number[] = []
    const [followed, stranger] = [new RawConnection(), new RawConnection()]
    const before = Reflect.ownKeys(followed)
    const live = new LiveConnection({} as any, followed as any, { end () {}, closed () {} })
    const receive = (bytes: number): void => {
      [followed, stranger].forEach(one => { one.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(bytes) })) })
    }

    live.onReceived = bytes => { received.push(bytes) }
    observeConnectionClass(followed as any)
    observeConnectionClass(stranger as any)
    attachToConnection(followed as any, live)

    receive(3)
    followed.dispatchEvent(new Event('drain'))
    expect(received).to.deep.equal([3])
    expect(Reflect.ownKeys(followed)).to.deep.equal(before)

    live.upgraded(followed as any, {} as any)
    receive(5)
    expect(received).to.deep.equal([3])
  })
})
