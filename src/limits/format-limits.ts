import { join } from '../util/problems.ts'
import { validateConcreteLimits } from './concrete-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { formatMemorySize } from './memory-size.ts'
import type { ConcreteLimitConfig } from './limit-config.ts'
import type { Limit } from './limit.ts'

const COLUMNS = ['', 'streams', 'in', 'out', 'conns', 'in', 'out', 'fd', 'memory']

function formatNumber (value: number): string {
  return value === Infinity ? 'unlimited' : String(value)
}

function row (name: string, limit: Limit): string[] {
  return [
    name,
    formatNumber(limit.streams),
    formatNumber(limit.streamsInbound),
    formatNumber(limit.streamsOutbound),
    formatNumber(limit.conns),
    formatNumber(limit.connsInbound),
    formatNumber(limit.connsOutbound),
    formatNumber(limit.fd),
    limit.memory === Infinity ? 'unlimited' : formatMemorySize(limit.memory)
  ]
}

/**
 * Prints the limits that are in force as a table for people: one line for every
 * kind of scope, then one for every named entry
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function limitsToString (config: ConcreteLimitConfig): string {
  const limits = validateConcreteLimits(config)
  const rows = [COLUMNS]

  for (const key of SCOPE_KEYS) {
    rows.push(row(key, limits[key]))
  }

  for (const key of NAMED_KEYS) {
    for (const name of Object.keys(limits[key]).sort()) {
      rows.push(row(join(key, name), limits[key][name]))
    }
  }

  const widths = COLUMNS.map((_, column) => Math.max(...rows.map(row => row[column].length)))

  return rows.map(row => {
    // names to the left, numbers to the right
    return row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join('  ')
  }).join('\n')
}
