import { setBackgroundTimer } from '../../util/timers.ts'
import { endSocket, isSocketLeft } from './raw-socket.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * How long a socket may outlive its connection, in ms: as long as libp2p gives a handshake.
 * What has been sent may still be on its way, and `ws` would wait three times as long.
 */
const CLOSE_GRACE = 10_000

/**
 * How often it is looked which of them are gone, in ms: what waits keeps all of its connection
 */
const LOOK_INTERVAL = 1_000

/**
 * Sockets of connections that are over, and that wait for the remote. They are not counted
 * any more, so they must not stay for as long as the remote likes.
 */
export class ClosingSockets {
  #waiting: Array<{ connection: MultiaddrConnection, until: number }> = []
  #timer?: ReturnType<typeof setTimeout>

  /**
   * A connection is over
   *
   * @param connection
   * @param gracefully - whether both ends agree. Otherwise nothing is waited for.
   */
  add (connection: MultiaddrConnection, gracefully: boolean): void {
    if (!isSocketLeft(connection)) {
      return
    }

    if (!gracefully) {
      endSocket(connection)
      return
    }

    this.#waiting.push({ connection, until: Date.now() + CLOSE_GRACE })
    this.#start()
  }

  #start (): void {
    if (this.#waiting.length === 0 || this.#timer != null) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#endDue()
      this.#start()
    }, LOOK_INTERVAL)
  }

  #endDue (): void {
    const now = Date.now()

    this.#waiting = this.#waiting.filter(({ connection, until }) => {
      const left = isSocketLeft(connection)

      if (left && until <= now) {
        endSocket(connection)
      }

      return left && until > now
    })
  }
}
