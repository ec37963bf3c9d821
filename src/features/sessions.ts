import { Sessions } from '../libp2p/sessions.ts'
import { SESSIONS_OPTIONS } from '../options/sessions-options.ts'
import { SessionRegistry } from '../sessions/registry.ts'
import { ServiceCollectors } from '../sessions/service-collectors.ts'

/**
 * Who transfers how many bytes: collectors, their limits and throttling
 */
export const sessions = { ServiceCollectors, SessionRegistry, Sessions, options: SESSIONS_OPTIONS }
