import type { ScopeStat } from './resource-scope.ts'
import type { Limit } from '../limits/limit.ts'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/**
 * Prints bytes for people: `0 B`, `1.5 MiB`
 */
export function formatBytes (bytes: number): string {
  let unit = 0

  while (bytes >= 1024 && unit < UNITS.length - 1) {
    bytes /= 1024
    unit++
  }

  return `${Number.isInteger(bytes) ? bytes : bytes.toFixed(1)} ${UNITS[unit]}`
}

function of (used: number, limit: number, format: (value: number) => string = String): string {
  return `${format(used)} of ${limit === Infinity ? 'unlimited' : format(limit)}`
}

/**
 * One line for people: what a scope holds of what it may hold
 */
export function scopeState (name: string, stat: ScopeStat, limit: Readonly<Limit>): string {
  return `${name}: ` + [
    `memory ${of(stat.memory, limit.memory, formatBytes)}`,
    `streams ${of(stat.numStreamsInbound + stat.numStreamsOutbound, limit.streams)} (inbound ${of(stat.numStreamsInbound, limit.streamsInbound)}, outbound ${of(stat.numStreamsOutbound, limit.streamsOutbound)})`,
    `connections ${of(stat.numConnsInbound + stat.numConnsOutbound, limit.conns)} (inbound ${of(stat.numConnsInbound, limit.connsInbound)}, outbound ${of(stat.numConnsOutbound, limit.connsOutbound)})`,
    `file descriptors ${of(stat.numFD, limit.fd)}`
  ].join(', ')
}
