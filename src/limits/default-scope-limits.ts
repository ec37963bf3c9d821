import type { ScopeKey } from './limit-config.ts'
import type { ScalingLimit } from './scale.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

const system: ScalingLimit = {
  base: { connsInbound: 64, connsOutbound: 128, conns: 128, streamsInbound: 64 * 16, streamsOutbound: 128 * 16, streams: 128 * 16, memory: 128 * MiB, fd: 256 },
  increase: { connsInbound: 64, connsOutbound: 128, conns: 128, streamsInbound: 64 * 16, streamsOutbound: 128 * 16, streams: 128 * 16, memory: GiB, fdFraction: 1 }
}

const transient: ScalingLimit = {
  base: { connsInbound: 32, connsOutbound: 64, conns: 64, streamsInbound: 128, streamsOutbound: 256, streams: 256, memory: 32 * MiB, fd: 64 },
  increase: { connsInbound: 16, connsOutbound: 32, conns: 32, streamsInbound: 128, streamsOutbound: 256, streams: 256, memory: 128 * MiB, fdFraction: 0.25 }
}

/**
 * The limits of go-libp2p for every kind of scope, field by field
 */
export const DEFAULT_SCOPE_LIMITS: Readonly<Record<ScopeKey, ScalingLimit>> = {
  system,
  transient,

  // only used when the normal pair is full, so they may be as large
  allowlistedSystem: system,
  allowlistedTransient: transient,

  serviceDefault: {
    base: { streamsInbound: 1024, streamsOutbound: 4096, streams: 4096, memory: 64 * MiB },
    increase: { streamsInbound: 512, streamsOutbound: 2048, streams: 2048, memory: 128 * MiB }
  },
  servicePeerDefault: {
    base: { streamsInbound: 128, streamsOutbound: 256, streams: 256, memory: 16 * MiB },
    increase: { streamsInbound: 4, streamsOutbound: 8, streams: 8, memory: 4 * MiB }
  },
  protocolDefault: {
    base: { streamsInbound: 512, streamsOutbound: 2048, streams: 2048, memory: 64 * MiB },
    increase: { streamsInbound: 256, streamsOutbound: 512, streams: 512, memory: 164 * MiB }
  },
  protocolPeerDefault: {
    base: { streamsInbound: 64, streamsOutbound: 128, streams: 256, memory: 16 * MiB },
    // four bytes, not four MiB: it is what go-libp2p has
    increase: { streamsInbound: 4, streamsOutbound: 8, streams: 16, memory: 4 }
  },
  peerDefault: {
    base: { connsInbound: 8, connsOutbound: 8, conns: 8, streamsInbound: 256, streamsOutbound: 512, streams: 512, memory: 64 * MiB, fd: 4 },
    increase: { streamsInbound: 128, streamsOutbound: 256, streams: 256, memory: 128 * MiB, fdFraction: 1 / 64 }
  },
  conn: {
    base: { connsInbound: 1, connsOutbound: 1, conns: 1, fd: 1, memory: 32 * MiB }
  },
  stream: {
    base: { streamsInbound: 1, streamsOutbound: 1, streams: 1, memory: 16 * MiB }
  }
}
