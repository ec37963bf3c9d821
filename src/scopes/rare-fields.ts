import type { Limit } from '../limits/limit.ts'

/**
 * What only some connections, streams and spans have: those whose limit was set, that have
 * spans, or that are those of a libp2p node. It is made when the first of it is set, so that
 * the rest does not pay for it.
 */
export class RareFields {
  // see owned-scope.ts for why these are not fields of the class
  declare ownLimit?: Readonly<Limit>
  declare spans: number
  declare places?: object
  declare origin?: object

  constructor () {
    this.ownLimit = undefined
    this.spans = 0
    this.places = undefined
    this.origin = undefined
  }
}
