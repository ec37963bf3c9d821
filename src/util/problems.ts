import { InvalidParametersError } from '@libp2p/interface'
import { nearestName, unknownName } from './did-you-mean.ts'
import { describe } from './validation.ts'

/**
 * With this many problems, it is the wrong file
 */
const MAX_LISTED = 20

/**
 * The path of an entry. Names that would be ambiguous after a dot, such as `libp2p.identify` or
 * `/ipfs/id/1.0.0`, are in brackets.
 */
export function join (path: string, name: string): string {
  if (path === '') {
    return name
  }

  return /^\w+$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`
}

/**
 * Is called with one line for everything that is read differently than it is written
 */
export type NoteListener = (note: string) => void

/**
 * Collects everything that is wrong with an input, so that it can be corrected
 * in one go
 */
export class Problems {
  readonly #subject: string
  readonly #found: string[] = []
  readonly #listed = new Set<string>()

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
   * @param hint - what to write instead, if it can be guessed
   */
  add (path: string, expected: string, got: unknown, hint?: string): void {
    const suffix = hint == null ? '' : ` (${hint})`

    this.#found.push(`${path}${path === '' ? '' : ': '}expected ${expected}, got ${describe(got)}${suffix}`)
  }

  /**
   * A key that nobody reads. Those that are read are listed once.
   *
   * @param path - where it was found
   * @param key - the key
   * @param names - the keys that are read there
   * @param meant - what to write instead, where it is not one of these
   */
  addUnknown (path: string, key: string, names: readonly string[], meant?: string): void {
    const isNear = meant != null || nearestName(key, names) != null
    const hint = meant ?? unknownName(key, names)
    const isListed = !isNear && this.#listed.has(hint)

    this.#listed.add(hint)
    this.#found.push(`${path}: unknown key${isListed ? '' : ` (${hint})`}`)
  }

  /**
   * What is said in words of its own
   */
  addText (text: string): void {
    this.#found.push(text)
  }

  /**
   * @throws {InvalidParametersError} listing every problem, if there are any
   */
  throwIfAny (): void {
    if (this.#found.length === 0) {
      return
    }

    const separator = this.#found.length === 1 ? ' ' : '\n  '
    const more = this.#found.length - MAX_LISTED
    const lines = more > 0 ? [...this.#found.slice(0, MAX_LISTED), `and ${more} more`] : this.#found

    throw new InvalidParametersError(`${this.#subject}:${separator}${lines.join(separator)}`)
  }
}
