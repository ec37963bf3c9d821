import { countAllocations } from './allocations.ts'
import { countedHere, findDifferences, hasValgrind, nodeOfPackage } from './counted-with.ts'
import { countAdmissions, MAX_RATIO } from './fleet/instructions.ts'
import { countInstructions } from './instructions.ts'
import { findRegressions, findShift, readStored } from './stored-counts.ts'
import type { Differences } from './counted-with.ts'
import type { Counts, StoredCounts } from './stored-counts.ts'

/**
 * Counts and compares with what is stored. What it cannot compare it says, and that is no
 * failure, but for stored counts that cannot be compared with by anybody: those of another
 * Node.js than the one that this package is developed with.
 *
 * @param print
 * @returns Whether nothing has grown
 */
export async function check (print: (text: string) => void): Promise<boolean> {
  const stored = readStored()
  const { node } = stored.countedWith

  if (node !== nodeOfPackage()) {
    print(`✗ the stored counts are of Node.js ${node}, and this package has ${nodeOfPackage()}: store them again, for the code before the change`)
    return false
  }

  const differences = findDifferences(stored.countedWith, countedHere())

  if (differences.compiler.length > 0) {
    print(`nothing can be compared with stored counts: ${differences.compiler.join(', ')}`)

    return areNone(await findDearAdmissions(print), print)
  }

  // counts are the same however much the machine has to do
  const [dear, counts] = await Promise.all([findDearAdmissions(print), countAll(stored, differences, print)])
  const regressions = [...findRegressions(stored, counts), ...dear]
  const isFine = areNone(regressions, print)

  print(`${size(counts.allocations)} allocations and ${size(counts.instructions)} counts of instructions compared, ${regressions.length} have grown`)

  return isFine
}

function areNone (regressions: string[], print: (text: string) => void): boolean {
  regressions.forEach(regression => { print(`✗ ${regression}`) })

  return regressions.length === 0
}

async function countAll (stored: StoredCounts, differences: Differences, print: (text: string) => void): Promise<Counts> {
  return { allocations: await countAllocations(), instructions: await countComparable(stored, differences, print) }
}

/**
 * What takes more in a fleet. Both are counted here, so this needs no stored counts.
 */
async function findDearAdmissions (print: (text: string) => void): Promise<string[]> {
  const counted = hasValgrind() ? await countAdmissions() : []

  counted.forEach(({ alone, leased, name }) => { print(`${name}, leased in a fleet: ${leased} instructions, ${alone} without a fleet`) })

  return counted.filter(({ alone, leased }) => leased > alone * MAX_RATIO).map(({ name }) => `${name}: more than ${MAX_RATIO} times as many instructions in a fleet`)
}

async function countComparable (stored: StoredCounts, { machine, tools }: Differences, print: (text: string) => void): Promise<Counts['instructions']> {
  if (machine.length > 0 || !hasValgrind()) {
    print(`instructions cannot be compared: ${hasValgrind() ? machine.join(', ') : 'there is no valgrind'}`)
    return
  }

  const instructions = await countInstructions()
  const shift = tools.length > 0 ? findShift(stored, instructions) : undefined

  if (shift != null) {
    print(`instructions cannot be compared: ${tools.join(', ')}, and what has nothing of this package in it differs (${shift})`)
    return
  }

  if (tools.length > 0) {
    print(`instructions are compared, although counted with ${tools.join(', ')}`)
  }

  return instructions
}

function size (counts: Record<string, number> = {}): number {
  return Object.keys(counts).length
}
