import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultLogger } from '@libp2p/logger'
import { prometheusMetrics as nodeMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import { traceFile } from '../../src/node.ts'
import { prometheusMetrics } from '../../src/prometheus.ts'
import { registerMetrics } from '../../src/reporting/libp2p-metrics.ts'
import { createManager, LIMITED, populate, streamLifeOf } from './operation.ts'
import type { Operation } from './operation.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Far more scrapes than there ever are: they come every few seconds
 */
const LIVES_PER_SCRAPE = 10_000

/**
 * A life is about ten events, and no more than 65,536 may wait to be written
 */
const LIVES_PER_FLUSH = 1_000

/**
 * The same life with more and more reporting, the first one with none
 */
export function reportedLives ([peer]: PeerId[]): Operation[] {
  return [
    {
      name: 'stream life, no reporting',
      prepare () {
        const manager = createManager(LIMITED)

        populate(manager, [peer])

        return streamLifeOf(manager, peer)
      }
    },
    {
      name: 'stream life, metrics of libp2p',
      prepare () {
        const manager = createManager(LIMITED)

        populate(manager, [peer])
        registerMetrics(nodeMetrics({ registry: new Registry(), collectDefaultMetrics: false })({ logger: defaultLogger() }), manager.metricsSource)

        return streamLifeOf(manager, peer)
      }
    },
    {
      name: 'stream life, Prometheus reporter',
      prepare () {
        const manager = createManager(LIMITED)

        populate(manager, [peer])
        prometheusMetrics(manager, { registry: new Registry() })

        return streamLifeOf(manager, peer)
      }
    },
    {
      name: `stream life, Prometheus reporter, a scrape every ${LIVES_PER_SCRAPE} lives`,
      timeOnly: true,
      times: LIVES_PER_SCRAPE,
      prepare () {
        const manager = createManager(LIMITED)
        const registry = new Registry()
        const life = streamLifeOf(manager, peer)

        populate(manager, [peer])
        prometheusMetrics(manager, { registry })

        return async () => {
          live(LIVES_PER_SCRAPE, life)
          await registry.metrics()
        }
      }
    },
    {
      name: 'stream life, trace file, until it is written',
      timeOnly: true,
      times: LIVES_PER_FLUSH,
      prepare () {
        const file = traceFile(join(tmpdir(), `bench-trace-${process.pid}.json.gz`))
        const manager = createManager({ ...LIMITED, trace: [file] })
        const life = streamLifeOf(manager, peer)

        populate(manager, [peer])

        return async () => {
          live(LIVES_PER_FLUSH, life)
          await file.flush()

          if (file.dropped > 0) {
            throw new Error('the trace is not complete')
          }
        }
      }
    }
  ]
}

function live (times: number, life: () => void): void {
  for (let i = 0; i < times; i++) {
    life()
  }
}

/**
 * Looking at everything, with as many peers as there are
 */
export function viewOperations (peers: PeerId[]): Operation[] {
  return [
    {
      name: `stat() with ${peers.length} peers`,
      timeOnly: true,
      prepare () {
        const manager = createManager(LIMITED)

        populate(manager, peers)

        return () => { manager.stat() }
      }
    },
    {
      name: `a scrape of the Prometheus reporter with ${peers.length} peers`,
      timeOnly: true,
      prepare () {
        const manager = createManager(LIMITED)
        const registry = new Registry()

        populate(manager, peers)
        prometheusMetrics(manager, { registry })

        return async () => { await registry.metrics() }
      }
    }
  ]
}
