import { setBackgroundTimer } from '../background-timer.ts'
import { endSocket, isSocketLeft } from './raw-socket.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * How long a socket may outlive its connection, in ms: as long as libp2p gives a handshake.
 * What has been sent may still be on its way, and `ws` would wait three times as long.
 */
const CLOSE_GRACE = 10_000

/**
 * Sockets of connections that are over, and that wait for the remote. They are not counted
 * any more, so they must not stay for as long as the remote likes.
 */
export class ClosingSockets {
  /**
   * Oldest first
   */
  readonly #waiting: Array<{ connection: MultiaddrConnection, until: number }> = []
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
    const [oldest] = this.#waiting

    if (oldest == null || this.#timer != null) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#endDue()
      this.#start()
    }, Math.max(0, oldest.until - Date.now()))
  }

  #endDue (): void {
    const now = Date.now()
    const pending = this.#waiting.findIndex(({ until }) => until > now)

    for (const { connection } of this.#waiting.splice(0, pending === -1 ? Infinity : pending)) {
      if (isSocketLeft(connection)) {
        endSocket(connection)
      }
    }
  }
}
