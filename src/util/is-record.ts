/**
 * True for objects with keys, which arrays, maps and dates are not
 */
export function isRecord (value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]'
}
