import fc from 'fast-check'
import { LIMIT_FIELDS } from '../../src/limits/limit.ts'
import { peerA, peerB, peerC } from './fixtures.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { Limit, LimitValue, ResourceLimits } from '../../src/limits/limit.ts'
import type { MessageStreamDirection } from '@libp2p/interface'
import type { Arbitrary } from 'fast-check'

/*
 * What the property tests do to a resource manager, as plain data so that a
 * failing sequence is printed as what it is
 */

export const PEERS = new Map([peerA, peerB, peerC].map(peer => [`peer:${peer}`, peer]))
const PROTOCOLS = ['protocol:/a', 'protocol:__proto__']
const SERVICES = ['service:alpha', 'service:constructor']
const SHARED = ['system', 'transient', ...SERVICES, ...PROTOCOLS, ...PEERS.keys()]

/**
 * A shared scope by its name, or one of those that have been opened by then
 */
export type Target = { shared: string } | { opened: number }

export type Operation =
  { type: 'openConnection', direction: MessageStreamDirection, usefd: boolean } |
  { type: 'openStream', peer: string, direction: MessageStreamDirection } |
  { type: 'openService', service: string } |
  { type: 'beginSpan', target: Target } |
  { type: 'setPeer', conn: number, peer: string } |
  { type: 'setProtocol', stream: number, protocol: string } |
  { type: 'setService', movable: number, service: string } |
  { type: 'reserveStream' | 'releaseStream', service: number, direction: MessageStreamDirection } |
  { type: 'reserveConnection' | 'releaseConnection', service: number, direction: MessageStreamDirection, usefd: boolean } |
  { type: 'reserveMemory', target: Target, size: number, priority?: number } |
  { type: 'releaseMemory', target: Target, size: number } |
  { type: 'setLimit', target: Target, limits: ResourceLimits } |
  { type: 'setLimits', limits: Map<string, Limit> } |
  { type: 'release', opened: number } |
  { type: 'done', opened: number } |
  { type: 'view', shared: string } |
  { type: 'endView', view: number, fails: boolean } |
  { type: 'gc' }

const direction = fc.constantFrom<MessageStreamDirection>('inbound', 'outbound')
const usefd = fc.boolean()
const peer = fc.constantFrom(...PEERS.keys())
const protocol = fc.constantFrom(...PROTOCOLS)
const service = fc.constantFrom(...SERVICES)
const shared = fc.constantFrom(...SHARED)

/**
 * Which of those that there are then, modulo their number and counted from the
 * one that was opened last
 */
const pick = fc.nat(7)

const target: Arbitrary<Target> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ opened: pick }) },
  { weight: 1, arbitrary: fc.record({ shared }) }
)

const priority = fc.oneof(
  fc.constantFrom(undefined, 101, 152, 203, 255),
  fc.nat(255)
)

const size = fc.nat(100)

function amount (max: number): Arbitrary<number> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(Infinity) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max }) },
    { weight: 1, arbitrary: fc.nat(max) }
  )
}

function limitOf (count: number, memory: number): Arbitrary<Limit> {
  return fc.record(Object.fromEntries(LIMIT_FIELDS.map(field => [field, amount(field === 'memory' ? memory : count)])) as Record<keyof Limit, Arbitrary<number>>)
}

const limitValue: Arbitrary<LimitValue> = fc.oneof(fc.nat(5), fc.integer({ min: 50, max: 200 }), fc.constantFrom<LimitValue>('default', 'unlimited', 'blockAll'))

const resourceLimits: Arbitrary<ResourceLimits> = fc.record(
  Object.fromEntries(LIMIT_FIELDS.map(field => [field, limitValue])),
  { requiredKeys: [] }
)

function operation <T extends Operation['type']> (type: T, fields: Record<string, Arbitrary<unknown>> = {}): Arbitrary<Operation> {
  return fc.record({ type: fc.constant(type), ...fields }) as Arbitrary<any>
}

/**
 * Limits for every scope that the operations can reach, so small that about half
 * of them are refused. Those of the shares of a protocol or service are at its
 * name with `.peer` behind it.
 */
export const limitTable: Arbitrary<Map<string, Limit>> = fc.tuple(
  ...['system', 'transient'].map(scope => limitOf(8, 400).map(limit => [scope, limit] as const)),
  ...['conn', 'stream'].map(scope => limitOf(2, 200).map(limit => [scope, limit] as const)),
  ...[...SERVICES, ...PROTOCOLS].flatMap(scope => [scope, `${scope}.peer`]).map(scope => limitOf(5, 300).map(limit => [scope, limit] as const)),
  ...[...PEERS.keys()].map(scope => limitOf(5, 300).map(limit => [scope, limit] as const))
).map(entries => new Map(entries))

/**
 * Opening is more frequent than closing, so that something is there to work with
 */
export const operations: Arbitrary<Operation[]> = fc.array(fc.oneof(
  { weight: 5, arbitrary: operation('openConnection', { direction, usefd }) },
  { weight: 6, arbitrary: operation('openStream', { peer, direction }) },
  { weight: 2, arbitrary: operation('openService', { service }) },
  { weight: 5, arbitrary: operation('beginSpan', { target }) },
  { weight: 6, arbitrary: operation('setPeer', { conn: pick, peer }) },
  { weight: 7, arbitrary: operation('setProtocol', { stream: pick, protocol }) },
  { weight: 9, arbitrary: operation('setService', { movable: pick, service }) },
  { weight: 3, arbitrary: operation('reserveStream', { service: pick, direction }) },
  { weight: 2, arbitrary: operation('releaseStream', { service: pick, direction }) },
  { weight: 3, arbitrary: operation('reserveConnection', { service: pick, direction, usefd }) },
  { weight: 2, arbitrary: operation('releaseConnection', { service: pick, direction, usefd }) },
  { weight: 8, arbitrary: operation('reserveMemory', { target, size, priority }) },
  { weight: 3, arbitrary: operation('releaseMemory', { target, size }) },
  { weight: 1, arbitrary: operation('setLimit', { target, limits: resourceLimits }) },
  { weight: 1, arbitrary: operation('setLimits', { limits: limitTable }) },
  { weight: 1, arbitrary: operation('release', { opened: pick }) },
  { weight: 2, arbitrary: operation('done', { opened: pick }) },
  { weight: 1, arbitrary: operation('view', { shared }) },
  { weight: 1, arbitrary: operation('endView', { view: pick, fails: fc.boolean() }) },
  { weight: 1, arbitrary: operation('gc') }
), { maxLength: 80, size: 'max' })

/**
 * The same limits as a configuration
 */
export function toConfig (table: Map<string, Limit>): PartialLimitConfig {
  const named = (scopes: Iterable<string>, suffix = ''): Record<string, ResourceLimits> => Object.fromEntries(
    Array.from(scopes, scope => [scope.slice(scope.indexOf(':') + 1), table.get(scope + suffix) as Limit])
  )

  return {
    system: table.get('system'),
    transient: table.get('transient'),
    conn: table.get('conn'),
    stream: table.get('stream'),
    service: named(SERVICES),
    servicePeer: named(SERVICES, '.peer'),
    protocol: named(PROTOCOLS),
    protocolPeer: named(PROTOCOLS, '.peer'),
    peer: named(PEERS.keys())
  }
}
