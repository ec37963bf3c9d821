import { Problems, join } from '../util/problems.ts'
import { isRecord } from '../util/validation.ts'
import { withText } from './config-text.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { checkKeys, parseNamed } from './parse-limits.ts'
import { TYPESCRIPT } from './spelling.ts'
import type { ConcreteLimitConfig } from './limit-config.ts'
import type { Limit } from './limit.ts'

/**
 * A copy of a limit that nobody can change, with fields in the usual order
 */
export function freezeLimit (limit: Limit): Limit {
  return Object.freeze({
    streams: limit.streams,
    streamsInbound: limit.streamsInbound,
    streamsOutbound: limit.streamsOutbound,
    conns: limit.conns,
    connsInbound: limit.connsInbound,
    connsOutbound: limit.connsOutbound,
    fd: limit.fd,
    memory: limit.memory
  })
}

/**
 * Makes a configuration out of a limit for every kind of scope and every name. The result
 * cannot be changed.
 */
export function makeConcrete (
  scope: (key: typeof SCOPE_KEYS[number]) => Limit,
  named: (key: typeof NAMED_KEYS[number]) => Record<string, Limit>
): ConcreteLimitConfig {
  const config: Partial<ConcreteLimitConfig> = {}

  for (const key of SCOPE_KEYS) {
    config[key] = freezeLimit(scope(key))
  }

  for (const key of NAMED_KEYS) {
    const entries: Record<string, Limit> = Object.create(null)

    for (const [name, limit] of Object.entries(named(key))) {
      entries[name] = freezeLimit(limit)
    }

    config[key] = Object.freeze(entries)
  }

  return Object.freeze(withText(config)) as ConcreteLimitConfig
}

function hasEveryField (value: unknown): boolean {
  return isRecord(value) && LIMIT_FIELDS.every(field => typeof value[field] === 'number')
}

/**
 * True if nothing in a configuration is left to defaults: every kind of scope is
 * there with a number in each field, and so are the maps of named entries. The
 * numbers may still be invalid.
 */
export function isConcreteLimitConfig (value: unknown): value is ConcreteLimitConfig {
  return isRecord(value) &&
    SCOPE_KEYS.every(key => hasEveryField(value[key])) &&
    NAMED_KEYS.every(key => {
      const entries = value[key]

      return isRecord(entries) && Object.values(entries).every(hasEveryField)
    })
}

function checkLimit (value: unknown, path: string, problems: Problems): Limit {
  if (!isRecord(value)) {
    problems.add(path, 'a limit', value)
    return value as any
  }

  for (const field of LIMIT_FIELDS) {
    const amount = value[field]

    if (amount !== Infinity && !(Number.isSafeInteger(amount) && Number(amount) >= 0)) {
      problems.add(join(path, field), 'a whole number from 0 to 2^53-1, or Infinity', amount)
    }
  }

  return value as any
}

/**
 * Checks that a limit has all eight fields, each a whole number or Infinity
 *
 * @param limit - what to check
 * @param path - where the limit came from, for the message
 * @returns a copy that cannot be changed
 * @throws {InvalidParametersError} listing every field that is wrong
 */
export function validateLimit (limit: Limit, path = 'limit'): Limit {
  const problems = new Problems('invalid limit')

  checkLimit(limit, path, problems)
  problems.throwIfAny()

  return freezeLimit(limit)
}

/**
 * Checks a concrete configuration that was written by hand
 *
 * @param config - what to check
 * @param path - what the paths in the message begin with
 * @returns a copy that cannot be changed, peer ids in their usual form
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function validateConcreteLimits (config: ConcreteLimitConfig, path = 'limits'): ConcreteLimitConfig {
  const problems = new Problems('invalid limits')
  const value: unknown = config

  if (!isRecord(value)) {
    problems.add(path, 'an object with limits', value)
    problems.throwIfAny()
    return config
  }

  checkKeys(value, [...SCOPE_KEYS, ...NAMED_KEYS], path, TYPESCRIPT, problems)

  for (const key of SCOPE_KEYS) {
    checkLimit(value[key], join(path, key), problems)
  }

  const named: Record<string, Record<string, Limit>> = {}

  for (const key of NAMED_KEYS) {
    named[key] = parseNamed(key, value[key], join(path, key), problems, (entry, path) => checkLimit(entry, path, problems))
  }

  problems.throwIfAny()

  return makeConcrete(key => config[key], key => named[key])
}

/**
 * Whether the limits of peers, and of their shares of protocols and services, are the same in
 * both
 */
export function isSameForPeers (a: ConcreteLimitConfig, b: ConcreteLimitConfig): boolean {
  return textOf(a) === textOf(b)
}

function textOf ({ peer, peerDefault, protocolPeer, protocolPeerDefault, servicePeer, servicePeerDefault }: ConcreteLimitConfig): string {
  // no limit is null: unlimited is Infinity, which is written as null
  return JSON.stringify([peer, peerDefault, protocolPeer, protocolPeerDefault, servicePeer, servicePeerDefault])
}
