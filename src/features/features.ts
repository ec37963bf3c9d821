import { MissingFeatureError } from '../errors.ts'
import { checkObject, invalid } from '../validation.ts'
import type { admission } from './admission.ts'
import type { inspection } from './inspection.ts'
import type { metrics } from './metrics.ts'
import type { presets } from './presets.ts'
import type { pressure } from './pressure.ts'
import type { sessions } from './sessions.ts'
import type { tracing } from './tracing.ts'
import type { ResourceManagerInit } from '../resource-manager-init.ts'

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
   * Refusals in the log, `explain`, `usage`, `holders`, `systemState`, `serviceState`,
   * the table of `toString`, and warnings about limits that contradict each other when a
   * node starts
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
   * The option `trace`
   */
  readonly tracing?: typeof tracing
}

/**
 * The options that have no meaning without a feature
 */
const NEEDED_BY: { [K in keyof ResourceManagerInit]?: keyof Features } = {
  allowlist: 'admission',
  subnetLimits: 'admission',
  rateLimits: 'admission',
  trustedNetworks: 'admission',
  maxMemory: 'presets',
  maxConnections: 'presets',
  profile: 'presets',
  processMemory: 'pressure',
  eventLoopDelay: 'pressure',
  sessions: 'sessions',
  trace: 'tracing'
}

/**
 * @throws {InvalidParametersError} If these are no features, or naming an option whose
 * feature is left out: it would silently have no effect
 */
export function checkFeatures (init: ResourceManagerInit, features: Features): void {
  checkObject('features', features)

  for (const [option, feature] of Object.entries(NEEDED_BY)) {
    const value = init[option as keyof ResourceManagerInit]

    // what is turned off needs nothing
    if (value != null && value !== false && features[feature] == null) {
      throw invalid(option, featureText(feature), value)
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

function featureText (name: keyof Features): string {
  return `features: { ${name} } from libp2p-resource-manager/features`
}
