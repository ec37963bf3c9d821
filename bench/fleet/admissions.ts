import delay from 'delay'
import { MemoryEngine } from '../../src/fleet/memory-engine.ts'
import { fleet } from '../../src/fleet.ts'
import { createManager, LIMITED, populate, streamLifeOf } from '../operations/operation.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { PeerId } from '@libp2p/interface'

const CONNS_AND_STREAMS = { conns: 1e6, connsInbound: 1e6, streams: 1e6, streamsInbound: 1e6 }

/** What a stream is limited by in a fleet, and never reaches */
const LIMITS = { system: CONNS_AND_STREAMS, peerDefault: CONNS_AND_STREAMS, protocolDefault: { streams: 1e6 }, serviceDefault: { streams: 1e6 } }

export const KINDS = ['alone', 'fleet'] as const
export const ADMISSIONS = ['connection', 'stream'] as const

export type Kind = typeof KINDS[number]
export type Admission = typeof ADMISSIONS[number]

export interface AdmissionsInit {
  /**
   * How long leases last, in ms
   *
   * @default 1000
   */
  ttl?: number

  /**
   * Waits until something may have been leased
   *
   * @default some time
   */
  wait?(): Promise<void>
}

/**
 * A connection and a stream with what a fleet limits, with and without one. All of it is leased
 * before anything is measured.
 */
export async function admissions (kind: Kind, peer: PeerId, { ttl = 1_000, wait = async () => delay(50) }: AdmissionsInit = {}): Promise<Record<Admission, () => void>> {
  const engine = new MemoryEngine(() => {}, undefined, true)
  const link = fleet({
    client: { run: async ({ name }, key, args) => engine.run(name, key, args), subscribe: async () => {}, unsubscribe: async () => {} },
    name: 'bench',
    ttl,
    limits: LIMITS
  })
  const manager = createManager({ ...LIMITED, ...kind === 'fleet' ? { fleet: link } : {} })

  const start = manager.start()

  for (let started = false; !started;) {
    started = await Promise.race([start.then(() => true), wait().then(() => false)])
  }

  populate(manager, [peer])

  // the system, the peer, three protocols and three services, if there is a fleet
  for (let leased = kind === 'fleet' ? 0 : 8; leased < 8; await wait()) {
    leased = link.view().leases.filter(lease => Object.entries(lease.held).some(([field, held]) => held > 0 && lease.leased[field] > held)).length
  }

  return {
    connection: () => {
      const connection = manager.core.openConnection('inbound', true) as DefaultConnectionScope

      connection.trySetPeer(peer)
      connection.done()
    },
    stream: streamLifeOf(manager, peer)
  }
}
