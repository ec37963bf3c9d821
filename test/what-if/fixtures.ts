import type { Operation } from '../scopes/operations.ts'

/**
 * Operations that leave limits alone: those of a single scope are in no trace
 */
export function withoutChanges (operations: Operation[]): Operation[] {
  return operations.filter(({ type }) => type !== 'setLimit' && type !== 'setLimits')
}

/**
 * Text as a file would come, in pieces
 */
export async function * bytesOf (text: string | Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text

  for (let start = 0; start < bytes.byteLength; start += size) {
    yield bytes.subarray(start, start + size)
  }
}

interface Counted {
  kind: string
  resource: string
  direction?: string
  count: number
}

/**
 * How much was refused, by the kind of what refused
 */
export function sumUp (refusals: readonly Counted[]): Record<string, number> {
  const sums: Record<string, number> = {}

  for (const { count, direction, kind, resource } of refusals) {
    const key = `${kind} ${resource} ${direction}`

    sums[key] = (sums[key] ?? 0) + count
  }

  return sums
}
