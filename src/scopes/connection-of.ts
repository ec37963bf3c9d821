import { DefaultStreamScope } from './stream-scope.ts'
import type { DefaultConnectionScope } from './connection-scope.ts'
import type { MovableScope } from './movable-scope.ts'

/**
 * The connection that something is, or that it is opened on, as far as that is known
 */
export function connectionOf (scope: MovableScope): DefaultConnectionScope | undefined {
  return scope instanceof DefaultStreamScope ? scope.connection : scope as DefaultConnectionScope
}
