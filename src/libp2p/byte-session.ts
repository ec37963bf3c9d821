import type { ByteListener } from './watch-bytes.ts'
import type { Collector } from '../sessions/collector.ts'

export interface ByteSessionInit {
  collector: Collector
  id: string
  reference: string
  location: string
  peer: string
}

/**
 * The session of a stream or a connection in its collector, which forgets those that
 * are idle while the stream goes on
 */
export class ByteSession implements ByteListener {
  readonly #init: ByteSessionInit
  #ended = false

  constructor (init: ByteSessionInit) {
    this.#init = init
    this.#register()
  }

  received (bytes: number): void {
    const { collector, id } = this.#init

    if (this.#goesOn(bytes)) {
      collector.ingress(id, bytes)
    }
  }

  sent (bytes: number): void {
    const { collector, id } = this.#init

    if (this.#goesOn(bytes)) {
      collector.egress(id, bytes)
    }
  }

  /**
   * The stream has been closed, whatever it may still do
   */
  end (): void {
    this.#ended = true
    this.#init.collector.unregister(this.#init.id)
  }

  #goesOn (bytes: number): boolean {
    if (this.#ended || bytes === 0) {
      return false
    }

    if (!this.#init.collector.isKnownSession(this.#init.id)) {
      this.#register()
    }

    return true
  }

  #register (): void {
    const { collector, id, location, peer, reference } = this.#init

    collector.register(id, reference, location, peer)
  }
}
