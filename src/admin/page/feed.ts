import { readEvents } from '../event-stream.ts'
import type { LiveData, LiveSample } from '../live-data.ts'

/**
 * How long to wait before trying again, in ms
 */
const RETRY = 2_000

/**
 * Where the token is kept, until the tab is closed
 */
const TOKEN = 'token'

export interface FeedListener {
  /** The latest sample, where it is too early for another snapshot */
  sample (sample: LiveSample): void

  history(samples: LiveSample[]): void
  live(data: LiveData): void

  /** Nothing is heard of the node, and why */
  lost(reason: string): void

  /** Resolves with the token of the node */
  askForToken(wasWrong: boolean): Promise<string>
}

/**
 * Listens to a node as long as the page can be seen
 */
export class Feed {
  readonly #listener: FeedListener
  #controller?: AbortController

  constructor (listener: FeedListener) {
    this.#listener = listener
    document.addEventListener('visibilitychange', () => { this.#follow() })
    this.#follow()
  }

  #follow (): void {
    if (document.hidden) {
      // a page that nobody sees costs the node nothing
      this.#controller?.abort()
      this.#controller = undefined
    } else if (this.#controller == null) {
      this.#controller = new AbortController()
      void this.#run(this.#controller.signal)
    }
  }

  async #run (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listen(signal)
      } catch (err: any) {
        if (!signal.aborted) {
          this.#listener.lost(err.message)
        }
      }

      if (!signal.aborted) {
        await new Promise(resolve => setTimeout(resolve, RETRY))
      }
    }
  }

  async #listen (signal: AbortSignal): Promise<void> {
    const token = sessionStorage.getItem(TOKEN)
    const res = await fetch('events', { signal, headers: token == null ? {} : { authorization: `Bearer ${token}` } })

    if (res.status === 401) {
      const given = await this.#listener.askForToken(token != null)

      // what cannot be in a header would never be answered, and is as wrong
      sessionStorage.setItem(TOKEN, encodeURI(given))
      return
    }

    if (!res.ok || res.body == null) {
      throw new Error((await res.json()).error)
    }

    for await (const { data, event } of readEvents(res.body)) {
      if (event === 'history') {
        this.#listener.history(data)
      } else if (event === 'sample') {
        this.#listener.sample(data)
      } else if (event === 'live') {
        this.#listener.live(data)
      }
    }

    throw new Error('the node has closed the connection')
  }
}
