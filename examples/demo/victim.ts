/**
 * The node under attack, in a process of its own that may die
 */

import { adminServer } from '../../src/admin.ts'
import { PeakUsage } from './peak-usage.ts'
import { startServer } from './server.ts'
import type { RefusalCount, ResourceManager } from '../../src/index.ts'

/**
 * How often the limits are checked and the state is reported, in ms
 */
const LOOK_INTERVAL = 50
const REPORT_INTERVAL = 250

/**
 * What the process says of itself
 */
export interface VictimReport {
  address: string
  connections: number
  streams: number

  /** In bytes */
  resident: number

  /** What the resource manager has counted as memory, in bytes */
  accounted: number

  /** How much it has refused */
  refused: number

  /** The limits, in words */
  limits: string[]

  /** Where it can be looked at, with a resource manager */
  page?: string
}

/**
 * What it says in the end
 */
export interface VictimResult {
  refusals: RefusalCount[]
  exceeded: string[]

  /** What was still reserved after the node had stopped */
  reserved: string[]
}

const enabled = process.argv[2] === 'with'
const server = await startServer(enabled)
const manager = server.services.resourceManager
const peak = new PeakUsage(manager)
const admin = enabled ? await adminServer(manager, { port: 0 }) : undefined
const [address] = server.getMultiaddrs()

function report (): void {
  const connections = server.getConnections()

  process.send?.({
    address: address.toString(),
    connections: connections.length,
    streams: connections.reduce((sum, { streams }) => sum + streams.length, 0),
    resident: process.memoryUsage.rss(),
    accounted: manager.viewSystem(scope => scope.stat().memory),
    refused: manager.refusals().reduce((sum, { count }) => sum + count, 0),
    limits: enabled ? describeLimits(manager) : [],
    page: admin?.url
  } satisfies VictimReport)
}

function describeLimits ({ limits }: ResourceManager): string[] {
  if (limits == null) {
    return []
  }

  const MiB = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
  const { peerDefault, system } = limits

  return [
    `all together ${MiB(system.memory)}, ${system.connsInbound} connections and ${system.streamsInbound} streams inbound`,
    `each peer ${MiB(peerDefault.memory)}, ${peerDefault.connsInbound} connections and ${peerDefault.streamsInbound} streams inbound`
  ]
}

function findReserved (): string[] {
  manager.gc()

  const { system, transient, allowlistedSystem, allowlistedTransient, peers, protocols, services } = manager.stat()
  const scopes = { system, transient, allowlistedSystem, allowlistedTransient, ...services, ...protocols, ...peers }

  return Object.entries(scopes)
    .filter(([, stat]) => Object.values(stat).some(value => value !== 0))
    .map(([name]) => name)
}

process.on('message', () => {
  clearInterval(looking)
  clearInterval(reporting)
  void stop()
})

async function stop (): Promise<void> {
  await admin?.close()
  await server.stop()
  process.send?.({ refusals: manager.refusals(), exceeded: [...peak.exceeded], reserved: findReserved() } satisfies VictimResult)
  process.disconnect()
}

const looking = setInterval(() => { peak.look() }, LOOK_INTERVAL)
const reporting = setInterval(report, REPORT_INTERVAL)

report()
