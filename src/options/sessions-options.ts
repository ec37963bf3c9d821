import { ANY, BOOLEAN } from './description.ts'
import type { DescriptionOf } from './description.ts'
import type { CollectorConfig } from '../sessions/collector.ts'
import type { SessionsInit } from '../sessions/service-collectors.ts'

const BITRATES = { maxRxBitrate: ANY, maxTxBitrate: ANY } as const

export const COLLECTOR_OPTIONS = {
  ...BITRATES,
  maxSessions: ANY,
  limiter: ANY,
  inactiveTimeout: ANY,
  sessionTimeout: ANY,
  persistInterval: ANY,
  maxHistory: ANY
} as const satisfies DescriptionOf<CollectorConfig>

/**
 * Who transfers how many bytes
 */
export const SESSIONS_OPTIONS = {
  sessions: {
    collectors: { '*': { ...COLLECTOR_OPTIONS, companions: ANY, throttle: BOOLEAN } },
    throttle: { system: BITRATES, peer: BITRATES }
  }
} as const satisfies { sessions: DescriptionOf<SessionsInit> }
