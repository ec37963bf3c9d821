/**
 * @packageDocumentation
 *
 * The parts of a resource manager that a page leaves out unless it asks for them. In
 * Node.js all of them are there, and nothing has to be imported from here.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { inspection, sessions } from 'libp2p-resource-manager/features'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager({
 *       features: { inspection, sessions },
 *       sessions: { collectors: { 'libp2p.ping': {} } }
 *     })
 *   }
 * })
 *
 * console.info(String(node.services.resourceManager))
 * ```
 *
 * @module libp2p-resource-manager/features
 */

export { admission } from './features/admission.ts'
export { bans } from './features/bans.ts'
export { fairness } from './features/fairness.ts'
export { inspection } from './features/inspection.ts'
export { metrics } from './features/metrics.ts'
export { presets } from './features/presets.ts'
export { pressure } from './features/pressure.ts'
export { sessions } from './features/sessions.ts'
export { tracing } from './features/tracing.ts'
export type { Feature } from './manager/feature.ts'
export type { Features } from './manager/features.ts'
