/**
 * Gives an object a method of its own. An assignment would do the same, but with it V8
 * has been seen to keep closed streams until it next collects its whole heap.
 */
export function override <T, K extends keyof T> (object: T, name: K, method: T[K]): void {
  Object.defineProperty(object, name, { configurable: true, enumerable: true, writable: true, value: method })
}
