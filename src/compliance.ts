/**
 * @packageDocumentation
 *
 * Tests for whoever writes a resource manager of their own, to be passed to a node with
 * `resourceManager({ manager })`, or another implementation of `ResourceManager`.
 *
 * @example
 *
 * ```ts
 * import { resourceManagerCompliance } from 'libp2p-resource-manager/compliance'
 * import { describe, it } from 'node:test'
 * import { MyManager } from './my-manager.ts'
 *
 * resourceManagerCompliance({ describe, it, create: (limits) => new MyManager(limits), refuses: true })
 * ```
 *
 * @module libp2p-resource-manager/compliance
 */

export { resourceManagerCompliance } from './compliance/suite.ts'
export type { ComplianceInit } from './compliance/compliance-init.ts'
