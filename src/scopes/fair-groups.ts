import type { DefaultConnectionScope } from './connection-scope.ts'

/**
 * What groups hold on other nodes, as those have told a short time ago
 */
export interface HeldElsewhere {
  /** Whether that is not too long ago */
  readonly valid: boolean

  /**
   * @param what - inbound connections or streams
   * @param group - a network such as `192.0.0.0/16`, or the id of a peer
   * @returns 0 where it is not known
   */
  held(what: 'connections' | 'streams', group: string): number
}

/**
 * Who shares what is full, and may be told what groups hold elsewhere
 */
export interface FairGroups {
  /** Counts with what is held here, as long as it is valid */
  elsewhere?: HeldElsewhere | undefined

  /** Set when the system was full, by whoever wanted something of it */
  full: boolean

  /**
   * The network that a connection is from, if it says where it is from
   */
  networkOf(connection: DefaultConnectionScope): string | undefined
}
