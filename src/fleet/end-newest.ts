import { ConnectionLimitExceededError } from '../errors.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'

/**
 * Ends connections, the first ones first, as long as there are too many
 */
export function endNewest (connections: DefaultConnectionScope[], tooMany: () => boolean, scope: string, ended: () => void): void {
  for (const connection of connections) {
    if (!tooMany()) {
      return
    }

    if (connection.holder?.evict(new ConnectionLimitExceededError(`${scope}: the fleet has more connections than it may`, { scope, attempted: 1, current: 0, limit: 0 }), '') === true) {
      ended()
    }
  }
}
