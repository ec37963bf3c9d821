import type { MemorySize } from './memory-size.ts'

/**
 * What a profile sets
 */
export interface Profile {
  /**
   * The most memory libp2p may reserve
   */
  maxMemory: MemorySize

  /**
   * The most connections. With less than 1 MiB of memory for each of them there
   * are fewer: one for every MiB, but at least 128.
   */
  maxConnections: number

  /**
   * The part of the connections that may be inbound. The rest is for the node's
   * own dials, however many peers want to connect to it.
   */
  inboundShare: number
}

/**
 * What a node is for:
 *
 * - `'relay'`: a machine with a public address whose purpose is to serve others,
 * such as a circuit relay or a bootstrap node. Half of the memory, 4096
 * connections, 7/8 of them inbound.
 * - `'server'`: a service in a data centre that also dials, such as a DHT server
 * or a backend of an application. A quarter of the memory, 1024 connections, 3/4
 * of them inbound.
 * - `'desktop'`: an application on somebody's computer, beside others. An eighth
 * of the memory, 300 connections (as many as libp2p's connection manager allows
 * in Node.js), half of them inbound.
 * - `'browser'`: a page or a worker. A sixteenth of the memory of the device, 100
 * connections (as many as libp2p's connection manager allows in browsers), half
 * of them inbound.
 */
export type ProfileName = 'relay' | 'server' | 'desktop' | 'browser'

/**
 * The numbers of the profiles
 */
export const PROFILES: Readonly<Record<ProfileName, Readonly<Profile>>> = {
  relay: { maxMemory: '50%', maxConnections: 4096, inboundShare: 7 / 8 },
  server: { maxMemory: '25%', maxConnections: 1024, inboundShare: 3 / 4 },
  desktop: { maxMemory: '12.5%', maxConnections: 300, inboundShare: 1 / 2 },
  browser: { maxMemory: '6.25%', maxConnections: 100, inboundShare: 1 / 2 }
}
