import { FAIRNESS_OPTIONS, resolveFairness } from '../fairness/fairness-init.ts'
import { NodeFairness } from '../libp2p/fairness/node-fairness.ts'

/**
 * Shares what is full fairly, instead of keeping it for those who came first
 */
export const fairness = { NodeFairness, resolveFairness, options: FAIRNESS_OPTIONS }
