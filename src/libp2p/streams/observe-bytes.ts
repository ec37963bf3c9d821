import { override } from '../override.ts'
import type { MessageStream } from '@libp2p/interface'
import type { AbstractMessageStream } from '@libp2p/utils'

/**
 * Observes the bytes of a stream. The methods must not throw.
 */
export interface ByteListener {
  received(bytes: number): void
  sent(bytes: number): void
}

/**
 * The methods between a stream and its muxer, which all streams based on libp2p's own classes
 * have
 */
export type TransportSide = Pick<AbstractMessageStream, 'onData' | 'sendData' | 'sendPause' | 'sendResume' | 'readStatus' | 'remoteWriteStatus'> & MessageStream

/**
 * A stream or connection as its muxer or transport sees it, if it can be observed. All that
 * js-libp2p's muxers and transports make can be.
 */
export function transportSide (stream: MessageStream): TransportSide | undefined {
  const { onData, sendData, sendPause, sendResume } = stream as TransportSide

  return [onData, sendData, sendPause, sendResume].every(method => typeof method === 'function') ? stream as TransportSide : undefined
}

/**
 * Reports the bytes of a stream at the one moment that they all pass, in the order in
 * which they do: when the muxer or transport hands over what it has received, and
 * when it accepts what is to be sent.
 *
 * Events would report received bytes too late, or never: they are for what somebody reads, and
 * a listener makes streams deliver data to nobody. Bytes that the application sends may wait in
 * the write buffer, and be thrown away there.
 */
export function observeBytes (stream: TransportSide, listener: ByteListener): void {
  // not bound, as there may be very many streams
  const { onData, sendData } = stream

  override(stream, 'onData', (data) => {
    listener.received(data.byteLength)
    onData.call(stream, data)
  })

  override(stream, 'sendData', (data) => {
    const result = sendData.call(stream, data)

    listener.sent(result.sentBytes)

    return result
  })
}
