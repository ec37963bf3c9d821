import { IPAddress } from './ip-address.ts'
import { wordMask } from './ip-network.ts'

/**
 * The smallest table has 16 places
 */
const MIN_CAPACITY_BITS = 4

/**
 * Where the key begins in a place, in words of 32 bits
 */
const KEY = 2

function randomOddNumber (): number {
  return Math.random() * 0x1_0000_0000 | 1
}

/**
 * A number for each subnet of one size: a hash table with open addressing in typed
 * arrays. The number 0 is the same as no entry.
 *
 * A `Map` would need a key object or a string for each IPv6 look-up, and its hash
 * of a number is the same everywhere, so that remote hosts could choose addresses
 * that collide. Here looking up, adding and removing allocate nothing (unless the
 * table grows), and the hash is one that is chosen at random for each table.
 *
 * Number and key are next to each other, because in a large table it is the memory
 * accesses that cost time: a place has two words for the number, which is a double,
 * then two for the key, or six for that of subnets smaller than a /64, of which the
 * last two are not used. No place is spread over two cache lines.
 *
 * Positions that `find` answers are valid until the next change.
 */
export class SubnetTable {
  /**
   * How many bits the addresses of one subnet have in common
   */
  readonly prefixLength: number

  #size = 0
  #capacityBits: number
  // the same memory twice
  #words: Int32Array
  #values: Float64Array
  // where `removeUpTo` continues
  #hand = 0

  // whether the key has four words
  readonly #wide: boolean
  // how far a position is shifted to find its place among the words
  readonly #placeBits: number

  readonly #mask0: number
  readonly #mask1: number
  readonly #mask2: number
  readonly #mask3: number

  readonly #factor0 = randomOddNumber()
  readonly #factor1 = randomOddNumber()
  readonly #factor2 = randomOddNumber()
  readonly #factor3 = randomOddNumber()
  readonly #finalFactor = randomOddNumber()

  constructor (prefixLength: number) {
    this.prefixLength = prefixLength
    this.#wide = prefixLength > 64
    this.#placeBits = this.#wide ? 3 : 2
    this.#mask0 = wordMask(prefixLength, 0)
    this.#mask1 = wordMask(prefixLength, 1)
    this.#mask2 = wordMask(prefixLength, 2)
    this.#mask3 = wordMask(prefixLength, 3)
    this.#capacityBits = MIN_CAPACITY_BITS
    this.#words = new Int32Array(1 << (MIN_CAPACITY_BITS + this.#placeBits))
    this.#values = new Float64Array(this.#words.buffer)
  }

  /**
   * The number of subnets in the table
   */
  get size (): number {
    return this.#size
  }

  /**
   * The number of subnets and of free places
   */
  get capacity (): number {
    return 1 << this.#capacityBits
  }

  get (ip: IPAddress): number {
    return this.valueAt(this.find(ip))
  }

  /**
   * The position of the subnet of an address, or a free one where it can be put
   */
  find (ip: IPAddress): number {
    const wide = this.#wide
    const word0 = ip.word0 & this.#mask0
    const word1 = ip.word1 & this.#mask1
    const word2 = wide ? ip.word2 & this.#mask2 : 0
    const word3 = wide ? ip.word3 & this.#mask3 : 0
    const words = this.#words
    const values = this.#values
    const placeBits = this.#placeBits
    const last = this.capacity - 1
    let position = wide ? this.#hash(word0, word1, word2, word3) : this.#hashNarrow(word0, word1)

    for (;;) {
      const place = position << placeBits

      if (values[place >> 1] === 0) {
        return position
      }

      if (
        words[place + KEY] === word0 && words[place + KEY + 1] === word1 &&
        (!wide || (words[place + KEY + 2] === word2 && words[place + KEY + 3] === word3))
      ) {
        return position
      }

      position = (position + 1) & last
    }
  }

  /**
   * The number at a position, or 0 if it is free
   */
  valueAt (position: number): number {
    return this.#values[position << this.#placeBits >> 1]
  }

  /**
   * Sets the number of the subnet of an address to one that is not 0
   *
   * @param position - what `find` answered for the address
   * @param ip - the address
   * @param value - the number
   */
  put (position: number, ip: IPAddress, value: number): void {
    const place = position << this.#placeBits
    const isNew = this.#values[place >> 1] === 0

    this.#values[place >> 1] = value

    if (!isNew) {
      return
    }

    const words = this.#words

    words[place + KEY] = ip.word0 & this.#mask0
    words[place + KEY + 1] = ip.word1 & this.#mask1

    if (this.#wide) {
      words[place + KEY + 2] = ip.word2 & this.#mask2
      words[place + KEY + 3] = ip.word3 & this.#mask3
    }

    this.#size++

    // half of the places stay free, so that runs of taken ones are short
    if (this.#size * 2 > this.capacity) {
      this.#resize(this.#capacityBits + 1)
    }
  }

  /**
   * Frees a position that is taken
   */
  removeAt (position: number): void {
    const last = this.capacity - 1
    let hole = position

    // what was put further along because the position was taken moves back, so
    // that looking for it does not end at a hole
    for (let next = (hole + 1) & last; this.valueAt(next) !== 0; next = (next + 1) & last) {
      const home = this.#home(this.#words, next)

      if (((next - home) & last) >= ((next - hole) & last)) {
        this.#copyPlace(this.#words, next, hole)
        hole = next
      }
    }

    this.#values[hole << this.#placeBits >> 1] = 0
    this.#size--

    if (this.#capacityBits > MIN_CAPACITY_BITS && this.#size * 8 < this.capacity) {
      this.#resize(this.#capacityBits - 1)
    }
  }

  /**
   * Makes `removeUpTo` continue at the beginning of the table
   */
  restart (): void {
    this.#hand = 0
  }

  /**
   * Removes entries whose number is not greater than a threshold, from where the
   * last call stopped to the end of the table.
   *
   * @param threshold - the greatest number to remove
   * @param budget - how many places to look at
   * @returns what is left of the budget when the end was reached, else 0
   */
  removeUpTo (threshold: number, budget: number): number {
    while (this.#hand < this.capacity) {
      if (budget === 0) {
        return 0
      }

      budget--
      const value = this.valueAt(this.#hand)

      if (value !== 0 && value <= threshold) {
        // another entry may have moved here, so the hand stays
        this.removeAt(this.#hand)
      } else {
        this.#hand++
      }
    }

    this.#hand = 0

    // not 0, which would say that the end was not reached
    return Math.max(budget, 1)
  }

  /**
   * Calls a function with the lowest address of each subnet and its number. The
   * table must not change meanwhile.
   */
  forEach (version: 4 | 6, fn: (ip: IPAddress, value: number) => void): void {
    for (let position = 0; position < this.capacity; position++) {
      const value = this.valueAt(position)

      if (value !== 0) {
        const key = (position << this.#placeBits) + KEY
        const word2 = this.#wide ? this.#words[key + 2] : 0
        const word3 = this.#wide ? this.#words[key + 3] : 0

        fn(new IPAddress(version, this.#words[key], this.#words[key + 1], word2, word3), value)
      }
    }
  }

  /**
   * Multiply-shift hashing: which addresses collide depends on factors that
   * nobody else knows. The second round spreads addresses that differ in a few
   * neighbouring bits only.
   */
  #hash (word0: number, word1: number, word2: number, word3: number): number {
    const sum = (Math.imul(word0, this.#factor0) + Math.imul(word1, this.#factor1) +
      Math.imul(word2, this.#factor2) + Math.imul(word3, this.#factor3)) | 0

    return Math.imul(sum ^ sum >>> 15, this.#finalFactor) >>> (32 - this.#capacityBits)
  }

  /**
   * The same where two words are always 0
   */
  #hashNarrow (word0: number, word1: number): number {
    const sum = (Math.imul(word0, this.#factor0) + Math.imul(word1, this.#factor1)) | 0

    return Math.imul(sum ^ sum >>> 15, this.#finalFactor) >>> (32 - this.#capacityBits)
  }

  /**
   * Where the entry at a position would be if there were no others
   */
  #home (words: Int32Array, position: number): number {
    const key = (position << this.#placeBits) + KEY

    return this.#wide
      ? this.#hash(words[key], words[key + 1], words[key + 2], words[key + 3])
      : this.#hashNarrow(words[key], words[key + 1])
  }

  // a loop, because the built-in functions take longer for so few words
  #copyPlace (from: Int32Array, position: number, target: number): void {
    const source = position << this.#placeBits
    const destination = target << this.#placeBits

    for (let word = 0; word < 1 << this.#placeBits; word++) {
      this.#words[destination + word] = from[source + word]
    }
  }

  #resize (capacityBits: number): void {
    const words = this.#words
    const values = this.#values
    const capacity = this.capacity
    const placeBits = this.#placeBits

    this.#capacityBits = capacityBits
    this.#words = new Int32Array(1 << (capacityBits + placeBits))
    this.#values = new Float64Array(this.#words.buffer)
    this.#hand = 0

    const last = this.capacity - 1

    for (let position = 0; position < capacity; position++) {
      if (values[position << placeBits >> 1] === 0) {
        continue
      }

      let target = this.#home(words, position)

      while (this.valueAt(target) !== 0) {
        target = (target + 1) & last
      }

      this.#copyPlace(words, position, target)
    }
  }
}
