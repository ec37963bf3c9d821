/**
 * How far a position is shifted to find its place among the words: a place has eight words of
 * 32 bits, so that none is spread over two cache lines
 */
const PLACE_BITS = 3

/**
 * Where they are in words. A place is: value (2 words), key (4), count, tag.
 */
const KEY = 2
const COUNT = 6
const TAG = 7

/**
 * The places of a table of subnets: for each the four words of its key, a value, a count, and a tag, which
 * is 0 where it is free
 */
export class SubnetPlaces {
  readonly count: number

  // the same memory twice
  readonly #words: Int32Array
  readonly #values: Float64Array

  constructor (count: number) {
    this.count = count
    this.#words = new Int32Array(count << PLACE_BITS)
    this.#values = new Float64Array(this.#words.buffer)
  }

  tagAt (position: number): number {
    return this.#words[(position << PLACE_BITS) + TAG]
  }

  valueAt (position: number): number {
    return this.#values[position << PLACE_BITS >> 1]
  }

  countAt (position: number): number {
    return this.#words[(position << PLACE_BITS) + COUNT]
  }

  hasKey (position: number, word0: number, word1: number, word2: number, word3: number): boolean {
    const words = this.#words
    const key = (position << PLACE_BITS) + KEY

    return words[key] === word0 && words[key + 1] === word1 && words[key + 2] === word2 && words[key + 3] === word3
  }

  setValue (position: number, value: number): void {
    this.#values[position << PLACE_BITS >> 1] = value
  }

  setCount (position: number, count: number): void {
    this.#words[(position << PLACE_BITS) + COUNT] = count
  }

  /**
   * Takes a place
   */
  setKey (position: number, tag: number, word0: number, word1: number, word2: number, word3: number): void {
    const words = this.#words
    const key = (position << PLACE_BITS) + KEY

    words[key] = word0
    words[key + 1] = word1
    words[key + 2] = word2
    words[key + 3] = word3
    words[(position << PLACE_BITS) + TAG] = tag
  }

  free (position: number): void {
    this.setValue(position, 0)
    this.setCount(position, 0)
    this.#words[(position << PLACE_BITS) + TAG] = 0
  }

  /**
   * Copies a place. In a loop, because the built-in functions take longer for so few words.
   */
  copy (from: SubnetPlaces, position: number, target: number): void {
    const source = position << PLACE_BITS
    const destination = target << PLACE_BITS

    for (let word = 0; word < 1 << PLACE_BITS; word++) {
      this.#words[destination + word] = from.#words[source + word]
    }
  }
}
