import { admission } from './admission.ts'
import { bans } from './bans.ts'
import { fairness } from './fairness.ts'
import { inspection } from './inspection.ts'
import { metrics } from './metrics.ts'
import { presets } from './presets.ts'
import { pressure } from './pressure.ts'
import { sessions } from './sessions.ts'
import { tracing } from './tracing.ts'
import type { Features } from '../manager/features.ts'

/**
 * All of them, except in browsers
 */
export const defaultFeatures: Features = { admission, bans, fairness, inspection, metrics, presets, pressure, sessions, tracing }
