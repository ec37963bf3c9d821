/**
 * How many subjects are remembered, and so pass, in one interval
 */
const MAX_SUBJECTS = 64

/**
 * Lets each subject pass once in an interval, and only a bounded number of them
 */
export class Intervals {
  readonly #length: number
  readonly #now: () => number

  /**
   * When each was passed, oldest first
   */
  readonly #passed = new Map<string, number>()

  /**
   * @param length - in ms
   * @param now - the time in ms
   */
  constructor (length: number, now: () => number = Date.now) {
    this.#length = length
    this.#now = now
  }

  /**
   * Whether it would pass
   */
  isDue (subject: string): boolean {
    const before = this.#now() - this.#length

    for (const [other, time] of this.#passed) {
      if (time > before) {
        break
      }

      this.#passed.delete(other)
    }

    return !this.#passed.has(subject) && this.#passed.size < MAX_SUBJECTS
  }

  /**
   * Whether it passes
   */
  pass (subject: string): boolean {
    const isDue = this.isDue(subject)

    if (isDue) {
      this.#passed.set(subject, this.#now())
    }

    return isDue
  }
}
