import { parseArgs } from 'node:util'

export interface Options {
  /** Of every round: otherwise each has another one */
  seed?: number

  /** How many rounds there are at most, and how long they last, in minutes */
  runs: number
  minutes: number

  /** What the names of files and the titles of tests include */
  file: string
  grep: string
}

const MINUTES = 5

/**
 * Reads the options of `npm run test:properties`
 *
 * @throws {Error} if there is something that cannot be what was meant: a number that is none would be no rounds
 */
export function parseOptions (args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string' },
      runs: { type: 'string' },
      minutes: { type: 'string' },
      file: { type: 'string', default: '' },
      grep: { type: 'string', default: '' }
    }
  })
  const numberOf = (name: 'seed' | 'runs' | 'minutes', expected: string, pattern: RegExp, is: (value: number) => boolean): number | undefined => {
    const text = values[name]

    if (text !== undefined && !(pattern.test(text) && is(Number(text)))) {
      throw new Error(`--${name}: expected ${expected}, got ${JSON.stringify(text)}`)
    }

    return text === undefined ? undefined : Number(text)
  }
  const seed = numberOf('seed', 'an integer', /^-?\d+$/, Number.isSafeInteger)
  const runs = numberOf('runs', 'an integer of 1 or more', /^\d+$/, value => value >= 1) ?? (seed === undefined ? Infinity : 1)
  const minutes = numberOf('minutes', 'a number above 0', /^\d+(?:\.\d+)?$/, value => value > 0) ?? (runs === Infinity ? MINUTES : Infinity)

  return { seed, runs, minutes, file: values.file, grep: values.grep }
}
