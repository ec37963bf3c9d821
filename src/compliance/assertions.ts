import type { PartialLimitConfig } from '../limits/limit-config.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

export const DIRECTIONS: MessageStreamDirection[] = ['inbound', 'outbound']
export const PROTOCOL = '/compliance/1.0.0'
export const SERVICE = 'compliance'
export const NONE: PartialLimitConfig = {}

export function assert (condition: boolean, expected: string): asserts condition {
  if (!condition) {
    throw new Error(`expected ${expected}`)
  }
}

export function assertEqual (actual: unknown, expected: unknown, what: string): void {
  assert(actual === expected, `${what} to be ${String(expected)}, got ${String(actual)}`)
}

export function assertRefuses (fn: () => unknown, what: string): void {
  let err: any

  try {
    fn()
  } catch (thrown) {
    err = thrown
  }

  assert(err instanceof Error, `${what} to be refused with an error`)
  assert(err.message !== '', `the error for ${what} to say why`)
}
