import type { Session } from './session.ts'

/**
 * What identifies a session, and how much it has transferred
 */
export type ObservedSession = Pick<Session, 'id' | 'reference' | 'location' | 'peer' | 'rxBytes' | 'txBytes'>

/**
 * Observes the sessions of collectors. The methods must be quick and must not throw.
 */
export interface SessionObserver {
  /**
   * A session was registered
   *
   * @param collector - the id of the collector
   * @param session
   */
  sessionAdded(collector: string, session: ObservedSession): void

  /**
   * A session has ended, whether or not it was ever active
   *
   * @param collector - the id of the collector
   * @param session
   */
  sessionRemoved(collector: string, session: ObservedSession): void
}

/**
 * Observes the sessions of one collector. The methods must not throw.
 */
export interface CollectorObserver {
  added(session: ObservedSession): void
  removed(session: ObservedSession): void
}
