import type { Libp2p, StreamMiddleware } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'

/**
 * Remembers what did not end well: connections that were lost while the node was to
 * run, and streams that were aborted or reset
 */
export class Endings {
  readonly #bad = new Map<string, number>()
  #stopping = false

  watch (libp2p: Libp2p<any>): void {
    const { registrar } = (libp2p as unknown as { components: { registrar: Registrar } }).components
    const getMiddleware = registrar.getMiddleware.bind(registrar)

    // not `libp2p.use`: libp2p adds the handler of each inbound stream to the
    // middleware that was registered, and runs it for all streams that come after it
    registrar.getMiddleware = (protocol) => [this.#follow, ...getMiddleware(protocol)]
    libp2p.addEventListener('connection:close', () => { this.#add('connection closed') })
  }

  /**
   * From here on everything may end
   */
  stopping (): void {
    this.#stopping = true
  }

  /**
   * What has not ended well, and how often
   */
  report (): Record<string, number> {
    return Object.fromEntries([...this.#bad].sort(([a], [b]) => a < b ? -1 : 1))
  }

  readonly #follow: StreamMiddleware = (stream, connection, next) => {
    stream.addEventListener('close', ({ error }) => {
      if (error != null) {
        this.#add(`${stream.direction} ${stream.protocol} ${error.name}`)
      }
    })
    next(stream, connection)
  }

  #add (what: string): void {
    if (!this.#stopping) {
      this.#bad.set(what, (this.#bad.get(what) ?? 0) + 1)
    }
  }
}
