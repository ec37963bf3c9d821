import type { GaugeFamily, Sample } from './metric-family.ts'
import type { EventLoopDelayStat } from '../manager/resource-manager-stat.ts'

function kinds (values: Record<string, number>, unit: number = 1): Sample[] {
  return Object.entries(values).map(([kind, value]) => ({ labels: { kind }, value: value / unit }))
}

function delayKinds ({ delay, max, resume }: EventLoopDelayStat): Sample[] {
  return kinds({ delay, max, resume }, 1_000)
}

function byLevel (counts: Record<string, number> = {}): Sample[] {
  return Object.entries(counts).map(([level, value]) => ({ labels: { level }, value }))
}

/**
 * Metrics that only a node has. A family has no samples unless its option is set, and none has
 * any for a stand-alone manager.
 */
export const NODE_GAUGES: readonly GaugeFamily[] = [{
  name: 'process_memory',
  help: 'Resident memory of the process, above which inbound connections and streams are refused (max), and below which they are accepted again (resume), in bytes',
  labelNames: ['kind'],
  read: ({ nodeStat }) => {
    const { processMemory } = nodeStat()

    return processMemory == null ? [] : kinds({ resident: processMemory.resident, max: processMemory.max, resume: processMemory.resume })
  }
}, {
  name: 'event_loop_delay',
  help: 'How late the event loop is, above which inbound connections and streams are refused (max), and below which they are accepted again (resume), in seconds',
  labelNames: ['kind'],
  read: ({ nodeStat }) => {
    const { eventLoopDelay } = nodeStat()

    return eventLoopDelay == null ? [] : delayKinds(eventLoopDelay)
  }
}, {
  name: 'process_refusing',
  help: 'Whether inbound connections and streams are refused because of the process, 1 if so',
  labelNames: ['signal'],
  read: ({ nodeStat }) => {
    const { eventLoopDelay, processMemory } = nodeStat()

    return Object.entries({ memory: processMemory, event_loop_delay: eventLoopDelay })
      .flatMap(([signal, stat]) => stat == null ? [] : [{ labels: { signal }, value: stat.refusing ? 1 : 0 }])
  }
}, {
  name: 'handlers_after_close',
  help: 'How many handlers run on although their stream is closed, and keep its slot',
  labelNames: ['state'],
  read: ({ nodeStat }) => {
    const { handlers } = nodeStat()

    return handlers == null ? [] : [{ labels: { state: 'running' }, value: handlers.running }]
  }
}, {
  name: 'handlers_overdue',
  help: 'How many handlers have run on for too long to keep the slot of their closed stream, since the start',
  labelNames: [],
  isCounter: true,
  read: ({ nodeStat }) => {
    const { handlers } = nodeStat()

    return handlers == null ? [] : [{ labels: {}, value: handlers.overdue }]
  }
}, {
  name: 'bans',
  help: 'How many peers, hosts and subnets are banned',
  labelNames: ['level'],
  read: ({ nodeStat }) => byLevel(nodeStat().bans?.active)
}, {
  name: 'bans_begun',
  help: 'How many bans of peers, hosts and subnets have begun, since the start',
  labelNames: ['level'],
  isCounter: true,
  read: ({ nodeStat }) => byLevel(nodeStat().bans?.begun)
}, {
  name: 'strikes',
  help: 'How many strikes have counted for a ban, since the start',
  labelNames: ['kind'],
  isCounter: true,
  read: ({ nodeStat }) => kinds({ ...nodeStat().bans?.strikes })
}, {
  name: 'oldest_age',
  help: 'How long the connection or stream that is longest in a scope has been there, in seconds',
  labelNames: ['scope'],
  read: ({ nodeStat }) => {
    const { transientHolders } = nodeStat()

    // oldest first
    return transientHolders == null ? [] : [{ labels: { scope: 'transient' }, value: (transientHolders[0]?.age ?? 0) / 1_000 }]
  }
}]
