import type { SharedLimit } from './limit-cap.ts'

/**
 * What a fleet has of a limit: `relays: 28 of 30, 1.2 s ago`, without a time where nothing is known
 * of the others
 */
export function sharedText ({ age, held, limit, name }: SharedLimit, format: (amount: number) => string = String): string {
  return `${name}: ${format(held)} of ${format(limit)}${age === Infinity ? '' : `, ${(age / 1_000).toFixed(1)} s ago`}`
}
