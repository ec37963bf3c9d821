import { InvalidParametersError } from '@libp2p/interface'
import { MissingFeatureError } from '../errors.ts'
import { unknownName } from '../util/did-you-mean.ts'
import { invalid } from '../util/validation.ts'
import type { admission } from './admission.ts'
import type { bans } from './bans.ts'
import type { fairness } from './fairness.ts'
import type { inspection } from './inspection.ts'
import type { metrics } from './metrics.ts'
import type { presets } from './presets.ts'
import type { pressure } from './pressure.ts'
import type { sessions } from './sessions.ts'
import type { tracing } from './tracing.ts'

/**
 * The parts of a resource manager that can be left out: what is not here is not
 * downloaded by a page either. They are values, so that nothing but this package has to
 * know what they consist of.
 */
export interface Features {
  /**
   * What is decided by address: the allowlist, how many connections there may be with a
   * subnet or network, and how often remote peers may open connections and streams
   */
  readonly admission?: typeof admission

  /**
   * The option `bans`
   */
  readonly bans?: typeof bans

  /**
   * Shares what is full fairly, instead of keeping it for those who came first: the option
   * `fairness`
   */
  readonly fairness?: typeof fairness

  /**
   * Refusals in the log and as warnings of the process, `refusals`, `recentRefusals`, who was
   * refused in errors, `highWaterMarks`, `explain`, `usage`, `holders`, `systemState`,
   * `serviceState`, the table of `toString`, and warnings about limits that contradict each
   * other when a node starts
   */
  readonly inspection?: typeof inspection

  /**
   * Metrics for nodes that have `metrics`
   */
  readonly metrics?: typeof metrics

  /**
   * The options `maxMemory`, `maxConnections` and `profile`
   */
  readonly presets?: typeof presets

  /**
   * The options `processMemory` and `eventLoopDelay`
   */
  readonly pressure?: typeof pressure

  /**
   * Collectors of sessions, their limits and throttling
   */
  readonly sessions?: typeof sessions

  /**
   * The options `trace`, `metricsReporter` and `shadow`
   */
  readonly tracing?: typeof tracing
}

const NAMES = Object.keys({
  admission: 0,
  bans: 0,
  fairness: 0,
  inspection: 0,
  metrics: 0,
  presets: 0,
  pressure: 0,
  sessions: 0,
  tracing: 0
} satisfies Record<keyof Features, 0>)

/**
 * @throws {InvalidParametersError} If these are no features: they would silently not be there
 */
export function checkFeatures (features: Features): void {
  if (typeof features !== 'object' || features === null || Array.isArray(features)) {
    throw invalid('features', `an object such as { inspection } (${importText('inspection')})`, features)
  }

  for (const [name, feature] of Object.entries(features)) {
    if (!NAMES.includes(name)) {
      throw new InvalidParametersError(`features.${name}: unknown feature (${unknownName(name, NAMES)})`)
    }

    if (feature !== undefined && (typeof feature !== 'object' || feature === null)) {
      throw invalid(`features.${name}`, importText(name), feature)
    }
  }
}

/**
 * @param part - of a feature, if it is there
 * @param feature - the name of that
 * @param what - what was called
 * @throws {MissingFeatureError} If it is left out
 */
export function need <T> (part: T | undefined, feature: keyof Features, what: string): T {
  if (part == null) {
    throw new MissingFeatureError(`${what}: expected ${featureText(feature)}`)
  }

  return part
}

/**
 * What to write for a feature to be there
 */
export function featureText (name: keyof Features): string {
  return `features: { ${name} } from libp2p-resource-manager/features (${importText(name)})`
}

function importText (name: string): string {
  return `import { ${name} } from 'libp2p-resource-manager/features'`
}
