/**
 * Nobody can connect to a page
 */
export class AcceptedSockets {
  * [Symbol.iterator] (): Generator<never> {}

  observe (): void {}

  claim (): undefined {}

  stop (): void {}
}
