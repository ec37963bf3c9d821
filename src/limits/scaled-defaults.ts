import { makeConcrete } from './concrete-limits.ts'
import { DEFAULT_SCOPE_LIMITS } from './default-scope-limits.ts'
import { eachServiceLimit, goServiceLimits, jsServiceLimits } from './default-service-limits.ts'
import { scale } from './scale.ts'
import type { autoScaleTarget } from './auto-scale.ts'
import type { ConcreteLimitConfig, NamedKey, ScopeKey } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { ScalingLimit, ScalingLimits } from './scale.ts'

/**
 * go-libp2p's defaults and those of the well-known services
 */
function defaultLimits (): ScalingLimits {
  const named: Record<NamedKey, Map<string, ScalingLimit>> = {
    service: new Map(),
    servicePeer: new Map(),
    protocol: new Map(),
    protocolPeer: new Map(),
    peer: new Map()
  }

  eachServiceLimit([...goServiceLimits, ...jsServiceLimits], (kind, name, limit) => { named[kind].set(name, limit) })

  return { scopes: DEFAULT_SCOPE_LIMITS, named }
}

const SERVICE_KEYS: ReadonlySet<ScopeKey | NamedKey> = new Set(['serviceDefault', 'servicePeerDefault', 'service', 'servicePeer'])

/**
 * Lets services have as many connections as the system. go-libp2p's defaults give them none,
 * because only streams can belong to a service there.
 */
function allowServiceConnections (scaled: ConcreteLimitConfig): ConcreteLimitConfig {
  const allow = (key: ScopeKey | NamedKey, limit: Limit): Limit => {
    return SERVICE_KEYS.has(key) ? { ...limit, conns: Infinity, connsInbound: Infinity, connsOutbound: Infinity, fd: Infinity } : limit
  }

  return makeConcrete(
    key => allow(key, scaled[key]),
    key => Object.fromEntries(Object.entries(scaled[key]).map(([name, limit]) => [name, allow(key, limit)]))
  )
}

/**
 * Lowers file descriptors to libp2p's share of the open files. go-libp2p's defaults give a
 * system at least 256 of them, which may be more than the process can open.
 */
function withinOpenFiles (scaled: ConcreteLimitConfig, fds: number): ConcreteLimitConfig {
  const lower = (limit: Limit): Limit => ({ ...limit, fd: Math.min(limit.fd, fds) })

  return makeConcrete(
    key => lower(scaled[key]),
    key => Object.fromEntries(Object.entries(scaled[key]).map(([name, limit]) => [name, lower(limit)]))
  )
}

/**
 * go-libp2p's defaults, with the limits of the well-known services, which may have as many
 * connections as the system. File descriptors never exceed libp2p's share of the available
 * ones, where files play a part.
 */
export function scaledDefaults ({ memory, fds }: ReturnType<typeof autoScaleTarget>): ConcreteLimitConfig {
  const scaled = scale(defaultLimits(), memory, fds)

  return allowServiceConnections(fds > 0 ? withinOpenFiles(scaled, fds) : scaled)
}
