import { ANY, BOOLEAN } from '../util/description.ts'
import { COLLECTOR_OPTIONS } from './collector-config.ts'
import type { SessionsInit } from './sessions-init.ts'
import type { DescriptionOf } from '../util/description.ts'

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
