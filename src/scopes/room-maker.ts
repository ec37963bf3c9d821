import type { AggregateScope } from './aggregate-scope.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { Refusal } from './refusal.ts'

/**
 * Ends something so that something else fits. It decides what gives way.
 */
export interface RoomMaker {
  /**
   * Called before a request is refused. What this ends must have left its scopes when it returns.
   * Then the request is checked again, and if it still does not fit, this is called again.
   *
   * Ending something may run any code, which may also end the newcomer or open something else. So
   * everything has to be checked again afterwards. The newcomer itself is never ended to make room
   * for it. If limits are not enforced, nothing is ended.
   *
   * @param refusal - why the newcomer does not fit
   * @param newcomer - what is opened, moves or reserves memory
   * @returns Whether something was ended
   */
  makeRoom(refusal: Refusal, newcomer: AggregateScope | OwnedScope): boolean
}
