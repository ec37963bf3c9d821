import { IPAddress } from './ip-address.ts'
import { wordMask } from './ip-network.ts'

/**
 * The smallest table has 16 places
 */
const MIN_CAPACITY_BITS = 4

/**
 * How far a position is shifted to find its place among the words: a place has eight words of
 * 32 bits, so that none is spread over two cache lines
 */
const PLACE_BITS = 3

/**
 * Where in a place, in words: first comes the value, which is a double, then
 */
const KEY = 2
const COUNT = 6
const TAG = 7

function randomOddNumber (): number {
  return Math.random() * 0x1_0000_0000 | 1
}

/**
 * A value and a count for each subnet of one size: a hash table with open addressing in typed
 * arrays. What has neither is not in it: 0 is the same as no value and no count.
 *
 * A `Map` would need a key object or a string for each IPv6 look-up, and its hash
 * of a number is the same everywhere, so that remote hosts could choose addresses
 * that collide. Here looking up, adding and removing allocate nothing (unless the
 * table grows), and the hash is one that is chosen at random for each table.
 *
 * All of an entry is next to each other, because in a large table it is the memory
 * accesses that cost time.
 *
 * Positions that `find` answers are valid until the next change.
 */
export class SubnetTable {
  /**
   * How many bits the addresses of one subnet have in common
   */
  readonly prefixLength: number

  #size = 0
  #valued = 0
  #capacityBits: number
  // the same memory twice
  #words: Int32Array
  #values: Float64Array
  // where `removeUpTo` continues
  #hand = 0

  // what was looked up last: a decision looks for the same address several times
  #lastIP?: IPAddress
  #lastPosition = 0

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
    this.#mask0 = wordMask(prefixLength, 0)
    this.#mask1 = wordMask(prefixLength, 1)
    this.#mask2 = wordMask(prefixLength, 2)
    this.#mask3 = wordMask(prefixLength, 3)
    this.#capacityBits = MIN_CAPACITY_BITS
    this.#words = new Int32Array(1 << (MIN_CAPACITY_BITS + PLACE_BITS))
    this.#values = new Float64Array(this.#words.buffer)
  }

  /**
   * The number of subnets in the table
   */
  get size (): number {
    return this.#size
  }

  /**
   * How many of them have a value
   */
  get valued (): number {
    return this.#valued
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
    if (ip !== this.#lastIP) {
      this.#lastPosition = this.#find(ip.word0 & this.#mask0, ip.word1 & this.#mask1, ip.word2 & this.#mask2, ip.word3 & this.#mask3)
      this.#lastIP = ip
    }

    return this.#lastPosition
  }

  #find (word0: number, word1: number, word2: number, word3: number): number {
    const words = this.#words
    const last = this.capacity - 1
    const tag = this.#tag(word0, word1, word2, word3)
    let position = this.#home(tag)

    for (;;) {
      const place = position << PLACE_BITS
      const found = words[place + TAG]

      if (
        found === 0 || (
          found === tag &&
          words[place + KEY] === word0 && words[place + KEY + 1] === word1 &&
          words[place + KEY + 2] === word2 && words[place + KEY + 3] === word3
        )
      ) {
        return position
      }

      position = (position + 1) & last
    }
  }

  /**
   * The value at a position, or 0 if there is none
   */
  valueAt (position: number): number {
    return this.#values[position << PLACE_BITS >> 1]
  }

  /**
   * The count at a position, or 0 if there is none
   */
  countAt (position: number): number {
    return this.#words[(position << PLACE_BITS) + COUNT]
  }

  /**
   * Sets the value of the subnet of an address to one that is not 0
   *
   * @param position - what `find` answered for the address
   * @param ip - the address
   * @param value - the value
   */
  put (position: number, ip: IPAddress, value: number): void {
    const place = position << PLACE_BITS

    if (this.#values[place >> 1] === 0) {
      this.#valued++
    }

    this.#values[place >> 1] = value

    if (this.#words[place + TAG] === 0) {
      this.#insert(place, ip)
    }
  }

  /**
   * Sets the count of the subnet of an address
   *
   * @param position - what `find` answered for the address
   * @param ip - the address
   * @param count - a whole number, not 0 unless it was another one
   */
  setCount (position: number, ip: IPAddress, count: number): void {
    const place = position << PLACE_BITS

    this.#words[place + COUNT] = count

    if (this.#words[place + TAG] === 0) {
      this.#insert(place, ip)
    } else if (count === 0 && this.#values[place >> 1] === 0) {
      this.removeAt(position)
    }
  }

  /**
   * Takes all counts back
   */
  clearCounts (): void {
    for (let place = 0; place < this.#words.length; place += 1 << PLACE_BITS) {
      this.#words[place + COUNT] = 0
    }

    this.#rebuild(bitsFor(this.#valued))
  }

  /**
   * Takes all values back
   */
  clearValues (): void {
    let counted = 0

    for (let place = 0; place < this.#words.length; place += 1 << PLACE_BITS) {
      this.#values[place >> 1] = 0
      counted += this.#words[place + COUNT] === 0 ? 0 : 1
    }

    this.#valued = 0
    this.#rebuild(bitsFor(counted))
  }

  /**
   * Frees a position that is taken
   */
  removeAt (position: number): void {
    const words = this.#words
    const last = this.capacity - 1
    let hole = position

    if (this.valueAt(position) !== 0) {
      this.#valued--
    }

    // what was put further along because the position was taken moves back, so
    // that looking for it does not end at a hole
    for (let next = (hole + 1) & last; this.#tagAt(next) !== 0; next = (next + 1) & last) {
      const home = this.#home(this.#tagAt(next))

      if (((next - home) & last) >= ((next - hole) & last)) {
        this.#copyPlace(words, next, hole)
        hole = next
      }
    }

    const place = hole << PLACE_BITS

    this.#values[place >> 1] = 0
    words[place + COUNT] = 0
    words[place + TAG] = 0
    this.#size--
    this.#lastIP = undefined

    if (this.#capacityBits > MIN_CAPACITY_BITS && this.#size * 8 < this.capacity) {
      this.#rebuild(this.#capacityBits - 1)
    }
  }

  /**
   * Makes `removeUpTo` continue at the beginning of the table
   */
  restart (): void {
    this.#hand = 0
  }

  /**
   * Takes values back that are not greater than a threshold, from where the last call stopped
   * to the end of the table.
   *
   * @param threshold - the greatest value to take back
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

      if (value === 0 || value > threshold) {
        this.#hand++
      } else if (this.countAt(this.#hand) === 0) {
        // another entry may move here, so the hand stays
        this.removeAt(this.#hand)
      } else {
        this.#values[this.#hand << PLACE_BITS >> 1] = 0
        this.#valued--
        this.#hand++
      }
    }

    this.#hand = 0

    // not 0, which would say that the end was not reached
    return Math.max(budget, 1)
  }

  /**
   * Calls a function with the lowest address of each subnet, its value and its count. The
   * table must not change meanwhile.
   */
  forEach (version: 4 | 6, fn: (ip: IPAddress, value: number, count: number) => void): void {
    for (let position = 0; position < this.capacity; position++) {
      if (this.#tagAt(position) !== 0) {
        const key = (position << PLACE_BITS) + KEY

        fn(new IPAddress(version, this.#words[key], this.#words[key + 1], this.#words[key + 2], this.#words[key + 3]), this.valueAt(position), this.countAt(position))
      }
    }
  }

  #insert (place: number, ip: IPAddress): void {
    const words = this.#words
    const word0 = words[place + KEY] = ip.word0 & this.#mask0
    const word1 = words[place + KEY + 1] = ip.word1 & this.#mask1
    const word2 = words[place + KEY + 2] = ip.word2 & this.#mask2
    const word3 = words[place + KEY + 3] = ip.word3 & this.#mask3

    words[place + TAG] = this.#tag(word0, word1, word2, word3)
    this.#size++

    // half of the places stay free, so that runs of taken ones are short
    if (this.#size * 2 > this.capacity) {
      this.#rebuild(this.#capacityBits + 1)
    }
  }

  /**
   * Multiply-shift hashing: which addresses collide depends on factors that
   * nobody else knows. The second round spreads addresses that differ in a few
   * neighbouring bits only.
   *
   * @returns What is not 0, and is kept beside the key
   */
  #tag (word0: number, word1: number, word2: number, word3: number): number {
    const sum = (Math.imul(word0, this.#factor0) + Math.imul(word1, this.#factor1) +
      Math.imul(word2, this.#factor2) + Math.imul(word3, this.#factor3)) | 0

    return Math.imul(sum ^ sum >>> 15, this.#finalFactor) | 1
  }

  /**
   * Where an entry would be if there were no others
   */
  #home (tag: number): number {
    return tag >>> (32 - this.#capacityBits)
  }

  #tagAt (position: number): number {
    return this.#words[(position << PLACE_BITS) + TAG]
  }

  // a loop, because the built-in functions take longer for so few words
  #copyPlace (from: Int32Array, position: number, target: number): void {
    const source = position << PLACE_BITS
    const destination = target << PLACE_BITS

    for (let word = 0; word < 1 << PLACE_BITS; word++) {
      this.#words[destination + word] = from[source + word]
    }
  }

  /**
   * Makes a table of another size of all that has a value or a count
   */
  #rebuild (capacityBits: number): void {
    const words = this.#words
    const values = this.#values
    const capacity = this.capacity

    this.#capacityBits = capacityBits
    this.#words = new Int32Array(1 << (capacityBits + PLACE_BITS))
    this.#values = new Float64Array(this.#words.buffer)
    this.#size = 0
    this.#hand = 0
    this.#lastIP = undefined

    const last = this.capacity - 1

    for (let position = 0; position < capacity; position++) {
      const place = position << PLACE_BITS

      if (values[place >> 1] === 0 && words[place + COUNT] === 0) {
        continue
      }

      let target = this.#home(words[place + TAG])

      while (this.#tagAt(target) !== 0) {
        target = (target + 1) & last
      }

      this.#copyPlace(words, position, target)
      this.#size++
    }
  }
}

/**
 * How large a table has to be
 */
function bitsFor (size: number): number {
  return Math.max(MIN_CAPACITY_BITS, Math.ceil(Math.log2(size * 2)))
}
