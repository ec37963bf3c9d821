/**
 * @packageDocumentation
 *
 * A small HTTP server that shows a running node: a live page, the same as JSON for commands and
 * scripts, and metrics for Prometheus where `prom-client` is installed. It listens on loopback,
 * and changes nothing without a token. Node.js only.
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

import { startAdminServer } from './admin/admin-server.ts'
import type { AdminServerInit } from './admin/admin-server-init.ts'
import type { AdminServer } from './admin/admin-server.ts'
import type { ResourceManager } from './interface.ts'

/**
 * Starts a server that shows a running node to a browser, to commands and to Prometheus. It
 * listens on loopback unless there is a `token`.
 *
 * @throws {InvalidParametersError} naming the option that cannot be used: a port that is taken
 * as well
 */
export async function adminServer (manager: ResourceManager, init: AdminServerInit): Promise<AdminServer> {
  return startAdminServer(manager, init)
}

export type { AdminServer } from './admin/admin-server.ts'
export type { AdminServerInit } from './admin/admin-server-init.ts'
export type { AdminStat } from './admin/admin-stat.ts'
export type { BarStat, FleetView, GroupStat, LiveData, LiveSample, NetworkStat, PeakStat, PeerStat, ServiceStat, SessionStat } from './admin/live-data.ts'
