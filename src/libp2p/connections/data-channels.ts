import { tryCall } from '../try-call.ts'
import type { Stream, StreamMuxer } from '@libp2p/interface'

type MessageListener = ((event: { data: unknown }) => void) | null

/**
 * What is used of a data channel of WebRTC
 */
interface DataChannel {
  onmessage: MessageListener
  close (): void
  dispatchEvent (event: Event): boolean
}

/**
 * The muxer of `@libp2p/webrtc` (6.0.33)
 */
interface DataChannelMuxer extends StreamMuxer {
  onDataChannel (channel: DataChannel, early?: unknown): void
}

/**
 * Closes the channels of streams that the remote opens when it sends text. libp2p takes it
 * for the length of a buffer: `-5` is an error that nobody catches, which ends the process,
 * and `2000000000` a buffer of 2 GB.
 */
export function refuseTextOfInbound (muxer: StreamMuxer): void {
  const { onDataChannel } = muxer as Partial<DataChannelMuxer>

  if (typeof onDataChannel === 'function') {
    Object.assign(muxer, {
      onDataChannel: (channel: DataChannel, early?: unknown): void => {
        onDataChannel.call(muxer, channel, early)
        refuseText(channel)
      }
    })
  }
}

/**
 * The same for a stream that this node has opened, before its channel is open
 */
export function refuseTextOfOutbound (stream: Stream): void {
  const { channel } = stream as { channel?: DataChannel }

  if (channel != null && 'onmessage' in channel) {
    refuseText(channel)
  }
}

/**
 * Marks a class whose channels are observed
 */
const OBSERVED = Symbol('channels')

/**
 * The same for the handshakes of WebRTC Direct, from its first peer connection on. Their
 * channel is opened by `@libp2p/webrtc`, which shows it to nobody, so the class is changed.
 * Only libp2p has connections of this class.
 */
export function refuseTextInHandshakes (peerConnection: object): void {
  const prototype = Object.getPrototypeOf(peerConnection)

  if (OBSERVED in prototype || !Object.hasOwn(prototype, 'remoteFingerprint') || !Object.isExtensible(prototype)) {
    return
  }

  const { createDataChannel } = prototype as { createDataChannel (...args: unknown[]): DataChannel }

  Object.defineProperties(prototype, {
    [OBSERVED]: { value: true },
    createDataChannel: {
      configurable: true,
      writable: true,
      value (this: unknown, ...args: unknown[]): DataChannel {
        const channel = createDataChannel.apply(this, args)

        refuseTextFromNow(channel)

        return channel
      }
    }
  })
}

/**
 * Runs before anybody else listens to the channel. Pages deliver events in another way.
 */
function refuseTextFromNow (channel: DataChannel): void {
  const { dispatchEvent } = channel

  channel.dispatchEvent = event => {
    if (event.type === 'message' && typeof (event as MessageEvent).data === 'string') {
      tryCall(channel, 'close')
      return true
    }

    return dispatchEvent.call(channel, event)
  }
}

function refuseText (channel: DataChannel): void {
  const { onmessage } = channel

  // a channel that is not for a stream has none
  if (onmessage != null) {
    channel.onmessage = event => {
      if (typeof event.data === 'string') {
        tryCall(channel, 'close')
      } else {
        onmessage.call(channel, event)
      }
    }
  }
}
