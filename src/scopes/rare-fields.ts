import type { Limit } from '../limits/limit.ts'

/**
 * Fields that only some connections, streams and spans need: those whose limit or service was set,
 * that have spans, or that are observed while something is full. They are made when the first is set,
 * so that all others do not pay for them.
 */
export class RareFields {
  // see owned-scope.ts for why these are not fields of the class
  declare ownLimit?: Readonly<Limit>
  declare spans: number

  /**
   * Whether the user of the stream or connection has set the service. If it comes from the protocol
   * instead, the user may still name the same one.
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
 * Shared by all of which only the service was set. Never changed.
 */
export const SERVICE_CHOSEN = new RareFields()

SERVICE_CHOSEN.serviceChosen = true
