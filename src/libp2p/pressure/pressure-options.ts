import { ANY } from '../../util/description.ts'
import type { PressureInit } from './process-pressure.ts'
import type { DescriptionOf } from '../../util/description.ts'

const THRESHOLDS = { max: ANY, resume: ANY } as const

/**
 * What the process has too much of
 */
export const PRESSURE_OPTIONS = {
  processMemory: THRESHOLDS,
  eventLoopDelay: THRESHOLDS
} as const satisfies DescriptionOf<PressureInit>
