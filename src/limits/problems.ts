import { InvalidParametersError } from '@libp2p/interface'
import { describe } from '../describe-value.ts'

/**
 * The path of an entry: names that would be ambiguous after a dot, such as
 * `libp2p.identify` or `/ipfs/id/1.0.0`, are put into brackets
 */
export function join (path: string, name: string): string {
  if (path === '') {
    return name
  }

  return /^\w+$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`
}

/**
 * Collects everything that is wrong with an input, so that it can be corrected
 * in one go
 */
export class Problems {
  readonly #subject: string
  readonly #found: string[] = []

  /**
   * @param subject - what the messages are about, such as `invalid limits`
   */
  constructor (subject: string) {
    this.#subject = subject
  }

  /**
   * @param path - where the value was found
   * @param expected - what would have been right
   * @param got - the value
   * @param hint - what to write instead, where it can be guessed
   */
  add (path: string, expected: string, got: unknown, hint?: string): void {
    const suffix = hint == null ? '' : ` (${hint})`

    this.#found.push(`${path}${path === '' ? '' : ': '}expected ${expected}, got ${describe(got)}${suffix}`)
  }

  /**
   * @throws {InvalidParametersError} listing every problem, if there are any
   */
  throwIfAny (): void {
    if (this.#found.length === 0) {
      return
    }

    const separator = this.#found.length === 1 ? ' ' : '\n  '

    throw new InvalidParametersError(`${this.#subject}:${separator}${this.#found.join(separator)}`)
  }
}
