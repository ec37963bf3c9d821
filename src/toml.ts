/**
 * @packageDocumentation
 *
 * Limits from TOML, wherever the text comes from. It is an entry point of its own, because its
 * parser is larger than most parts of this package.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { limitsFromTOML } from 'libp2p-resource-manager/toml'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager({
 *       limits: limitsFromTOML(`
 *         [System]
 *         ConnsInbound = 200
 *       `)
 *     })
 *   }
 * })
 *
 * console.info(node.services.resourceManager.limits?.system.connsInbound)
 * ```
 *
 * @module libp2p-resource-manager/toml
 */

export { DEFAULT_MEMORY_SIZE, LIMIT_FACTOR, limitsFromTOML } from './limits/limits-toml.ts'
