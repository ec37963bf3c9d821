import { Rule } from '../scopes/refusal.ts'
import type { Refused } from './what-if-graph.ts'

/**
 * Whether it is the limit of a scope that does not fit, and not one by address, of a rate or
 * the like
 */
export function isOfScope ({ refuser }: Refused): boolean {
  return !(refuser instanceof Rule)
}
