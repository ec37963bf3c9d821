import { formatMemorySize } from '../limits/memory-size.ts'

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
