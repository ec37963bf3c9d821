import { join } from '../util/problems.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { fileKey } from './spelling.ts'
import type { NamedKey, ScopeKey } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { ConcreteLimiter } from './limiter.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Where something is configured: the keys that lead to it from the options of the
 * resource manager, such as `['limits', 'system', 'connsInbound']`
 */
export type SettingPath = readonly string[]

/**
 * The part of the limits that a scope gets its own from: the entry for its name, or one
 * with a `*`, where there is one, and else what is for all of its kind
 *
 * @param limiter - the limits in force
 * @param kind - the kind of the scope
 * @param name - the name of the service, the protocol or the peer id
 */
export function limitPath (limiter: ConcreteLimiter, kind: string, name: string): SettingPath | undefined {
  if (NAMED_KEYS.includes(kind as NamedKey)) {
    const entry = limiter.entryOf(kind as NamedKey, name)

    return entry === undefined ? ['limits', `${kind}Default`] : ['limits', kind, entry]
  }

  return SCOPE_KEYS.includes(kind as ScopeKey) ? ['limits', kind] : undefined
}

const FIELDS = {
  stream: { inbound: 'streamsInbound', outbound: 'streamsOutbound', total: 'streams' },
  connection: { inbound: 'connsInbound', outbound: 'connsOutbound', total: 'conns' },
  fd: { inbound: 'fd', outbound: 'fd', total: 'fd' },
  memory: { inbound: 'memory', outbound: 'memory', total: 'memory' }
} as const satisfies Record<string, Record<MessageStreamDirection | 'total', keyof Limit>>

/**
 * The field of a limit that is for a resource
 */
export function limitField (resource: keyof typeof FIELDS, direction?: MessageStreamDirection): keyof Limit {
  return FIELDS[resource][direction ?? 'total']
}

/**
 * A setting as users write it: limits as in go-libp2p's files, such as
 * `System.ConnsInbound` or `Protocol["/a/1.0.0"].Streams`, and other options as they
 * are called in TypeScript, such as `subnetLimits.ipv4`
 */
export function formatSetting (path: SettingPath): string {
  if (path[0] !== 'limits') {
    return path.reduce(join)
  }

  const [, key, ...rest] = path
  const field = rest.pop() as keyof Limit

  return [fileKey(key), ...rest, fileKey(field)].reduce(join)
}
