import { createResourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Bytes of heap that stay allocated for each of many things that exist
 */
function measure (count: number, make: (i: number) => unknown): number {
  const collect = globalThis.gc

  if (collect == null) {
    throw new Error('run with --expose-gc')
  }

  const kept: unknown[] = new Array(count).fill(undefined)

  collect()
  const before = process.memoryUsage().heapUsed

  for (let i = 0; i < count; i++) {
    kept[i] = make(i)
  }

  collect()
  const after = process.memoryUsage().heapUsed

  // used after the measurement, so that nothing was collected before
  return Math.round((after - before) / kept.length)
}

/**
 * Retained heap, in bytes
 *
 * @param peers - one more than are counted
 * @param count
 */
export function measureHeap (peers: PeerId[], count: number): Record<string, number> {
  const manager = createResourceManager({ limits: InfiniteLimits })
  const collector = manager.sessions.register('bench', { sessionTimeout: 3_600_000 })
  const [peer] = peers

  return {
    'live stream scope': measure(count, () => {
      const stream = manager.openStream(peer, 'inbound')

      stream.setProtocol('/bench/1.0.0')
      stream.setService('bench')

      return stream
    }),
    'live connection scope': measure(count, () => {
      const connection = manager.openConnection('inbound', true)

      connection.setPeer(peer)

      return connection
    }),
    session: measure(count, i => {
      collector.registerAndActivate(`stream-${i}`, '/bench/1.0.0', '/ip4/192.0.2.1/tcp/4001', 'peer')
    }),
    'idle peer': measure(peers.length - 1, i => {
      manager.viewPeer(peers[i + 1], () => {})
    })
  }
}
