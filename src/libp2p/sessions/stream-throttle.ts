import { override } from '../override.ts'
import type { ByteBudget } from '../../sessions/byte-budget.ts'
import type { StreamBudgets } from '../../sessions/stream-budgets.ts'
import type { TransportSide } from '../streams/observe-bytes.ts'

/**
 * Slows a stream to what its budgets allow. The application notices nothing else. A stream has
 * one at most.
 *
 * It does what a muxer with a slow connection does. Reading: the muxer does not let the remote
 * send more, and everything that has arrived is delivered at once. Writing: only as much as is
 * allowed is accepted from the write buffer, and `drain` follows when there is more.
 * `readStatus`, and so `pause` and `resume`, remain the application's.
 *
 * A muxer that cannot hold the remote back (mplex, WebRTC) is not slowed in reading.
 */
export class StreamThrottle {
  readonly #reading: Gate
  readonly #writing: Gate

  constructor (stream: TransportSide) {
    this.#reading = throttleReading(stream)
    this.#writing = throttleWriting(stream)

    stream.addEventListener('close', () => {
      this.#reading.remove()
      this.#writing.remove()
    })
  }

  /**
   * From now on the stream obeys these as well
   */
  add ({ rx, tx }: StreamBudgets): void {
    if (rx != null) {
      this.#reading.add(rx)
    }

    if (tx != null) {
      this.#writing.add(tx)
    }
  }
}

/**
 * Closed while one of several budgets has nothing left. Without budgets it is always
 * open.
 */
class Gate {
  closed = false
  readonly #budgets: ByteBudget[] = []
  readonly #opened: () => void
  readonly #retry = (): void => {
    if (this.available > 0) {
      this.closed = false
      this.#opened()
    } else {
      this.#wait()
    }
  }

  /**
   * @param opened - called when the gate opens again
   */
  constructor (opened: () => void) {
    this.#opened = opened
  }

  /**
   * What there is in all of the budgets
   */
  get available (): number {
    let available = Infinity

    for (const budget of this.#budgets) {
      available = Math.min(available, budget.available)
    }

    return available
  }

  add (budget: ByteBudget): void {
    this.#budgets.push(budget)
  }

  spend (bytes: number): void {
    for (const budget of this.#budgets) {
      budget.spend(bytes)
    }
  }

  close (): void {
    if (!this.closed) {
      this.closed = true
      this.#wait()
    }
  }

  /**
   * Nobody waits for it any more
   */
  remove (): void {
    this.closed = false

    for (const budget of this.#budgets.splice(0)) {
      budget.cancel(this.#retry)
    }
  }

  #wait (): void {
    this.#budgets.reduce((a, b) => b.available < a.available ? b : a).wait(this.#retry)
  }
}

function throttleReading (stream: TransportSide): Gate {
  const onData = stream.onData.bind(stream)
  const sendPause = stream.sendPause.bind(stream)
  const sendResume = stream.sendResume.bind(stream)

  const gate = new Gate(() => {
    // not where the application has paused it, and there is nothing to resume after
    // the last byte
    if (stream.readStatus === 'readable' && stream.remoteWriteStatus !== 'closed') {
      try {
        sendResume()
      } catch (err) {
        // its connection has just ended, and soon it will
        stream.log.trace('could not be resumed - %e', err)
      }
    }
  })

  override(stream, 'onData', (data) => {
    gate.spend(data.byteLength)

    if (!gate.closed && gate.available <= 0) {
      gate.close()
      sendPause()
    }

    onData(data)
  })

  override(stream, 'sendResume', () => {
    if (!gate.closed) {
      sendResume()
    }
  })

  return gate
}

function throttleWriting (stream: TransportSide): Gate {
  const sendData = stream.sendData.bind(stream)
  const dispatchEvent: (event: any) => boolean = stream.dispatchEvent.bind(stream)

  const gate = new Gate(() => {
    if (stream.writableNeedsDrain) {
      dispatchEvent(new Event('drain'))
    }
  })

  override(stream, 'sendData', (data) => {
    const available = gate.closed ? 0 : Math.max(0, gate.available)
    const fits = data.byteLength <= available

    if (available === 0) {
      gate.close()

      return { sentBytes: 0, canSendMore: false }
    }

    const result = sendData(fits ? data : data.sublist(0, available))

    gate.spend(result.sentBytes)

    if (fits) {
      return result
    }

    gate.close()

    return { sentBytes: result.sentBytes, canSendMore: false }
  })

  override(stream, 'dispatchEvent', (event: any) => {
    // the muxer has room, but the stream may not use it: there will be another one
    return gate.closed && event.type === 'drain' ? true : dispatchEvent(event)
  })

  return gate
}
