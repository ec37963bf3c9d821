/**
 * Calls a method of something that others have made, such as `abort` of a stream. It may throw for
 * any reason. That must not keep the caller from ending the rest, nor end the process if the caller
 * is a timer or a listener.
 */
export function tryCall <M extends string> (target: { [K in M]?: (err?: any) => unknown } | undefined, method: M, err?: Error): void {
  try {
    target?.[method]?.(err)
  } catch {
    // what was to end counts as ended
  }
}
