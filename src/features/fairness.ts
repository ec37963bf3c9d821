import { resolveFairness } from '../fairness/fairness-init.ts'
import { NodeFairness } from '../libp2p/node-fairness.ts'
import { FAIRNESS_OPTIONS } from '../options/fairness-options.ts'

/**
 * Shares what is full fairly, instead of keeping it for those who came first
 */
export const fairness = { NodeFairness, resolveFairness, options: FAIRNESS_OPTIONS }
