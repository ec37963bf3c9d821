/**
 * Nobody can connect to a page
 */
export class AcceptedSockets {
  watch (): void {}

  claim (): undefined {}

  stop (): void {}
}
