/**
 * The features of a resource manager: what a page may leave out. Each has a file that says all that
 * it adds.
 *
 * In: a host (`manager/host.ts`), and the options of the feature.
 * Out: what it registers there: checks, observers, parts of `stat()`, methods, and what it does with
 * a node.
 * Fails: an option that cannot be used is an `InvalidParametersError`. Without the feature, its
 * options are one as well, and its methods throw a `MissingFeatureError`.
 * Costs: its bytes in a page (`npm run check-bundle`), and what its options turn on.
 */

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
