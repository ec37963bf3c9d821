import { SessionRegistry } from '../../src/sessions.ts'
import type { Operation } from './operation.ts'
import type { Collector } from '../../src/index.ts'

const MESSAGE_SIZE = 4096
const MANY_SESSIONS = 10_000

function collectorOf (count: number): Collector {
  // sessions that nothing happens in must not end meanwhile
  const collector = new SessionRegistry().register('bench', { sessionTimeout: 3_600_000 })

  for (let i = 0; i < count; i++) {
    collector.registerAndActivate(`stream-${i}`, '/bench/1.0.0', '/ip4/192.0.2.1/tcp/4001', 'peer')
  }

  return collector
}

/**
 * Throughput sessions: what is done for each message, and each stream
 */
export function sessionOperations (): Operation[] {
  return [
    ...[1, MANY_SESSIONS].map(count => ({
      name: `session ingress and egress, ${count === 1 ? '1 session' : `${count} sessions in turn`}`,
      prepare () {
        const collector = collectorOf(count)
        const ids = Array.from({ length: count }, (_, i) => `stream-${i}`)
        let next = 0

        return () => {
          next = next + 1 === count ? 0 : next + 1
          collector.ingress(ids[next], MESSAGE_SIZE)
          collector.egress(ids[next], MESSAGE_SIZE)
        }
      }
    })),
    {
      name: 'session life, one message each way',
      prepare () {
        const collector = collectorOf(0)

        return () => {
          collector.register('stream-1', '/bench/1.0.0', '/ip4/192.0.2.1/tcp/4001', 'peer')
          collector.ingress('stream-1', MESSAGE_SIZE)
          collector.egress('stream-1', MESSAGE_SIZE)
          collector.unregister('stream-1')
        }
      }
    }
  ]
}
