/**
 * Connections, streams and spans that are open in one graph and were refused in another one,
 * which is told of them
 *
 * @template K - what identifies scopes of the first graph
 */
export class AbsentScopes<K> {
  readonly #keys = new Set<K>()

  /**
   * How many refused connections each peer has in the first graph, by its id
   */
  readonly #counts = new Map<string, number>()
  readonly #peers = new Map<K, string>()

  get size (): number {
    return this.#keys.size
  }

  has (key: K): boolean {
    return this.#keys.has(key)
  }

  add (key: K): void {
    this.#keys.add(key)
  }

  /**
   * It is a connection with this peer
   */
  countFor (key: K, peer: string): void {
    this.#peers.set(key, peer)
    this.#counts.set(peer, (this.#counts.get(peer) ?? 0) + 1)
  }

  hasConnectionOf (peer: string): boolean {
    return this.#counts.has(peer)
  }

  delete (key: K): void {
    this.#keys.delete(key)

    const peer = this.#peers.get(key)

    if (peer !== undefined) {
      const left = (this.#counts.get(peer) ?? 1) - 1

      this.#peers.delete(key)
      left === 0 ? this.#counts.delete(peer) : this.#counts.set(peer, left)
    }
  }

  /**
   * Two were taken for each other
   */
  swap (a: K, b: K): void {
    const [hadA, hadB] = [this.#keys.delete(a), this.#keys.delete(b)]

    if (hadA) {
      this.#keys.add(b)
    }

    if (hadB) {
      this.#keys.add(a)
    }

    exchange(this.#peers, a, b)
  }
}

/**
 * Gives each of two keys what the other one has
 */
export function exchange <K, V> (map: Map<K, V>, a: K, b: K): void {
  const ofA = map.get(a)
  const ofB = map.get(b)

  map.delete(a)
  map.delete(b)

  if (ofA !== undefined) {
    map.set(b, ofA)
  }

  if (ofB !== undefined) {
    map.set(a, ofB)
  }
}
