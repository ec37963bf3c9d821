import { NOTHING, statOf } from '../scopes/usage.ts'
import { printable } from '../util/printable.ts'
import type { Limit } from '../limits/limit.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'

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
  return `${printable(name)}: ` + [
    `memory ${of(stat.memory, limit.memory, formatBytes)}`,
    `streams ${of(stat.numStreamsInbound + stat.numStreamsOutbound, limit.streams)} (inbound ${of(stat.numStreamsInbound, limit.streamsInbound)}, outbound ${of(stat.numStreamsOutbound, limit.streamsOutbound)})`,
    `connections ${of(stat.numConnsInbound + stat.numConnsOutbound, limit.conns)} (inbound ${of(stat.numConnsInbound, limit.connsInbound)}, outbound ${of(stat.numConnsOutbound, limit.connsOutbound)})`,
    `file descriptors ${of(stat.numFD, limit.fd)}`
  ].join(', ')
}

/**
 * What all of the node holds
 */
export function systemState ({ normal: { system } }: ScopeGraph): string {
  return scopeState(system.name, system.stat(), system.limit)
}

/**
 * What a service holds. Asking does not leave a scope behind.
 */
export function serviceState (graph: ScopeGraph, service: string): string {
  const scope = graph.services.get(service)

  return scopeState(`service:${service}`, scope?.stat() ?? statOf(NOTHING), scope?.limit ?? graph.limiter.getServiceLimits(service))
}
