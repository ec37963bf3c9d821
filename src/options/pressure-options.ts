import { ANY } from './description.ts'
import type { DescriptionOf } from './description.ts'
import type { ResourceManagerInit } from '../resource-manager-init.ts'

const THRESHOLDS = { max: ANY, resume: ANY } as const

/**
 * What the process has too much of
 */
export const PRESSURE_OPTIONS = {
  processMemory: THRESHOLDS,
  eventLoopDelay: THRESHOLDS
} as const satisfies DescriptionOf<Pick<ResourceManagerInit, 'processMemory' | 'eventLoopDelay'>>
