/**
 * Nobody can connect to a page by itself
 */
export class DirectHandshakes {
  * [Symbol.iterator] (): Generator<never> {}

  observe (): void {}

  claim (): undefined {}
}
