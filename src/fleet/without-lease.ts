/**
 * What a node does when its leases have ended and the engine does not answer:
 *
 * - `'share'`: each node may have the limit divided by the number of nodes that there were last.
 * For most: nothing is ever far above the limits, and everybody is served.
 * - `'refuse'`: nobody new. For limits that must not be exceeded whatever happens.
 * - `'local'`: what the limits of the node itself say. For those who would rather have too much
 * than turn anybody away.
 */
export type OnLoss = 'share' | 'refuse' | 'local'

/**
 * What a node may have that it has not leased: before it has asked for it, and when the leases
 * have ended
 */
export class WithoutLease {
  readonly #allowance: number
  readonly #onLoss: OnLoss

  /** How many nodes there were last: 0 if that is not known */
  nodes: number

  /** Whether there is no lease that counts */
  lost = true

  /**
   * @param allowance - the part of a limit that a node may use of what it has not leased, of
   * scopes that are not leased ahead
   * @param onLoss
   * @param nodes - how many there are, if that is known before the engine was reached
   */
  constructor (allowance: number, onLoss: OnLoss, nodes: number) {
    this.#allowance = allowance
    this.#onLoss = onLoss
    this.nodes = nodes
  }

  /**
   * What a node may hold of a field without a lease
   */
  allowanceOf (limit: number): number {
    return Math.min(limit, Math.ceil(limit * this.#allowance))
  }

  /**
   * What a node may have that the engine knows nothing of
   *
   * @param limit - of the fleet
   * @param ahead - whether it would be leased before anything needs it
   */
  roomOf (limit: number, ahead: boolean): number {
    const allowed = ahead ? 0 : this.allowanceOf(limit)

    if (!this.lost) {
      return allowed
    }

    switch (this.#onLoss) {
      case 'local':
        return Infinity
      case 'share':
        return Math.max(this.nodes > 0 ? Math.floor(limit / this.nodes) : 0, allowed)
      default:
        return 0
    }
  }

  /**
   * Whether each node has its share
   */
  get sharing (): boolean {
    return this.lost && this.#onLoss === 'share'
  }
}
