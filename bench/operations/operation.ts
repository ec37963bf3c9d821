import { createResourceManager } from '../../src/index.ts'
import { build, DefaultLimits, InfiniteLimits } from '../../src/limits.ts'
import type { ConcreteLimitConfig, PartialLimitConfig, ResourceManagerInit } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import type { PeerId } from '@libp2p/interface'

export type Repeated = () => void | Promise<void>

/**
 * One thing that is measured
 */
export interface Operation {
  name: string

  /**
   * What it allocates depends on how far the compiler has got, or on more than what it
   * does itself, so only the time is measured
   */
  timeOnly?: boolean

  /**
   * How many times it is done when what `prepare` returns is called once
   *
   * @default 1
   */
  times?: number

  /**
   * Makes what it needs
   *
   * @returns What is repeated
   */
  prepare(): Repeated | Promise<Repeated>
}

export const PROTOCOL = '/bench/1.0.0'
export const SERVICE = 'bench'

const STREAMS_PER_PEER = 3

/**
 * The defaults of a machine with 8 GiB, wherever this runs: the engine has another way to
 * compare numbers that are too large for a small integer
 */
const DEFAULTS = DefaultLimits.scale({ memory: 2 ** 30, fds: 2 ** 15 })

export function limitsWith (limits: PartialLimitConfig): { limits: ConcreteLimitConfig } {
  return { limits: build(limits, DEFAULTS) }
}

/** No limit at all */
export const UNLIMITED: ResourceManagerInit = { limits: InfiniteLimits }

/** Limits that are checked and never reached */
export const NEVER_REACHED: PartialLimitConfig = {
  system: { streams: 1e6, streamsInbound: 1e6, conns: 1e6, connsInbound: 1e6, fd: 1e6 },
  serviceDefault: { streams: 1e6, streamsInbound: 1e6 },
  protocolDefault: { streams: 1e6, streamsInbound: 1e6 }
}

export const LIMITED = limitsWith(NEVER_REACHED)

/** Nothing that a remote opens fits */
export const FULL = limitsWith({ system: { streamsInbound: 0, connsInbound: 0 } })

/**
 * The wiring uses the methods that answer instead of throwing
 */
export function createManager (init: ResourceManagerInit): DefaultResourceManager {
  return createResourceManager(init) as DefaultResourceManager
}

export function openStream (manager: DefaultResourceManager, peer: PeerId, protocol = PROTOCOL, service = SERVICE): DefaultStreamScope {
  const stream = manager.core.openStream(peer, 'inbound') as DefaultStreamScope

  stream.trySetProtocol(protocol)
  stream.tryAssignService(service)

  return stream
}

/**
 * A manager whose peers all have a connection and some streams
 */
export function populate (manager: DefaultResourceManager, peers: PeerId[]): void {
  for (const peer of peers) {
    const connection = manager.core.openConnection('inbound', true) as DefaultConnectionScope

    connection.trySetPeer(peer)

    for (let i = 0; i < STREAMS_PER_PEER; i++) {
      openStream(manager, peer, `/bench/${i}`, `bench-${i}`)
    }
  }
}

/**
 * The life of a stream at a peer that has others
 */
export function streamLifeOf (manager: DefaultResourceManager, peer: PeerId): () => void {
  return () => { openStream(manager, peer, '/bench/1', 'bench-1').done() }
}

/**
 * @param times - How often: as many as `repeated` does at once, or a multiple of that
 * @param operation
 * @param repeated - what the operation has prepared
 */
export async function repeat (times: number, operation: Operation, repeated: Repeated): Promise<void> {
  const { times: atOnce = 1 } = operation

  for (let i = 0; i < times; i += atOnce) {
    const result = repeated()

    if (result != null) {
      await result
    }
  }
}
