import type { Features } from '../manager/features.ts'

/**
 * None, so that pages do not download what they do not use. Nobody can connect to a page
 * from an address, so there is nothing for the admission to protect it from.
 */
export const defaultFeatures: Features = {}
