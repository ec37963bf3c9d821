import { ANY, BOOLEAN } from '../util/description.ts'
import type { FeatureName } from './features.ts'
import type { ResourceManagerInit } from './resource-manager-init.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * Options that are described by their own types, and checked with all of their keys where they
 * are used
 */
type CheckedElsewhere = 'fleet' | 'limits' | 'manager' | 'features' | 'logger' | 'trace'

type OptionDescription<K extends keyof ResourceManagerInit> = FeatureName | DescriptionOf<K extends CheckedElsewhere ? unknown : ResourceManagerInit[K]>

/**
 * All options of a resource manager. An option that has no meaning without a feature has the
 * name of the feature, which describes it: a page without the feature does not download that.
 */
export const OPTIONS = {
  enabled: BOOLEAN,
  enforce: BOOLEAN,
  limits: ANY,
  profile: 'presets',
  maxMemory: 'presets',
  maxConnections: 'presets',
  allowlist: 'admission',
  subnetLimits: 'admission',
  rateLimits: 'admission',
  networks: 'admission',
  trustedNetworks: 'admission',
  trustedProxies: 'admission',
  services: ANY,
  baseCosts: { connection: ANY, stream: ANY },
  transientShare: ANY,
  handlerGrace: ANY,
  fairness: 'fairness',
  bans: 'bans',
  processMemory: 'pressure',
  eventLoopDelay: 'pressure',
  trace: 'tracing',
  metricsReporter: 'tracing',
  shadow: 'tracing',
  metrics: BOOLEAN,
  sessions: 'sessions',
  warnings: 'inspection',
  fleet: ANY,
  manager: ANY,
  features: ANY,
  logger: ANY
} as const satisfies { [K in keyof Required<ResourceManagerInit>]: OptionDescription<K> }
