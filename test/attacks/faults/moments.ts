/**
 * Counts the moments of a scenario, and lets a fault happen at one of them
 */
export class Moments {
  readonly #moment: number
  readonly #fault: () => void
  #count = 0
  #last = 'the beginning'
  #since = 0

  /**
   * When the fault has happened, if it has
   */
  where?: string

  /**
   * @param moment - The number of the moment, from 0 on
   * @param fault
   */
  constructor (moment: number = Infinity, fault: () => void = () => {}) {
    this.#moment = moment
    this.#fault = fault
  }

  /**
   * Something happens that has a name
   *
   * @returns Whether the fault happens with it
   */
  reached (what: string): boolean {
    this.#last = what
    this.#since = 0

    return this.#next()
  }

  /**
   * Something that awaits goes on
   */
  awaited (): void {
    this.#since++
    this.#next()
  }

  #next (): boolean {
    if (this.#count++ !== this.#moment) {
      return false
    }

    this.where = this.#since === 0 ? this.#last : `${this.#last}, and ${this.#since} awaits later`
    this.#fault()

    return true
  }
}
