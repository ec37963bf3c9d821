/**
 * An IP address as numbers, so that it can be compared, masked and looked up
 * without allocating anything.
 *
 * An IPv6 address that stands for an IPv4 address (`::ffff:1.2.3.4`) is that
 * IPv4 address: a dual-stack socket reports IPv4 peers that way, and a second
 * way of writing an address must not be a way around its limits.
 */
export class IPAddress {
  readonly version: 4 | 6

  /**
   * The address in words of 32 bits, the first one first. They are signed,
   * because V8 stores signed 32 bit integers without boxing them. An IPv4
   * address has one word, the others are 0.
   */
  readonly word0: number
  readonly word1: number
  readonly word2: number
  readonly word3: number

  constructor (version: 4 | 6, word0: number, word1: number, word2: number, word3: number) {
    this.version = version
    this.word0 = word0
    this.word1 = word1
    this.word2 = word2
    this.word3 = word3
  }

  /**
   * The number of bits of an address of this version
   */
  get bits (): 32 | 128 {
    return this.version === 4 ? 32 : 128
  }

  equals (other: IPAddress): boolean {
    return this.version === other.version &&
      this.word0 === other.word0 &&
      this.word1 === other.word1 &&
      this.word2 === other.word2 &&
      this.word3 === other.word3
  }

  /**
   * The address as RFC 5952 wants it written, such as `1.2.3.4` or `2001:db8::1`
   */
  toString (): string {
    return this.version === 4
      ? ipv4ToString(this.word0)
      : ipv6ToString([this.word0, this.word1, this.word2, this.word3])
  }
}

function ipv4ToString (word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`
}

function ipv6ToString (words: number[]): string {
  const groups = words.flatMap(word => [word >>> 16, word & 0xffff])
  let gap = 0
  let gapLength = 0

  for (let start = 0; start < groups.length; start++) {
    let length = 0

    while (start + length < groups.length && groups[start + length] === 0) {
      length++
    }

    if (length > gapLength) {
      gap = start
      gapLength = length
    }
  }

  const text = groups.map(group => group.toString(16))

  // a single group of zeros is not shortened
  if (gapLength < 2) {
    return text.join(':')
  }

  return `${text.slice(0, gap).join(':')}::${text.slice(gap + gapLength).join(':')}`
}
