/**
 * The user of a connection or stream scope, which can be made to give way to others
 */
export interface Evictable {
  /**
   * When a stream last had bytes, in any unit: later times are higher
   */
  readonly active: number

  /**
   * The round-trip time of a connection in ms, once it has been measured
   */
  readonly rtt?: number | undefined

  /**
   * When a connection last carried a useful stream, in the unit of `active`, if it ever did
   */
  readonly useful?: number

  /**
   * Ends it. If it answers `true`, the scope is closed, even if a handler still runs.
   *
   * @param err - what its users see
   * @param beneficiary - the group that gets the place
   * @returns Whether it was ended. It is not if too much would go on running.
   */
  evict(err: Error, beneficiary: string): boolean
}
