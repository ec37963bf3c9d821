import { formatMemorySize } from '../limits/memory-size.ts'
import { formatBytes } from '../reporting/scope-state.ts'
import { printable } from '../util/printable.ts'

/**
 * A figure of limits, as people read it
 *
 * @param setting - the name of the field, or what ends with it, such as `System.Memory`
 * @param value - `Infinity` where there is no limit
 */
export function formatFigure (setting: string, value: number): string {
  if (value === Infinity) {
    return 'unlimited'
  }

  return /(?:^|\.)memory$/i.test(setting) ? formatMemorySize(value) : String(value)
}

/**
 * An amount of something that has a limit, as a server says it
 */
export function formatAmount (value: number | string, resource: string): string {
  return resource === 'memory' && typeof value === 'number' ? formatBytes(value) : printable(String(value))
}

/**
 * How full a limit is
 *
 * @param percent - `null` where nothing may be there
 */
export function formatPercent (percent: number | null): string {
  return percent == null ? 'blocked' : `${Math.round(percent)}%`
}
