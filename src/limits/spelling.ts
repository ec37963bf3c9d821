import { isRecord } from './is-record.ts'
import type { Limit } from './limit.ts'

/**
 * How a configuration is written: as in TypeScript, or as in go-libp2p's files
 */
export interface Spelling {
  /**
   * What every path in a message begins with
   */
  root: string

  /**
   * The written form of a key
   */
  name(key: string): string

  /**
   * The number that is written in another way, or the value as it is
   */
  read?(value: unknown, field: keyof Limit): unknown

  /**
   * What is meant by something that is written where a key was expected
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

const DECIMAL_STRING = /^[+-]?\d+$/

/**
 * `System.StreamsInbound`. Files may hold memory as a decimal string, because not every
 * reader of JSON keeps integers of 64 bits, and big integers of TOML.
 */
export const FILE: Spelling = {
  root: '',
  name: fileKey,
  read: (value, field) => {
    const isNumber = typeof value === 'bigint' || (field === 'memory' && typeof value === 'string' && DECIMAL_STRING.test(value))

    return isNumber ? Number(value) : value
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
