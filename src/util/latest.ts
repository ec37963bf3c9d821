/**
 * Remembers the latest values, in a bounded list
 */
export class Latest<T> {
  readonly #values: T[] = []
  readonly #capacity: number

  /** Where the next one goes */
  #next = 0

  constructor (capacity: number) {
    this.#capacity = capacity
  }

  add (value: T): void {
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) % this.#capacity
  }

  /**
   * Latest first
   */
  list (): T[] {
    return [...this.#values.slice(this.#next), ...this.#values.slice(0, this.#next)].reverse()
  }
}
