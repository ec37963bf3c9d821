import { invalid } from '../util/validation.ts'

/**
 * How much is transferred in a second: a number of bit/s, a text such as `'10MB/s'` (bytes),
 * `'80Mbit/s'` or `'80Mbps'` (bits), or `'unlimited'`. `k`, `M`, `G` and `T` are powers of
 * 1000, `Ki`, `Mi`, `Gi` and `Ti` powers of 1024. A value of 0 or less means no limit.
 */
export type Bitrate = number | string

const RATE = /^(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)(B|b|bit)(?:\/s|ps)$/
const PREFIXES = ['', 'k', 'm', 'g', 't']
const BITS_PER_BYTE = 8

function toBits (text: string): number {
  const [, digits, prefix, binary, unit] = RATE.exec(text.trim()) ?? []

  if (unit == null || (binary !== '' && prefix === '')) {
    return NaN
  }

  const factor = (binary === '' ? 1000 : 1024) ** PREFIXES.indexOf(prefix.toLowerCase())

  return Number(digits) * factor * (unit === 'B' ? BITS_PER_BYTE : 1)
}

/**
 * @param field - how errors call it
 * @param bitrate - what was configured
 * @returns bit/s, or 0 where there is no limit
 * @throws {InvalidParametersError} if it is no bit rate
 */
export function readBitrate (field: string, bitrate: Bitrate): number {
  if (bitrate === 'unlimited') {
    return 0
  }

  const bits = typeof bitrate === 'string' ? toBits(bitrate) : bitrate

  if (!Number.isFinite(bits)) {
    throw invalid(field, typeof bitrate === 'number' ? 'a number of bit/s' : 'a number of bit/s, a text such as "10MB/s" or "80Mbit/s", or "unlimited"', bitrate)
  }

  return Math.max(0, bits)
}
