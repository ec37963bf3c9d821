import { COLLECTOR_OPTIONS } from '../sessions/collector-config.ts'
import { ANY, BOOLEAN } from './description.ts'
import type { DescriptionOf } from './description.ts'
import type { SessionsInit } from '../sessions/service-collectors.ts'

const BITRATES = { maxRxBitrate: ANY, maxTxBitrate: ANY } as const

/**
 * Who transfers how many bytes
 */
export const SESSIONS_OPTIONS = {
  sessions: {
    collectors: { '*': { ...COLLECTOR_OPTIONS, companions: ANY, throttle: BOOLEAN } },
    throttle: { system: BITRATES, peer: BITRATES }
  }
} as const satisfies { sessions: DescriptionOf<SessionsInit> }
