import { isRecord } from '../util/validation.ts'

/**
 * How a configuration is written: as in TypeScript, or as in go-libp2p's files
 */
export interface Spelling {
  /**
   * The beginning of every path in a message
   */
  root: string

  /**
   * The written form of a key
   */
  name(key: string): string

  /**
   * The number, if it is written in another way, or the value as it is
   */
  read?(value: unknown): unknown

  /**
   * What was probably meant by something that is no key
   *
   * @param path - where it was found
   * @param value - what it is the key of
   */
  hint?(path: string, value: unknown): string | undefined
}

/**
 * `limits.system.streamsInbound`
 */
export const TYPESCRIPT: Spelling = {
  root: 'limits',
  name: (key) => key
}

/**
 * A key as go-libp2p's files have it, such as `StreamsInbound`
 */
export function fileKey (key: string): string {
  return key === 'fd' ? 'FD' : `${key.charAt(0).toUpperCase()}${key.slice(1)}`
}

/**
 * A text without the byte order mark that some editors put first
 */
export function withoutMark (text: string): string {
  return typeof text === 'string' ? text.replace(/^\uFEFF/, '') : text
}

const DECIMAL_STRING = /^[+-]?\d+$/

/**
 * The numbers that go-libp2p's files have for unlimited and blockAll
 */
const GO_NUMBERS = new Map<unknown, number>([[-1, Infinity], [-2, 0]])

/**
 * `System.StreamsInbound`. Files may hold numbers as decimal strings, because not every
 * reader of JSON keeps integers of 64 bits, and big integers of TOML.
 */
export const FILE: Spelling = {
  root: '',
  name: fileKey,
  read: (value) => {
    const isNumber = typeof value === 'bigint' || (typeof value === 'string' && DECIMAL_STRING.test(value))
    const amount = isNumber ? Number(value) : value

    return GO_NUMBERS.get(amount) ?? amount
  }
}

/**
 * `Service.libp2p`, where a section has the first part of a name
 */
const SPLIT_NAME = /^\w+\.\w+$/

/**
 * In TOML the dots of a name lead to other tables, unless it is in quotes
 */
export const TOML: Spelling = {
  ...FILE,
  hint: (path, value) => SPLIT_NAME.test(path) && isRecord(value) ? 'a name with dots is written in quotes, [Service."a.b"]' : undefined
}
