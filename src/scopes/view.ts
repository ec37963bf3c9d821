import type { AggregateScope } from './aggregate-scope.ts'

/**
 * Runs a function, sync or async, with a scope, which is not collected meanwhile
 */
export function view<T> (scope: AggregateScope, fn: (scope: AggregateScope) => T): T {
  let result: T
  let pending = false

  scope.references++

  try {
    result = fn(scope)

    if (isThenable(result)) {
      pending = true

      return Promise.resolve(result).finally(() => { scope.unreference() }) as T
    }

    return result
  } finally {
    if (!pending) {
      scope.unreference()
    }
  }
}

function isThenable (value: any): value is PromiseLike<unknown> {
  return typeof value?.then === 'function'
}
