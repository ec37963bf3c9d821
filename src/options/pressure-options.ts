import { ANY } from './description.ts'
import type { DescriptionOf } from './description.ts'
import type { PressureInit } from '../libp2p/process-pressure.ts'

const THRESHOLDS = { max: ANY, resume: ANY } as const

/**
 * What the process has too much of
 */
export const PRESSURE_OPTIONS = {
  processMemory: THRESHOLDS,
  eventLoopDelay: THRESHOLDS
} as const satisfies DescriptionOf<PressureInit>
