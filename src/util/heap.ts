/**
 * Something that is in an order and knows where
 */
export interface Ranked {
  /** How much it holds: what holds most is first */
  held: number

  /** Among those that hold the same, the lowest rank is first */
  rank: number

  /** Where it is in the heap, -1 if it is not there */
  position: number
}

function isBefore (a: Ranked, b: Ranked): boolean {
  return a.held === b.held ? a.rank < b.rank : a.held > b.held
}

/**
 * A binary heap whose values store their own position, so a value that changes or leaves is
 * found without a look-up. Everything takes O(log n).
 */
export class Heap<T extends Ranked> {
  readonly #values: T[] = []

  /**
   * The first one, if there are any
   */
  get top (): T | undefined {
    return this.#values[0]
  }

  get size (): number {
    return this.#values.length
  }

  /**
   * Adds a value, or moves one that is there already to its new position
   */
  put (value: T): void {
    if (value.position === -1) {
      value.position = this.#values.push(value) - 1
    }

    this.#settle(value)
  }

  /**
   * Nothing happens if it is not there
   */
  delete (value: T): void {
    const { position } = value

    if (position === -1) {
      return
    }

    const last = this.#values.pop() as T

    value.position = -1

    if (last !== value) {
      this.#values[position] = last
      last.position = position
      this.#settle(last)
    }
  }

  #settle (value: T): void {
    this.#sinkFrom(this.#riseFrom(value.position))
  }

  #riseFrom (position: number): number {
    const values = this.#values
    const value = values[position]

    while (position > 0) {
      const parent = (position - 1) >> 1

      if (!isBefore(value, values[parent])) {
        break
      }

      this.#place(values[parent], position)
      position = parent
    }

    this.#place(value, position)

    return position
  }

  #sinkFrom (position: number): void {
    const values = this.#values
    const value = values[position]

    for (;;) {
      let child = 2 * position + 1

      if (child >= values.length) {
        break
      }

      if (child + 1 < values.length && isBefore(values[child + 1], values[child])) {
        child++
      }

      if (!isBefore(values[child], value)) {
        break
      }

      this.#place(values[child], position)
      position = child
    }

    this.#place(value, position)
  }

  #place (value: T, position: number): void {
    this.#values[position] = value
    value.position = position
  }
}
