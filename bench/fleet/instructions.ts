import { countInstructions } from '../instructions.ts'
import { ADMISSIONS, KINDS } from './admissions.ts'
import type { Admission } from './admissions.ts'

/**
 * How much more an admission may take in a fleet, when all that it needs is leased
 */
export const MAX_RATIO = 1.05

export interface CountedAdmission {
  name: Admission

  /** In instructions */
  alone: number
  leased: number
}

/**
 * Counts the instructions of admissions with a fleet and without, with callgrind
 */
export async function countAdmissions (): Promise<CountedAdmission[]> {
  const [alone, fleet] = await Promise.all(KINDS.map(async kind => countInstructions('fleet/counted.ts', [kind])))

  return ADMISSIONS.map(name => ({ name, alone: alone[name], leased: fleet[name] }))
}
