import { ANY } from './description.ts'
import type { DescriptionOf } from './description.ts'
import type { AdmissionChanges } from '../admission/admission-rules.ts'
import type { AdmissionOptions } from '../admission/admission.ts'
import type { RateLimitOptions } from '../admission/rate-limit-handler.ts'
import type { RateLimits } from '../admission/rate-limits.ts'
import type { NetworkPrefixLimit } from '../admission/subnet-limits.ts'

const RATE = { rate: ANY, burst: ANY } as const
const SUBNET_RATES = [{ prefixLength: ANY, ...RATE }] as const
const SUBNET_LIMITS = [{ prefixLength: ANY, connCount: ANY }] as const

export const PREFIX_LIMIT = { network: ANY, connCount: ANY } as const satisfies DescriptionOf<NetworkPrefixLimit>

const RATE_LIMITS = {
  global: RATE,
  prefixes: [{ network: ANY, ...RATE }],
  ipv4: SUBNET_RATES,
  ipv6: SUBNET_RATES,
  maxSubnets: ANY
} as const satisfies DescriptionOf<RateLimits>

export const RATE_LIMIT_OPTIONS = {
  ...RATE_LIMITS,
  peer: RATE,
  maxPeers: ANY,
  now: ANY
} as const satisfies DescriptionOf<RateLimitOptions>

/**
 * What can be changed as a whole
 */
export const ADMISSION_CHANGES = {
  subnetLimits: { ipv4: SUBNET_LIMITS, ipv6: SUBNET_LIMITS, prefixes: [PREFIX_LIMIT] },
  rateLimits: {
    connections: RATE_LIMITS,
    streams: { peer: RATE, protocol: { '*': RATE }, protocolPeer: { '*': RATE }, maxPeers: ANY }
  },
  networks: [{ network: ANY, connCount: ANY, ...RATE }],
  trustedNetworks: ANY
} as const satisfies DescriptionOf<AdmissionChanges>

/**
 * What is decided by address
 */
export const ADMISSION_OPTIONS = {
  ...ADMISSION_CHANGES,
  allowlist: ANY,
  trustedProxies: ANY
} as const satisfies DescriptionOf<AdmissionOptions>
