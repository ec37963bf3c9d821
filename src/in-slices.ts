/**
 * @packageDocumentation
 *
 * Methods that read or change all peers, for nodes that have very many: each lets others have
 * the event loop after each millisecond. The methods of the resource manager with the same names
 * work in one piece, which takes about a millisecond for each 1,000 to 3,000 peers.
 *
 * An answer does not show one single moment: it may or may not have what comes or goes meanwhile.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { inSlices } from 'libp2p-resource-manager/in-slices'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager()
 *   }
 * })
 *
 * const { peers } = await inSlices(node.services.resourceManager).stat()
 * ```
 *
 * @module libp2p-resource-manager/in-slices
 */

import { sliceManager } from './reporting/sliced-manager.ts'
import type { ResourceManager } from './interface.ts'
import type { SlicedResourceManager } from './reporting/sliced-manager.ts'

/**
 * Does in slices what a resource manager does in one piece. Managers of others, and managers
 * that are off, still work in one piece.
 */
export function inSlices (manager: ResourceManager): SlicedResourceManager {
  return sliceManager(manager)
}

export type { SlicedResourceManager } from './reporting/sliced-manager.ts'
