import type { Refusal } from '../scopes/refusal.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Limits of subnets and networks that this node shares with others
 */
export interface SharedSubnets {
  /**
   * Counts one more connection with an address
   *
   * @returns why it does not fit, in which case nothing has changed
   */
  add(ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined

  /**
   * Why one more connection that wants to be counted does not fit, if so: like `add`, but it does not count yet
   */
  find(ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined

  /**
   * What `add` would answer, where nobody wants to be counted
   */
  peek(ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined

  /**
   * Takes back what `add` counted
   */
  remove(ip: IPAddress): void

  /**
   * Other networks are trusted from now on
   */
  allowlistChanged(): void
}

/**
 * Rates of inbound connections that this node shares with others
 */
export interface SharedRates {
  /**
   * Takes a token for an address
   *
   * @returns why there is none, in which case nothing has changed
   */
  take(ip: IPAddress): Refusal | undefined

  /**
   * What `take` would answer, with nothing taken
   */
  peek(ip: IPAddress): Refusal | undefined

  /**
   * Puts back what was taken a short time ago
   */
  giveBack(ip: IPAddress): void
}
