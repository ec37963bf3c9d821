import { printable } from '../../util/printable.ts'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
const BIT_UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']

function scaled (value: number, step: number, units: string[]): string {
  let unit = 0

  while (value >= step && unit < units.length - 1) {
    value /= step
    unit++
  }

  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

export function bytes (value: number): string {
  return scaled(value, 1024, UNITS)
}

export function bitrate (value: number): string {
  return scaled(value, 1000, BIT_UNITS)
}

export function count (value: number): string {
  return Math.round(value).toLocaleString('en')
}

/**
 * @param share - 1 is all of it, `null` more than there may be of what may not be there
 */
export function percent (share: number | null): string {
  return share == null ? 'blocked' : `${Math.round(share * 100)}%`
}

export function plural (value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

export function time (ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB')
}

/**
 * With the date where that is not today
 */
export function day (ms: number): string {
  const date = new Date(ms)

  return date.toDateString() === new Date().toDateString() ? time(ms) : `${date.toLocaleDateString('en-CA')} ${time(ms)}`
}

const MAX_ID_LENGTH = 20

/**
 * The ends of a peer id tell it apart. In scopes, too: `protocol:/a.peer:12D3KooW…`
 */
export function shortened (text: string): string {
  return printable(text).replace(/[\w-]{40,}/g, id => `${id.slice(0, 8)}…${id.slice(-(MAX_ID_LENGTH - 9))}`)
}

export { printable }
