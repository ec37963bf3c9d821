/**
 * @packageDocumentation
 *
 * What looks at all peers or changes all of them, on a node that has very many: each method
 * lets others have the event loop after each millisecond. The methods of the resource manager
 * with the same names do it in one piece, which takes about a millisecond for each 1,000 to
 * 3,000 peers.
 *
 * What they answer is not of one moment: what comes or goes meanwhile may be in it or not.
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
 * Does in slices what a resource manager does in one piece. Those of others, and those that
 * are off, are asked as they are.
 */
export function inSlices (manager: ResourceManager): SlicedResourceManager {
  return sliceManager(manager)
}

export type { SlicedResourceManager } from './reporting/sliced-manager.ts'
