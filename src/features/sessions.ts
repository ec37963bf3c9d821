import { Sessions } from '../libp2p/sessions/node-sessions.ts'
import { SessionRegistry } from '../sessions/registry.ts'
import { ServiceCollectors } from '../sessions/service-collectors.ts'
import { SESSIONS_OPTIONS } from '../sessions/sessions-init.ts'

/**
 * Who transfers how many bytes: collectors, their limits and throttling
 */
export const sessions = { ServiceCollectors, SessionRegistry, Sessions, options: SESSIONS_OPTIONS }
