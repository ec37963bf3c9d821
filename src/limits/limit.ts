/**
 * What a scope is checked against: the most it may hold of each resource.
 *
 * Every field is a whole number, or `Infinity` where nothing is refused. `0`
 * refuses every request.
 */
export interface Limit {
  /** How many streams, of both directions together */
  streams: number

  /** How many streams that remote peers have opened */
  streamsInbound: number

  /** How many streams that this node has opened */
  streamsOutbound: number

  /** How many connections, of both directions together */
  conns: number

  /** How many connections that remote peers have opened */
  connsInbound: number

  /** How many connections that this node has opened */
  connsOutbound: number

  /** How many file descriptors of connections */
  fd: number

  /** Reserved memory, in bytes */
  memory: number
}

/**
 * How a limit is written in a configuration:
 *
 * - a whole number: that many, and `0` is the same as `'blockAll'`
 * - `'unlimited'` (or `Infinity`): nothing is refused
 * - `'blockAll'`: everything is refused
 * - `'default'`: as if it had been left out
 */
export type LimitValue = number | 'default' | 'unlimited' | 'blockAll'

/**
 * A number with a unit, such as `'64MiB'` or `'1.5 GB'`, or a percentage of the memory that
 * the process may use; see `MemorySize`
 */
export type SizeText = `${number}${string}`

/**
 * The same fields, of which `memory` may be a size
 */
export type WithSizes<T> = { [K in keyof T]: K extends 'memory' ? T[K] | SizeText : T[K] }

/**
 * The limits of one scope as they are written in a configuration. A field that
 * is left out takes the default. `memory` may be a size such as `'64MiB'`.
 */
export type ResourceLimits = WithSizes<{ [K in keyof Limit]?: LimitValue }>

/**
 * The same, with every value written in one way
 */
export type ParsedLimits = { [K in keyof Limit]?: LimitValue }

/**
 * The fields of a limit, in the order in which they are printed and written
 */
export const LIMIT_FIELDS = [
  'streams',
  'streamsInbound',
  'streamsOutbound',
  'conns',
  'connsInbound',
  'connsOutbound',
  'fd',
  'memory'
] as const satisfies ReadonlyArray<keyof Limit>

/**
 * A limit with the same value in every field
 */
function uniform (value: number): Readonly<Limit> {
  return Object.freeze({
    streams: value,
    streamsInbound: value,
    streamsOutbound: value,
    conns: value,
    connsInbound: value,
    connsOutbound: value,
    fd: value,
    memory: value
  })
}

/**
 * The limit that refuses nothing
 */
export const UNLIMITED = uniform(Infinity)

/**
 * The limit that refuses everything
 */
export const BLOCK_ALL = uniform(0)
