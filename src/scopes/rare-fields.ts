import type { Limit } from '../limits/limit.ts'

/**
 * What only some connections, streams and spans have: those whose limit or service was set,
 * that have spans, or that are observed while something is full. It is made when the first of it is set, so that
 * the rest does not pay for it.
 */
export class RareFields {
  // see owned-scope.ts for why these are not fields of the class
  declare ownLimit?: Readonly<Limit>
  declare spans: number

  /**
   * The service was set by the one that uses the stream or connection. Where it was the one
   * for its protocol, who uses it may still say that it is this one.
   */
  declare serviceChosen: boolean
  declare places?: object
  declare origin?: object

  constructor () {
    this.ownLimit = undefined
    this.spans = 0
    this.serviceChosen = false
    this.places = undefined
    this.origin = undefined
  }
}

/**
 * What all have of whom nothing else is rare than that their service was set. It is never
 * changed.
 */
export const SERVICE_CHOSEN = new RareFields()

SERVICE_CHOSEN.serviceChosen = true
