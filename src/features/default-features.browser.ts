import type { Features } from '../manager/features.ts'

/**
 * None, so that pages download only what they use. Nobody can connect to a page from an
 * address, so it needs no admission.
 */
export const defaultFeatures: Features = {}
