import { countBetweenMarks } from './instructions/callgrind.ts'
import { NOTHING, ROUNDS } from './instructions/counted-operations.ts'

/**
 * Counts the instructions of operations, with callgrind
 *
 * @param path - of the module that does them
 * @param args - what that is told
 * @returns How many each operation takes
 */
export async function countInstructions (path = 'instructions/counted.ts', args: string[] = []): Promise<Record<string, number>> {
  const { output, counts } = await countBetweenMarks(path, args)
  const counted: Array<{ name: string, times: number }> = JSON.parse(output)

  // one for what comes before the rounds
  if (counts.length !== counted.length * (1 + ROUNDS)) {
    throw new Error(`callgrind has written ${counts.length} counts for ${counted.length} operations`)
  }

  const each = counted.map(({ name, times }, i) => {
    const start = i * (1 + ROUNDS) + 1

    return { name, least: Math.min(...counts.slice(start, start + ROUNDS)) / times }
  })
  const nothing = each.find(({ name }) => name === NOTHING.name)?.least ?? 0

  return Object.fromEntries(each.filter(({ name }) => name !== NOTHING.name).map(({ name, least }) => [name, Math.round(least - nothing)]))
}
