import { IPAddress } from './ip-address.ts'

const CODE_DOT = 0x2e
const CODE_SLASH = 0x2f
const CODE_ZERO = 0x30
const CODE_COLON = 0x3a
const CODE_A = 0x61
const CODE_PERCENT = 0x25
const IPV6_GROUPS = 8

/**
 * What there is where an address does not end
 */
const NOT_AN_ADDRESS = -1

/**
 * The address that was read last: always the same arrays, because every connection reads an
 * address
 */
const groups = new Uint16Array(IPV6_GROUPS)
const ipv4 = new Int32Array(1)

/**
 * Reads an address such as `1.2.3.4`, `2001:db8::1` or `fe80::1%eth0`, whose
 * zone is ignored. Answers `undefined` when the text is anything else.
 */
export function parseIP (text: string): IPAddress | undefined {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text)
}

function parseIPv4 (text: string): IPAddress | undefined {
  return readIPv4(text, 0) === text.length ? lastIPv4() : undefined
}

export function parseIPv6 (text: string): IPAddress | undefined {
  const end = readIPv6(text, 0)

  return end === text.length || text.charCodeAt(end) === CODE_PERCENT ? lastIPv6() : undefined
}

/**
 * Reads the IPv4 or IPv6 address that begins somewhere in the text of a multiaddr
 *
 * @returns Where it ends, or -1 if there is none. `lastIPv4` and `lastIPv6` answer what was read.
 */
export function readPart (text: string, start: number, version: 4 | 6): number {
  const end = version === 4 ? readIPv4(text, start) : readIPv6(text, start)

  if (end === text.length || text.charCodeAt(end) === CODE_SLASH) {
    return end
  }

  if (version === 4 || text.charCodeAt(end) !== CODE_PERCENT) {
    return NOT_AN_ADDRESS
  }

  const slash = text.indexOf('/', end)

  return slash === -1 ? text.length : slash
}

/**
 * The IPv4 address that was read last
 */
export function lastIPv4 (): IPAddress {
  return new IPAddress(4, ipv4[0], 0, 0, 0)
}

/**
 * The IPv6 address that was read last
 */
export function lastIPv6 (): IPAddress {
  const word0 = groups[0] << 16 | groups[1]
  const word1 = groups[2] << 16 | groups[3]
  const word2 = groups[4] << 16 | groups[5]

  const word3 = groups[6] << 16 | groups[7]

  return word0 === 0 && word1 === 0 && word2 === 0xffff ? new IPAddress(4, word3, 0, 0, 0) : new IPAddress(6, word0, word1, word2, word3)
}

/**
 * Reads four numbers with dots between them, if they are there
 *
 * @returns Where they end, or -1 if there are none
 */
function readIPv4 (text: string, start: number): number {
  const { length } = text
  let word = 0
  let octet = 0
  let digits = 0
  let dots = 0
  let i = start

  for (; i < length; i++) {
    const code = text.charCodeAt(i)
    const digit = code - CODE_ZERO

    if (digit >= 0 && digit <= 9) {
      // a leading zero is refused: some read what follows as octal, some do not
      if (digits > 0 && octet === 0) {
        return NOT_AN_ADDRESS
      }

      octet = octet * 10 + digit
      digits++

      if (octet > 0xff) {
        return NOT_AN_ADDRESS
      }
    } else if (code === CODE_DOT && digits > 0 && dots < 3) {
      word = word << 8 | octet
      octet = 0
      digits = 0
      dots++
    } else {
      break
    }
  }

  if (dots !== 3 || digits === 0) {
    return NOT_AN_ADDRESS
  }

  ipv4[0] = word << 8 | octet

  return i
}

/**
 * Reads the eight groups of an IPv6 address, if they are there
 *
 * @returns Where they end, or -1 if there are none
 */
function readIPv6 (text: string, begin: number): number {
  const { length } = text
  let count = 0
  let gap = -1
  let i = begin

  if (text.charCodeAt(i) === CODE_COLON) {
    if (text.charCodeAt(i + 1) !== CODE_COLON) {
      return NOT_AN_ADDRESS
    }

    gap = 0
    i += 2
  }

  for (;;) {
    const start = i
    let group = 0
    let code = 0

    for (; i < length; i++) {
      code = text.charCodeAt(i)

      const digit = hexDigit(code)

      if (digit === -1) {
        break
      }

      group = group << 4 | digit
    }

    if (i < length && code === CODE_DOT) {
      return readEnd(text, start, count, gap)
    }

    if (i === start) {
      // nothing follows but what may follow a gap
      return gap === count && fillGap(count, gap) ? i : NOT_AN_ADDRESS
    }

    if (i - start > 4 || count === IPV6_GROUPS) {
      return NOT_AN_ADDRESS
    }

    groups[count++] = group

    if (i === length || code !== CODE_COLON) {
      return fillGap(count, gap) ? i : NOT_AN_ADDRESS
    }

    i++

    if (text.charCodeAt(i) === CODE_COLON) {
      if (gap !== -1) {
        return NOT_AN_ADDRESS
      }

      gap = count
      i++
    }
  }
}

/**
 * Reads the last two groups of an IPv6 address that are written as an IPv4 address
 *
 * @returns Where they end, or -1 if they do not
 */
function readEnd (text: string, start: number, count: number, gap: number): number {
  const end = count > IPV6_GROUPS - 2 ? NOT_AN_ADDRESS : readIPv4(text, start)

  groups[count] = ipv4[0] >>> 16
  groups[count + 1] = ipv4[0]

  return end !== NOT_AN_ADDRESS && fillGap(count + 2, gap) ? end : NOT_AN_ADDRESS
}

/**
 * Puts the zeros back that `::` stands for, which are at least one group
 */
function fillGap (count: number, gap: number): boolean {
  if (gap === -1) {
    return count === IPV6_GROUPS
  }

  const missing = IPV6_GROUPS - count

  if (missing < 1) {
    return false
  }

  // loops, because the built-in functions take longer for so few
  for (let i = count - 1; i >= gap; i--) {
    groups[i + missing] = groups[i]
  }

  for (let i = gap; i < gap + missing; i++) {
    groups[i] = 0
  }

  return true
}

function hexDigit (code: number): number {
  const digit = code - CODE_ZERO

  if (digit >= 0 && digit <= 9) {
    return digit
  }

  // the bit that upper and lower case letters differ in
  const letter = (code | 0x20) - CODE_A

  return letter >= 0 && letter < 6 ? letter + 10 : -1
}
