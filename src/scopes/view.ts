import type { AggregateNode } from './aggregate-node.ts'

/**
 * Keeps a node while a function, sync or async, works with it
 */
export function view<T> (node: AggregateNode, fn: (scope: AggregateNode) => T): T {
  let result: T
  let pending = false

  node.references++

  try {
    result = fn(node)

    if (isThenable(result)) {
      pending = true

      return Promise.resolve(result).finally(() => { node.unreference() }) as T
    }

    return result
  } finally {
    if (!pending) {
      node.unreference()
    }
  }
}

function isThenable (value: any): value is PromiseLike<unknown> {
  return typeof value?.then === 'function'
}
