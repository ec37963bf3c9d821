import type { AggregateScope } from './aggregate-scope.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { Refusal } from './refusal.ts'

/**
 * Ends something so that something else fits: in a scope that is full, whoever holds most
 * gives way.
 */
export interface RoomMaker {
  /**
   * Called before a request is refused, with the reason. What is ended must have left its
   * scopes when this returns. The request is then checked again, and this is called again
   * if it still does not fit.
   *
   * Ending something runs code of others, which may end the newcomer too or open something
   * else: nothing that was found out before may be relied on afterwards. The newcomer itself
   * is never ended to make room for it. Where limits are not enforced, nothing is ended.
   *
   * @param refusal - why the newcomer does not fit
   * @param newcomer - what is opened, is moved or reserves memory
   * @returns Whether something was ended
   */
  makeRoom(refusal: Refusal, newcomer: AggregateScope | OwnedScope): boolean
}
