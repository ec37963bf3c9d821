import { hasValgrind } from '../counted-with.ts'
import { countBetweenMarks } from '../instructions/callgrind.ts'
import { median } from '../statistics.ts'
import type { VariantName } from './variants.ts'

const COMPARED: VariantName[] = ['absent', 'present', 'present, sessions']
const DIRECTIONS = ['inbound', 'outbound']

/**
 * Instructions for each stream of a node and of the other end, which has no manager and
 * is in the same process, so that a clock has nothing to do with it
 *
 * @returns Nothing where there is no valgrind
 */
export async function countStreamInstructions (): Promise<Record<string, number> | undefined> {
  if (!hasValgrind()) {
    return
  }

  const instructions: Record<string, number> = {}

  for (const direction of DIRECTIONS) {
    for (const variant of COMPARED) {
      const { output, counts } = await countBetweenMarks('node/counted.ts', [variant, direction])

      // the first is for what comes before the rounds
      instructions[`${direction}, ${variant}`] = Math.round(median(counts.slice(1)) / Number(output))
    }
  }

  return instructions
}
