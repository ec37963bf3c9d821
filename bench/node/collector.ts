/**
 * In ms
 */
const INTERVAL = 20

/**
 * Collects the whole heap again and again while there are streams. The tables in which
 * libp2p has its streams are in the old generation then, and from then on all that were in
 * them stay until the next such collection. That happens to any node sooner or later, and
 * collecting takes twice as much from then on. Here it must not happen to one of those that
 * are compared and not to another.
 */
export class Collector {
  #timer?: ReturnType<typeof setInterval>

  run (running: boolean): void {
    clearInterval(this.#timer)

    if (running) {
      this.#timer = setInterval(() => globalThis.gc?.(), INTERVAL)
    }
  }
}
