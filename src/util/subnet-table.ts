import { wordMask } from './ip-network.ts'
import { SubnetPlaces } from './subnet-places.ts'
import type { IPAddress } from './ip-address.ts'

/**
 * The smallest table has 16 places
 */
const MIN_CAPACITY_BITS = 4

function randomOddNumber (): number {
  return Math.random() * 0x1_0000_0000 | 1
}

/**
 * A value and a count for each subnet of one size: a hash table with open addressing in typed
 * arrays. A subnet with neither is not in it: 0 is the same as no value and no count.
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
  #capacityBits = MIN_CAPACITY_BITS
  #places = new SubnetPlaces(1 << MIN_CAPACITY_BITS)
  // where `removeUpTo` continues
  #hand = 0

  // the address that was found last: a decision asks for the same address several times
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
    return this.#places.count
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
    const places = this.#places
    const last = places.count - 1
    const tag = this.#tag(word0, word1, word2, word3)
    let position = this.#home(tag)

    for (;;) {
      const found = places.tagAt(position)

      if (found === 0 || (found === tag && places.hasKey(position, word0, word1, word2, word3))) {
        return position
      }

      position = (position + 1) & last
    }
  }

  /**
   * The value at a position, or 0 if there is none
   */
  valueAt (position: number): number {
    return this.#places.valueAt(position)
  }

  /**
   * The count at a position, or 0 if there is none
   */
  countAt (position: number): number {
    return this.#places.countAt(position)
  }

  /**
   * Sets the value of the subnet of an address to one that is not 0
   *
   * @param position - what `find` answered for the address
   * @param ip - the address
   * @param value - the value
   */
  put (position: number, ip: IPAddress, value: number): void {
    const places = this.#places

    if (places.valueAt(position) === 0) {
      this.#valued++
    }

    places.setValue(position, value)

    if (places.tagAt(position) === 0) {
      this.#insert(position, ip)
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
    const places = this.#places

    places.setCount(position, count)

    if (places.tagAt(position) === 0) {
      this.#insert(position, ip)
    } else if (count === 0 && places.valueAt(position) === 0) {
      this.removeAt(position)
    }
  }

  /**
   * Takes all counts back
   */
  clearCounts (): void {
    for (let position = 0; position < this.capacity; position++) {
      this.#places.setCount(position, 0)
    }

    this.#rebuild(bitsFor(this.#valued))
  }

  /**
   * Takes all values back
   */
  clearValues (): void {
    let counted = 0

    for (let position = 0; position < this.capacity; position++) {
      this.#places.setValue(position, 0)
      counted += this.#places.countAt(position) === 0 ? 0 : 1
    }

    this.#valued = 0
    this.#rebuild(bitsFor(counted))
  }

  /**
   * Frees a position that is taken
   */
  removeAt (position: number): void {
    const places = this.#places
    const last = places.count - 1
    let hole = position

    if (places.valueAt(position) !== 0) {
      this.#valued--
    }

    // entries further along, whose position was taken, move back: a search must not end at a
    // hole
    for (let next = (hole + 1) & last; places.tagAt(next) !== 0; next = (next + 1) & last) {
      const home = this.#home(places.tagAt(next))

      if (((next - home) & last) >= ((next - hole) & last)) {
        places.copy(places, next, hole)
        hole = next
      }
    }

    places.free(hole)
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
   * Clears values up to a threshold, from where the last call stopped to the end of the table.
   *
   * @param threshold - the greatest value to clear
   * @param budget - how many places to check
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
        this.#places.setValue(this.#hand, 0)
        this.#valued--
        this.#hand++
      }
    }

    this.#hand = 0

    // not 0, which would say that the end was not reached
    return Math.max(budget, 1)
  }

  #insert (position: number, ip: IPAddress): void {
    const word0 = ip.word0 & this.#mask0
    const word1 = ip.word1 & this.#mask1
    const word2 = ip.word2 & this.#mask2
    const word3 = ip.word3 & this.#mask3

    this.#places.setKey(position, this.#tag(word0, word1, word2, word3), word0, word1, word2, word3)
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

  /**
   * Makes a table of another size of all that has a value or a count
   */
  #rebuild (capacityBits: number): void {
    const places = this.#places
    const rebuilt = new SubnetPlaces(1 << capacityBits)
    const last = rebuilt.count - 1

    this.#capacityBits = capacityBits
    this.#places = rebuilt
    this.#size = 0
    this.#hand = 0
    this.#lastIP = undefined

    for (let position = 0; position < places.count; position++) {
      if (places.valueAt(position) === 0 && places.countAt(position) === 0) {
        continue
      }

      let target = this.#home(places.tagAt(position))

      while (rebuilt.tagAt(target) !== 0) {
        target = (target + 1) & last
      }

      rebuilt.copy(places, position, target)
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
