import type { DefaultConnectionScope } from './connection-scope.ts'

/**
 * What groups hold on the other nodes of a fleet, as these have told
 */
export interface HeldElsewhere {
  /** Whether the other nodes have told it recently enough */
  readonly valid: boolean

  /**
   * @param what - inbound connections or streams
   * @param group - a network such as `192.0.0.0/16`, or the id of a peer
   * @returns 0 if it is not known
   */
  held(what: 'connections' | 'streams', group: string): number
}

/**
 * Shares full scopes fairly, and may be told what groups hold on other nodes
 */
export interface FairGroups {
  /** Added to what is held here while it is valid */
  elsewhere?: HeldElsewhere | undefined

  /** Set to `true` when a request finds the system full */
  full: boolean

  /**
   * The network of a connection, if its address says it
   */
  networkOf(connection: DefaultConnectionScope): string | undefined
}
