import { ANY, BOOLEAN } from '../util/description.ts'
import type { FeatureName } from './features.ts'
import type { ResourceManagerInit } from './resource-manager-init.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * Those that are described by their own types and checked where they are used, all of
 * their keys included
 */
type CheckedElsewhere = 'fleet' | 'limits' | 'manager' | 'features' | 'logger' | 'trace'

type OptionDescription<K extends keyof ResourceManagerInit> = FeatureName | DescriptionOf<K extends CheckedElsewhere ? unknown : ResourceManagerInit[K]>

/**
 * All options of a resource manager. One that has no meaning without a feature has the
 * name of that, which describes it: a page that does not use it does not download what
 * it consists of either.
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
