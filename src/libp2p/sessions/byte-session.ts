import type { DefaultCollector } from '../../sessions/default-collector.ts'
import type { ActiveSession } from '../../sessions/session.ts'
import type { ByteListener } from '../streams/observe-bytes.ts'

export interface ByteSessionInit {
  id: string
  reference: string
  location: string
  peer: string
}

/**
 * The session of a stream or a connection. The collector forgets an idle session while its
 * stream goes on.
 */
export class ByteSession implements ByteListener {
  readonly #collector: DefaultCollector
  #session: ActiveSession
  #ended = false

  constructor (collector: DefaultCollector, { id, reference, location, peer }: ByteSessionInit) {
    this.#collector = collector
    this.#session = collector.open(id, reference, location, peer)
  }

  received (bytes: number): void {
    const session = this.#find(bytes)

    if (session != null) {
      this.#collector.received(session, bytes)
    }
  }

  sent (bytes: number): void {
    const session = this.#find(bytes)

    if (session != null) {
      this.#collector.sent(session, bytes)
    }
  }

  /**
   * The stream has been closed, whatever it may still do
   */
  end (): void {
    this.#ended = true
    this.#collector.unregister(this.#session.id)
  }

  /**
   * The session that bytes are counted for. If the collector has forgotten the last one, it is
   * a new one.
   */
  #find (bytes: number): ActiveSession | undefined {
    if (this.#ended || bytes === 0) {
      return
    }

    if (this.#session.over) {
      const { id, location, peer, reference } = this.#session

      this.#session = this.#collector.open(id, reference, location, peer)
    }

    return this.#session.over ? undefined : this.#session
  }
}
