import { ANY } from '../util/description.ts'
import type { FairnessInit } from './fairness-init.ts'
import type { DescriptionOf } from '../util/description.ts'

const PREFIX_LENGTHS = { ipv4: ANY, ipv6: ANY } as const

/**
 * Who shares what is full with whom
 */
export const FAIRNESS_OPTIONS = {
  fairness: { networks: PREFIX_LENGTHS, subnets: PREFIX_LENGTHS, hosts: PREFIX_LENGTHS, protect: ANY, useful: ANY, handshakes: { cpu: ANY } }
} as const satisfies DescriptionOf<{ fairness?: FairnessInit | false }>
