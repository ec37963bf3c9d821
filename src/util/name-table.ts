import { invalid } from './validation.ts'

/**
 * How many patterns there may be: a name that has no exact entry is compared with each of them
 */
const MAX_PATTERNS = 256

/**
 * How many names are remembered. Remote peers may choose names, so the number is bounded.
 */
const MAX_REMEMBERED = 1_024

interface Pattern<T> {
  readonly start: string
  readonly end: string
  readonly value: T
}

/**
 * Whether a name is a pattern, such as `/orbitdb/*`
 */
export function isPattern (name: string): boolean {
  return name.includes('*')
}

/**
 * @param field - where the name was configured, for error messages
 * @throws {InvalidParametersError} if it has more than one `*`
 */
export function checkPattern (field: string, name: string): void {
  if (name.indexOf('*') !== name.lastIndexOf('*')) {
    throw invalid(field, 'one * at most, such as in "/my/*"', name)
  }
}

/**
 * Values by name. A name may be a pattern with one `*`, which stands for anything. If several
 * patterns match, the one with the most other characters counts.
 *
 * Exact names cost one look-up, as in a `Map`, and so does what has been looked up before.
 */
export class NameTable<T> {
  readonly #exact: Map<string, T>
  readonly #patterns: ReadonlyArray<Pattern<T>>
  readonly #fallback?: (name: string) => T | undefined
  readonly #found = new Map<string, T | undefined>()

  /**
   * @param field - where the names were configured, for error messages
   * @param entries - where a name is there twice, the last one counts
   * @param fallback - asked about names that are not in the table
   * @throws {InvalidParametersError} if there are too many patterns, or one with more than
   * one `*`
   */
  constructor (field: string, entries: Iterable<readonly [string, T]>, fallback?: (name: string) => T | undefined) {
    const all = [...entries]

    this.#fallback = fallback

    this.#exact = new Map(all.filter(([name]) => !isPattern(name)))
    this.#patterns = all
      .filter(([name]) => isPattern(name))
      .reverse()
      .map(([name, value]) => {
        checkPattern(field, name)

        const [start, end] = name.split('*')

        return { start, end, value }
      })
      .sort((a, b) => (b.start.length + b.end.length) - (a.start.length + a.end.length))

    if (this.#patterns.length > MAX_PATTERNS) {
      throw invalid(field, `at most ${MAX_PATTERNS} names with *`, this.#patterns.length)
    }
  }

  get (name: string): T | undefined {
    const value = this.#exact.get(name)

    return value !== undefined || (this.#patterns.length === 0 && this.#fallback === undefined) ? value : this.#match(name)
  }

  /**
   * All names, those that are patterns too
   */
  names (): string[] {
    return [...this.#exact.keys(), ...this.#patterns.map(({ end, start }) => `${start}*${end}`)]
  }

  /**
   * The values of all of them
   */
  values (): T[] {
    return [...this.#exact.values(), ...this.#patterns.map(({ value }) => value)]
  }

  #match (name: string): T | undefined {
    if (this.#found.has(name)) {
      return this.#found.get(name)
    }

    const value = this.#patterns.find(({ start, end }) => {
      return name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end)
    })?.value ?? this.#fallback?.(name)

    if (this.#found.size >= MAX_REMEMBERED) {
      this.#found.clear()
    }

    this.#found.set(name, value)

    return value
  }
}
