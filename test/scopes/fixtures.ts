import { peerIdFromString } from '@libp2p/peer-id'
import { createResourceManager } from '../../src/index.ts'
import { build } from '../../src/limits/build-limits.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import type { RefusalCount, ResourceManager, ResourceManagerInit, ScopeStat } from '../../src/index.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { ComponentLogger, Logger, PeerId } from '@libp2p/interface'

export const peerA = peerIdFromString('12D3KooWJzTfskWUcKTU6uVbiKP95s73P9RpXmB1vzYbYNcergKe')
export const peerB = peerIdFromString('12D3KooWNzyZuQtEHEmmv3jHLcRtBSQQaSUBCDs6rQJuX7LgfmwC')
export const peerC = peerIdFromString('12D3KooWHZL53cGGg2Dfiq22jo88xCuW6Sjtn3aRaCj4LeGKoCmn')

/**
 * The scopes of the peers, as error messages name them
 */
export const PEER_A = `peer:${peerA}`
export const PEER_B = `peer:${peerB}`

export const PROTOCOL = '/test/1.0.0'
export const SERVICE = 'test-service'

export const NOTHING: ScopeStat = Object.freeze({
  memory: 0,
  numStreamsInbound: 0,
  numStreamsOutbound: 0,
  numConnsInbound: 0,
  numConnsOutbound: 0,
  numFD: 0
})

/**
 * Limits in which everything is unlimited that is not named
 */
export function unlimitedBut (limits: PartialLimitConfig): ConcreteLimitConfig {
  return build(limits, InfiniteLimits)
}

/**
 * A manager in which everything is unlimited that is not named
 */
export function createManager (limits: PartialLimitConfig = {}, init: ResourceManagerInit = {}): ResourceManager {
  return createResourceManager({ warnings: false, ...init, limits: unlimitedBut(limits) })
}

/**
 * Makes a logger that remembers the errors that are logged
 */
export function recordingLogger (enabled = false): { errors: string[], messages: string[], logger: ComponentLogger } {
  const errors: string[] = []
  const messages: string[] = []
  const print = (format: string, ...args: unknown[]): string => format.replace(/%[sd]/g, () => String(args.shift()))
  const log: Logger = Object.assign((format: string, ...args: unknown[]) => { messages.push(print(format, ...args)) }, {
    enabled,
    error: (format: string, ...args: unknown[]) => { errors.push(print(format, ...args)) },
    trace: () => {},
    newScope: () => log
  })

  return { errors, messages, logger: { forComponent: () => log } }
}

/**
 * As many different peers as a test wants. Making real keys for them would take
 * longer than the test.
 */
export function fakePeer (index: number): PeerId {
  const name = `peer-${index}`

  return { ...peerA, toMultihash: () => peerA.toMultihash(), toString: () => name } as any
}

/**
 * The error that `fn` throws
 */
export function errorOf (fn: () => unknown): any {
  try {
    fn()
  } catch (err) {
    return err
  }

  throw new Error('Expected an error')
}

/**
 * How often what was refused, without what differs from one run to the next
 */
export function refusalCounts (manager: Pick<ResourceManager, 'refusals'>): Array<Omit<RefusalCount, 'setting' | 'lastTime'>> {
  return manager.refusals().map(({ kind, resource, direction, count }) => ({ kind, resource, direction, count }))
}
