import { TypedEventEmitter } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import { observeMuxer, wrapMuxer } from '../../src/libp2p/streams/observed-muxers.ts'
import type { MuxerObserver } from '../../src/libp2p/streams/observed-muxers.ts'
import type { CreateStreamOptions, Stream, StreamMuxer } from '@libp2p/interface'

/**
 * The part of `AbstractStreamMuxer` that it is about
 */
class AbstractMuxer extends TypedEventEmitter<any> {
  data: number[] = []

  onRemoteStream (stream: unknown): void {
    this.safeDispatchEvent('stream', { detail: stream })
  }

  onData (data: { byteLength: number }): void {
    this.data.push(data.byteLength)
  }

  async createStream (): Promise<unknown> {
    return 'created'
  }
}

class Observer implements MuxerObserver {
  readonly events: unknown[] = []
  muxer: any = undefined
  readonly tracker = { admitInbound: (stream: Stream): boolean => this.#opened(stream) }
  refuses = false

  received (bytes: number): void {
    this.events.push(bytes)
  }

  #opened (stream: Stream): boolean {
    this.events.push(stream)

    return !this.refuses
  }

  async open (create: StreamMuxer['createStream'], options?: CreateStreamOptions): Promise<Stream> {
    const stream = await create.call(this.muxer as StreamMuxer, options)

    this.events.push(`open ${stream}`)

    return stream
  }
}

function observe (muxer: AbstractMuxer, observer: Observer = new Observer()): Observer {
  expect(observeMuxer(muxer as unknown as StreamMuxer, observer)).to.equal(true)
  observer.muxer = muxer

  return observer
}

async function use (muxer: AbstractMuxer): Promise<unknown[]> {
  const heard: unknown[] = []
  const listener = ({ detail }: any): void => { heard.push(detail) }

  muxer.addEventListener('stream', listener)
  muxer.onData({ byteLength: 3 })
  muxer.onRemoteStream('remote')
  heard.push(await muxer.createStream())
  muxer.removeEventListener('stream', listener)
  muxer.onRemoteStream('nobody listens')

  return heard
}

const USED = [3, 'remote', 'open created', 'nobody listens']

describe('the class of muxers', () => {
  it('should tell of muxers that are observed, each its own observer, and of no others', async () => {
    class Muxer extends AbstractMuxer {}
    const [first, second, stranger] = [new Muxer(), new Muxer(), new Muxer()]
    const [ofFirst, ofSecond] = [observe(first), observe(second)]

    expect(await use(first)).to.deep.equal(['remote', 'created'])
    expect(await use(stranger)).to.deep.equal(['remote', 'created'])
    expect(ofFirst.events).to.deep.equal(USED)
    expect(ofSecond.events).to.deep.equal([])
    await use(second)
    expect(ofSecond.events).to.deep.equal(USED)
    expect(first.data).to.deep.equal([3])
  })

  it('should give a refused stream to no listener, of whatever kind', () => {
    class Muxer extends AbstractMuxer {}
    const muxer = new Muxer()
    const observer = observe(muxer)
    const heard: unknown[] = []

    observer.refuses = true
    muxer.addEventListener('stream', () => { heard.push('function') })
    muxer.addEventListener('stream', { handleEvent: () => { heard.push('object') } })
    muxer.addEventListener('other', () => { heard.push('other') })
    muxer.onRemoteStream('refused')
    muxer.safeDispatchEvent('other')
    expect(heard).to.deep.equal(['other'])

    observer.refuses = false
    muxer.onRemoteStream('admitted')
    expect(heard).to.deep.equal(['other', 'function', 'object'])
    expect(observer.events).to.deep.equal(['refused', 'admitted'])
  })

  it('should tell of everything once where others replace the methods of the class as well', async () => {
    class Muxer extends AbstractMuxer {}

    observe(new Muxer())

    const { createStream, dispatchEvent, onData } = Muxer.prototype
    let calls = 0
    const counted = (method: any) => function (this: unknown, ...args: unknown[]): unknown {
      calls++

      return method.apply(this, args)
    }

    Object.assign(Muxer.prototype, { createStream: counted(createStream), dispatchEvent: counted(dispatchEvent), onData: counted(onData) })

    const muxer = new Muxer()
    const observer = observe(muxer)

    await use(muxer)
    expect(observer.events).to.deep.equal(USED)
    expect(calls).to.equal(4)
  })

  it('should leave muxers, and classes that others extend, as they are', () => {
    class Muxer extends AbstractMuxer {}
    const { createStream, dispatchEvent, onData } = AbstractMuxer.prototype
    const muxer = new Muxer()
    const before = Object.keys(muxer)

    observe(muxer)
    expect(Object.keys(muxer)).to.deep.equal(before)
    expect(AbstractMuxer.prototype).to.include({ createStream, dispatchEvent, onData })
  })

  it('should not observe what extends an observed class: it may call its methods, or not', () => {
    class Muxer extends AbstractMuxer {}
    class Other extends Muxer {}

    observe(new Muxer())
    expect(observeMuxer(new Other() as any, new Observer())).to.equal(false)
  })

  it('should tell of everything once where a class is observed before the one that it extends', async () => {
    class Base extends AbstractMuxer {}
    class Derived extends Base {
      dispatchEvent (event: Event): boolean {
        return super.dispatchEvent(event)
      }

      onData (data: { byteLength: number }): void {
        super.onData(data)
      }

      async createStream (): Promise<unknown> {
        return super.createStream()
      }
    }

    for (const Muxer of [Derived, Base, Derived]) {
      const muxer = new Muxer()
      const observer = observe(muxer)

      expect(await use(muxer)).to.deep.equal(['remote', 'created'])
      expect(observer.events).to.deep.equal(USED)
    }
  })

  it('should leave a class whose methods cannot be replaced, so that each of its muxers is wrapped', async () => {
    class Muxer extends AbstractMuxer {}
    const value = async (): Promise<string> => 'created'

    Object.defineProperty(Muxer.prototype, 'createStream', { value })

    for (const muxer of [new Muxer(), new Muxer()]) {
      const observer = new Observer()

      expect(observeMuxer(muxer as any, observer)).to.equal(false)
      wrapMuxer(muxer as any, new EventTarget() as any, observer)
      expect(await use(muxer)).to.deep.equal(['remote', 'created'])
      expect(observer.events).to.deep.equal(USED.slice(0, -1))
    }

    expect(Object.getOwnPropertyNames(Muxer.prototype)).to.have.members(['constructor', 'createStream'])
  })

  for (const [what, make] of Object.entries({
    'a muxer that is no event target': () => Object.create({ ...Object.fromEntries(['addEventListener', 'dispatchEvent', 'createStream', 'onData', 'onRemoteStream'].map(name => [name, () => {}])) }),
    'a muxer that tells of its streams in another way': () => new (class extends TypedEventEmitter<any> {
      onData (): void {}
      async createStream (): Promise<void> {}
    })(),
    'a muxer that somebody else has wrapped': () => Object.assign(new (class extends AbstractMuxer {})(), { createStream: async () => 'wrapped' }),
    'a muxer that is frozen': () => Object.freeze(new (class extends AbstractMuxer {})()),
    'a class that is frozen': () => {
      class Muxer extends AbstractMuxer {}
      Object.freeze(Muxer.prototype)

      return new Muxer()
    },
    'a muxer that is observed already': () => {
      const muxer = new (class extends AbstractMuxer {})()

      observe(muxer)

      return muxer
    }
  })) {
    it(`should not observe ${what}`, () => {
      expect(observeMuxer(make() as any, new Observer())).to.equal(false)
    })
  }
})

describe('a muxer that is none of libp2p\'s own', () => {
  it('should be observed by methods of its own', async () => {
    class Muxer extends AbstractMuxer {}
    const muxer = new Muxer()
    const observer = new Observer()
    const { createStream } = Muxer.prototype
    observer.muxer = muxer

    wrapMuxer(muxer as any, new EventTarget() as any, observer)
    expect(await use(muxer)).to.deep.equal(['remote', 'created'])
    // nobody is told of what nobody listens to
    expect(observer.events).to.deep.equal(USED.slice(0, -1))
    expect(Muxer.prototype.createStream).to.equal(createStream)

    const heard: unknown[] = []

    muxer.addEventListener('stream', { handleEvent: () => { heard.push('object') } })
    observer.refuses = true
    muxer.onRemoteStream('refused')
    expect(heard).to.deep.equal([])
  })

  it('should be observed by what its connection receives where it has no method for it', () => {
    const muxer = { addEventListener: () => {}, removeEventListener: () => {}, createStream: async () => {} }
    const connection = new EventTarget()
    const observer = new Observer()

    wrapMuxer(muxer as any, connection as any, observer)
    connection.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(5) }))
    expect(observer.events).to.deep.equal([5])
  })

  it('should have two observers where two observe it', async () => {
    class Muxer extends AbstractMuxer {}
    const muxer = new Muxer()
    const [first, second] = [observe(muxer), new Observer()]

    second.muxer = muxer
    wrapMuxer(muxer as any, new EventTarget() as any, second)
    await use(muxer)
    expect(first.events).to.deep.equal(USED)
    expect(second.events).to.deep.equal(USED.slice(0, -1))
  })
})
