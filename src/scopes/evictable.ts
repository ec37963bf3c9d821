/**
 * What uses a connection or stream scope and can be made to give way to others
 */
export interface Evictable {
  /**
   * When bytes of a stream were last seen, in any unit: more is later
   */
  readonly active: number

  /**
   * The round-trip time of a connection in ms, if it was measured
   */
  readonly rtt?: number | undefined

  /**
   * When a connection last carried a stream that is of use, as in `active`, if it ever did
   */
  readonly useful?: number

  /**
   * Ends it. Its scope is closed when this returns, whatever still runs.
   *
   * @param err - what those who use it get to see
   * @param beneficiary - the group that gets the place
   * @returns Whether it was ended: not so if it would leave too much running
   */
  evict(err: Error, beneficiary: string): boolean
}
