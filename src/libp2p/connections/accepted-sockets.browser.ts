/**
 * Nobody can connect to a page
 */
export class AcceptedSockets {
  * [Symbol.iterator] (): Generator<never> {}

  watch (): void {}

  claim (): undefined {}

  stop (): void {}
}
