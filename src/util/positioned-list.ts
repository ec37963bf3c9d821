export interface Positioned {
  /**
   * Where it is in the list, -1 if it is not there
   */
  position: number
}

/**
 * Values in no order that store their own position, so adding and removing takes no look-up,
 * and nothing is left of removed values.
 *
 * A `Set` or `Map` is given a new table again and again as values come and go, and in V8
 * each table refers to the one that followed it. One that has got into the old generation
 * keeps all tables that came after it, with what was in them, until the whole heap is
 * collected. For streams that was nearly all of them, and cost a twentieth of the CPU time
 * of a node that opens and closes streams all the time.
 */
export class PositionedList<T extends Positioned> implements Iterable<T> {
  readonly #values: T[] = []

  get size (): number {
    return this.#values.length
  }

  add (value: T): void {
    value.position = this.#values.push(value) - 1
  }

  /**
   * Nothing happens if it is not in the list
   */
  delete (value: T): void {
    const { position } = value

    if (position === -1) {
      return
    }

    const last = this.#values.pop() as T

    if (last !== value) {
      this.#values[position] = last
      last.position = position
    }

    value.position = -1
  }

  /**
   * The value at a position. A walk from the end to the beginning, during which the list
   * changes, sees all values that stay, and may see some twice: the last value takes the place
   * of one that leaves.
   */
  at (position: number): T | undefined {
    return this.#values[position]
  }

  [Symbol.iterator] (): Iterator<T> {
    return this.#values.values()
  }
}
