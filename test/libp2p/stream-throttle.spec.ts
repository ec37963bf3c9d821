import { defaultLogger } from '@libp2p/logger'
import { AbstractMessageStream } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import { StreamThrottle } from '../../src/libp2p/sessions/stream-throttle.ts'
import { ByteBudget } from '../../src/sessions/byte-budget.ts'
import { stopTime } from '../sessions/fixtures.ts'
import type { SendResult } from '@libp2p/utils'
import type { SinonFakeTimers } from 'sinon'

/**
 * 1000 bytes in a second
 */
const BITRATE = 8_000

/**
 * A stream that tells what its muxer would have to do
 */
class TestStream extends AbstractMessageStream {
  readonly sent: number[] = []
  readonly signals: string[] = []
  full = false

  constructor () {
    super({ log: defaultLogger().forComponent('test') })
  }

  sendData (data: Parameters<AbstractMessageStream['sendData']>[0]): SendResult {
    if (this.full) {
      return { sentBytes: 0, canSendMore: false }
    }

    this.sent.push(data.byteLength)

    return { sentBytes: data.byteLength, canSendMore: true }
  }

  sendReset (): void {}

  sendPause (): void {
    this.signals.push('pause')
  }

  sendResume (): void {
    this.signals.push('resume')
  }

  async close (): Promise<void> {
    this.onTransportClosed()
  }
}

describe('StreamThrottle', () => {
  let time: SinonFakeTimers
  let stream: TestStream
  let throttle: StreamThrottle

  beforeEach(() => {
    time = stopTime()
    stream = new TestStream()
    throttle = new StreamThrottle(stream)
  })

  afterEach(() => {
    time.restore()
  })

  /**
   * Lets time pass, and what is queued happen
   */
  async function pass (ms: number): Promise<void> {
    await time.tickAsync(ms)
  }

  describe('reading', () => {
    let received: number

    beforeEach(async () => {
      throttle.add({ rx: new ByteBudget(BITRATE) })
      received = 0
      stream.addEventListener('message', ({ data }) => { received += data.byteLength })
      await pass(100)
    })

    it('should hold the remote back while too much was received, and deliver that at once', async () => {
      stream.onData(new Uint8Array(99))
      expect(stream.signals).to.be.empty()

      stream.onData(new Uint8Array(1_001))
      expect(stream.signals).to.deep.equal(['pause'])
      expect(received).to.equal(1_100)
      expect(stream.readStatus).to.equal('readable')

      // a share of 50 bytes has to be there
      await pass(1_049)
      expect(stream.signals).to.deep.equal(['pause'])
      await pass(1)
      expect(stream.signals).to.deep.equal(['pause', 'resume'])
    })

    it('should deliver what was under way when the remote was held back', async () => {
      stream.onData(new Uint8Array(1_100))
      stream.onData(new Uint8Array(1_000))

      expect(received).to.equal(2_100)
      expect(stream.signals).to.deep.equal(['pause'])
      await pass(2_000)
      expect(stream.signals).to.deep.equal(['pause'])
      await pass(50)
      expect(stream.signals).to.deep.equal(['pause', 'resume'])
    })

    it('should not resume what the application has paused', async () => {
      stream.onData(new Uint8Array(200))
      stream.pause()
      await pass(10_000)
      expect(stream.signals).to.deep.equal(['pause', 'pause'])

      stream.resume()
      expect(stream.signals).to.deep.equal(['pause', 'pause', 'resume'])
    })

    it('should give the application at once what it resumes for, and the remote later', async () => {
      stream.pause()
      stream.onData(new Uint8Array(200))
      expect(received).to.equal(0)

      stream.resume()
      expect(received).to.equal(200)
      expect(stream.readStatus).to.equal('readable')
      expect(stream.signals).to.deep.equal(['pause', 'pause'])

      await pass(1_000)
      expect(stream.signals).to.deep.equal(['pause', 'pause', 'resume'])
    })

    it('should not resume what has ended', async () => {
      stream.onData(new Uint8Array(1_000))
      stream.onRemoteCloseWrite()
      await pass(10_000)

      expect(stream.signals).to.deep.equal(['pause'])
    })

    it('should leave no timer behind when the stream is closed', async () => {
      stream.onData(new Uint8Array(1_000))
      expect(time.countTimers()).to.equal(1)

      stream.abort(new Error('aborted by the test'))
      expect(time.countTimers()).to.equal(0)
    })

    it('should survive a muxer that cannot resume', async () => {
      const broken = new TestStream()
      broken.sendResume = () => { throw new Error('no connection') }
      new StreamThrottle(broken).add({ rx: new ByteBudget(BITRATE) })

      broken.onData(new Uint8Array(1_000))
      await pass(10_000)
    })
  })

  describe('writing', () => {
    let drains: number

    beforeEach(async () => {
      throttle.add({ tx: new ByteBudget(BITRATE) })
      drains = 0
      stream.addEventListener('drain', () => { drains++ })
      await pass(100)
    })

    it('should send what is allowed and keep the rest until there is more', async () => {
      expect(stream.send(new Uint8Array(60))).to.be.true()
      expect(stream.send(new Uint8Array(190))).to.be.false()
      expect(stream.sent).to.deep.equal([60, 40])
      expect(stream.writeBufferLength).to.equal(150)

      await pass(50)
      expect(stream.sent).to.deep.equal([60, 40, 50])
      await pass(100)
      expect(stream.sent).to.deep.equal([60, 40, 50, 50, 50])
      expect(stream.writeBufferLength).to.equal(0)
      expect(drains).to.equal(3)
    })

    it('should keep the order of what is sent', async () => {
      const bytes: number[] = []
      const ordered = new TestStream()
      ordered.sendData = (data) => {
        bytes.push(...data.subarray())

        return { sentBytes: data.byteLength, canSendMore: true }
      }
      new StreamThrottle(ordered).add({ tx: new ByteBudget(BITRATE) })
      const sent = Uint8Array.from({ length: 250 }, (_, i) => i)

      for (let i = 0; i < sent.length; i += 10) {
        ordered.send(sent.subarray(i, i + 10))
      }

      await pass(1_000)
      expect(bytes).to.deep.equal([...sent])
    })

    it('should hide that the muxer has room while the stream may not use it', async () => {
      stream.send(new Uint8Array(120))
      stream.onMuxerDrain()
      await pass(0)

      expect(drains).to.equal(0)
      expect(stream.writableNeedsDrain).to.be.true()
      expect(stream.sent).to.deep.equal([100])

      await pass(100)
      expect(drains).to.equal(1)
      expect(stream.writableNeedsDrain).to.be.false()
    })

    it('should wait for the muxer too', async () => {
      stream.full = true
      expect(stream.send(new Uint8Array(50))).to.be.false()
      await pass(10_000)
      expect(drains).to.equal(0)

      stream.full = false
      stream.onMuxerDrain()
      await pass(0)
      expect(drains).to.equal(1)
      expect(stream.sent).to.deep.equal([50])
    })

    it('should resolve onDrain', async () => {
      let drained = false
      stream.send(new Uint8Array(200))
      void stream.onDrain().then(() => { drained = true })

      await pass(49)
      expect(drained).to.be.false()
      await pass(1)
      expect(drained).to.be.true()
    })

    it('should leave no timer behind when the stream is closed', async () => {
      stream.send(new Uint8Array(200))
      expect(time.countTimers()).to.equal(1)

      stream.abort(new Error('aborted by the test'))
      expect(time.countTimers()).to.equal(0)
    })
  })

  describe('several budgets', () => {
    it('should obey the slowest', async () => {
      throttle.add({ tx: new ByteBudget(BITRATE) })
      throttle.add({ tx: new ByteBudget(BITRATE / 10) })
      await pass(100)

      stream.send(new Uint8Array(30))
      expect(stream.sent).to.deep.equal([10])
      await pass(200)
      expect(stream.sent).to.deep.equal([10, 5, 5, 5, 5])
    })

    it('should share one with others', async () => {
      const shared = new ByteBudget(BITRATE)
      const other = new TestStream()
      throttle.add({ tx: shared })
      new StreamThrottle(other).add({ tx: shared })

      stream.send(new Uint8Array(10_000))
      other.send(new Uint8Array(10_000))
      await pass(5_000)

      const total = (sent: number[]): number => sent.reduce((a, b) => a + b)
      expect(total(stream.sent) + total(other.sent)).to.be.within(4_800, 5_000)
      expect(total(stream.sent)).to.be.within(2_300, 2_600)
    })

    it('should slow nothing where there are none', () => {
      stream.onData(new Uint8Array(1_000_000))
      expect(stream.send(new Uint8Array(10_000_000))).to.be.true()

      expect(stream.signals).to.be.empty()
      expect(stream.sent).to.deep.equal([10_000_000])
    })
  })
})
