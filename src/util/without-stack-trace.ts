/**
 * Runs `create` without capturing stack traces for the errors that it makes: during an attack,
 * refusals are a hot path, and the stack says nothing about the cause
 */
export function withoutStackTrace<T> (create: () => T): T {
  const { stackTraceLimit } = Error

  try {
    Error.stackTraceLimit = 0

    return create()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
