import fc from 'fast-check'
import { makeConcrete } from '../../src/limits/concrete-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from '../../src/limits/limit-config.ts'
import { LIMIT_FIELDS } from '../../src/limits/limit.ts'
import type { ConcreteLimitConfig, NamedKey, PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { Limit, LimitValue, ResourceLimits } from '../../src/limits/limit.ts'
import type { Arbitrary } from 'fast-check'

export const PEER_A = '12D3KooWPFH2Bx2tPfw6RLxN8k2wh47GRXgkt9yrAHU37zFwHWzS'
export const PEER_B = 'QmQZ7NZKJ2boYAzbiQiA5NkRgpDv3rQwYMVsqESb9wkMhe'

/**
 * Names that are also members of objects, look like numbers, or need quotes
 */
const NAMES = ['libp2p.identify', '/ipfs/id/1.0.0', 'a', '', '10', '9', '__proto__', 'constructor', 'toString', '<&>"\\\n', '\u2028']

const amount = fc.oneof(
  fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER),
  fc.nat(),
  fc.maxSafeNat()
)

export const limitValue: Arbitrary<LimitValue> = fc.oneof(
  amount,
  fc.constantFrom<LimitValue>('default', 'unlimited', 'blockAll', Infinity)
)

export const resourceLimits: Arbitrary<ResourceLimits> = fc.record(
  Object.fromEntries(LIMIT_FIELDS.map(field => [field, limitValue])),
  { requiredKeys: [] }
)

export const limit: Arbitrary<Limit> = fc.record(
  Object.fromEntries(LIMIT_FIELDS.map(field => [field, fc.oneof(amount, fc.constant(Infinity))])) as Record<keyof Limit, Arbitrary<number>>
)

function entries <T> (key: NamedKey, value: Arbitrary<T>): Arbitrary<Record<string, T>> {
  const name = key === 'peer' ? fc.constantFrom(PEER_A, PEER_B) : fc.constantFrom(...NAMES)

  return fc.dictionary(name, value, { maxKeys: 4 })
}

export const partialLimits: Arbitrary<PartialLimitConfig> = fc.record(
  Object.fromEntries([
    ...SCOPE_KEYS.map(key => [key, resourceLimits] as const),
    ...NAMED_KEYS.map(key => [key, entries(key, resourceLimits)] as const)
  ]),
  { requiredKeys: [] }
)

export const concreteLimits: Arbitrary<ConcreteLimitConfig> = fc.record<any>(
  Object.fromEntries([
    ...SCOPE_KEYS.map(key => [key, limit] as const),
    ...NAMED_KEYS.map(key => [key, entries(key, limit)] as const)
  ])
).map((config: any) => makeConcrete(key => config[key], key => config[key]))
