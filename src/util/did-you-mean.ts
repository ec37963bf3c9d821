/**
 * Longer words are no misspelt names, and comparing them would take long
 */
const MAX_LENGTH = 40

/**
 * How many letters have to be added, removed or replaced to make one word of another
 */
function countDifferences (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)

  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]

    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (a[i] === b[j] ? 0 : 1)))
    }

    row = next
  }

  return row[b.length]
}

/**
 * Whether the letters of one word are in another one, in the same order: those of
 * `conns` are in `connections`
 */
function isPartOf (short: string, long: string): boolean {
  let found = 0

  for (const letter of long) {
    found += letter === short[found] ? 1 : 0
  }

  return found === short.length
}

/**
 * The name that was probably meant, if there is one: it differs in a third of its letters
 * at most, or one is the other without some of its letters. Upper and lower case are the same.
 */
export function nearestName (word: string, names: readonly string[]): string | undefined {
  const given = word.toLowerCase()
  let nearest: string | undefined
  let least = Infinity

  for (const name of given.length > MAX_LENGTH ? [] : names) {
    const known = name.toLowerCase()
    const differs = countDifferences(given, known)
    const isShortened = given[0] === known[0] && isPartOf(given, known)
    const isNear = isShortened ||
      differs <= Math.max(1, Math.max(given.length, known.length) / 3) ||
      (given[0] === known[0] && isPartOf(known, given))

    // leaving letters out is no mistake, so more of them may be missing
    const distance = isShortened ? differs / 4 : differs

    if (isNear && distance < least) {
      nearest = name
      least = distance
    }
  }

  return nearest
}

/**
 * The message about a key that nobody reads
 *
 * @param word - the key
 * @param names - the keys that are read
 */
export function unknownName (word: string, names: readonly string[]): string {
  const nearest = nearestName(word, names)

  return nearest == null ? `one of ${names.join(', ')}` : didYouMean(nearest)
}

export function didYouMean (name: string): string {
  return `did you mean ${name}?`
}
