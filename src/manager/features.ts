import { InvalidParametersError } from '@libp2p/interface'
import { MissingFeatureError } from '../errors.ts'
import { unknownName } from '../util/did-you-mean.ts'
import { invalid } from '../util/validation.ts'
import type { Feature } from './feature.ts'

/**
 * The parts of a resource manager that can be left out. A page does not download the parts that
 * are not here. They are values, so that only this package has to know what they consist of.
 */
export interface Features {
  /**
   * What is decided by address: the allowlist, how many connections there may be with a
   * subnet or network, and how often remote peers may open connections and streams
   */
  readonly admission?: Feature<'admission'>

  /**
   * The option `bans`
   */
  readonly bans?: Feature<'bans'>

  /**
   * Shares full scopes fairly, instead of keeping them for those who came first: the option
   * `fairness`
   */
  readonly fairness?: Feature<'fairness'>

  /**
   * Refusals in the log and as warnings of the process, `refusals`, `recentRefusals`, `recentEvictions`, who was
   * refused in errors, `highWaterMarks`, `explain`, `usage`, `holders`, `systemState`,
   * `serviceState`, the table of `toString`, and warnings about limits that contradict each
   * other when a node starts
   */
  readonly inspection?: Feature<'inspection'>

  /**
   * Metrics for nodes that have `metrics`
   */
  readonly metrics?: Feature<'metrics'>

  /**
   * The options `maxMemory`, `maxConnections` and `profile`
   */
  readonly presets?: Feature<'presets'>

  /**
   * The options `processMemory` and `eventLoopDelay`
   */
  readonly pressure?: Feature<'pressure'>

  /**
   * Collectors of sessions, their limits and throttling
   */
  readonly sessions?: Feature<'sessions'>

  /**
   * The options `trace`, `metricsReporter` and `shadow`
   */
  readonly tracing?: Feature<'tracing'>
}

export type FeatureName = keyof Features

/**
 * The order in which features register, and so the order of their checks: the cheapest come
 * first. Tracing before sessions, because it observes them; metrics last, because registering
 * them cannot be undone.
 */
const NAMES = Object.keys({
  presets: 0,
  inspection: 0,
  pressure: 0,
  fairness: 0,
  bans: 0,
  admission: 0,
  tracing: 0,
  sessions: 0,
  metrics: 0
} satisfies Record<FeatureName, 0>) as FeatureName[]

/**
 * Those that are there, in the order in which they register
 */
export function inOrder (features: Features): Feature[] {
  return NAMES.flatMap(name => features[name] ?? [])
}

/**
 * @throws {InvalidParametersError} If these are no features: they would silently be missing
 */
export function checkFeatures (features: Features): void {
  if (typeof features !== 'object' || features === null || Array.isArray(features)) {
    throw invalid('features', `an object such as { inspection } (${importText('inspection')})`, features)
  }

  for (const [name, feature] of Object.entries(features)) {
    if (!(NAMES as string[]).includes(name)) {
      throw new InvalidParametersError(`features.${name}: unknown feature (${unknownName(name, NAMES)})`)
    }

    if (feature !== undefined && feature?.name !== name) {
      throw invalid(`features.${name}`, importText(name), feature)
    }
  }
}

/**
 * The methods of a feature that is left out
 *
 * @throws {MissingFeatureError} when one of them is used
 */
export function missing (feature: FeatureName): any {
  return new Proxy({}, {
    get: (_, what) => {
      throw new MissingFeatureError(`${String(what)}: expected ${featureText(feature)}`)
    }
  })
}

/**
 * What to write for a feature to be there
 */
export function featureText (name: FeatureName): string {
  return `features: { ${name} } from libp2p-resource-manager/features (${importText(name)})`
}

function importText (name: string): string {
  return `import { ${name} } from 'libp2p-resource-manager/features'`
}
