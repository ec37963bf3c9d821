import { InvalidParametersError } from '@libp2p/interface'

/**
 * Longer values are cut when they are quoted in a message: a whole file pasted
 * into a field should not be repeated in a log
 */
const MAX_QUOTED_LENGTH = 64

/**
 * How a value is quoted in a message
 */
export function describe (value: unknown): string {
  if (value === null) {
    return 'null'
  }

  switch (typeof value) {
    case 'string': {
      const quoted = JSON.stringify(value)

      return quoted.length > MAX_QUOTED_LENGTH ? `${quoted.slice(0, MAX_QUOTED_LENGTH)}…"` : quoted
    }
    case 'object': {
      const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)

      return tag === 'Object' || tag === 'Array' ? `an ${tag.toLowerCase()}` : `a ${tag}`
    }
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}

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
