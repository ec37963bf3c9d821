import { setBackgroundTimer } from '../../util/timers.ts'
import { endSocket, isSocketLeft } from './raw-socket.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * How long a socket may outlive its connection, in ms: as long as libp2p gives a handshake.
 * Bytes that were sent may still be on their way. `ws` would wait three times as long.
 */
const CLOSE_GRACE = 10_000

/**
 * How often the sockets are checked, in ms. One that waits keeps all of its connection in memory.
 */
const CHECK_INTERVAL = 1_000

/**
 * Sockets of connections that are over, and that wait for the remote. They are not counted
 * any more, so they must not stay for as long as the remote likes.
 */
export class ClosingSockets {
  #closing: Array<{ connection: MultiaddrConnection, until: number }> = []
  #timer?: ReturnType<typeof setTimeout>

  /**
   * A connection is over
   *
   * @param connection
   * @param gracefully - whether both ends agree. Otherwise the socket is ended at once.
   */
  add (connection: MultiaddrConnection, gracefully: boolean): void {
    if (!gracefully) {
      endSocket(connection)
    } else if (isSocketLeft(connection)) {
      this.#closing.push({ connection, until: performance.now() + CLOSE_GRACE })
      this.#start()
    }
  }

  #start (): void {
    if (this.#closing.length > 0) {
      this.#timer ??= setBackgroundTimer(() => {
        this.#timer = undefined
        this.#endDue()
        this.#start()
      }, CHECK_INTERVAL)
    }
  }

  #endDue (): void {
    const now = performance.now()

    this.#closing = this.#closing.filter(({ connection, until }) => {
      if (until <= now) {
        endSocket(connection)
      }

      return until > now && isSocketLeft(connection)
    })
  }
}
