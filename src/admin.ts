/**
 * @packageDocumentation
 *
 * A running node can be looked at: a small HTTP server with a live page, the same as JSON for
 * commands and scripts, and metrics for Prometheus where `prom-client` is installed. It
 * listens on loopback, and changes nothing without a token. Node.js only.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { adminServer } from 'libp2p-resource-manager/admin'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager()
 *   }
 * })
 *
 * const admin = await adminServer(node.services.resourceManager, { port: 0 })
 *
 * // open it in a browser
 * console.info(admin.url)
 *
 * await admin.close()
 * await node.stop()
 * ```
 *
 * @module libp2p-resource-manager/admin
 */

export { adminServer } from './admin/admin-server.ts'
export type { AdminServer } from './admin/admin-server.ts'
export type { AdminServerInit } from './admin/admin-server-init.ts'
export type { AdminStat } from './admin/admin-stat.ts'
export type { BarStat, LiveData, LiveSample, NetworkStat, PeerStat, ServiceStat, SessionStat } from './admin/live-data.ts'
