import { expect } from 'aegir/chai'
import delay from 'delay'
import fc from 'fast-check'
import { Inbox, PROTOCOL } from '../fixtures/inbox.ts'
import { rawConnection, TestNodes } from '../fixtures/nodes.ts'
import type { NodeOptions, TestNode } from '../fixtures/nodes.ts'
import type { Connection, Stream } from '@libp2p/interface'

const NODES = 3

const LIMITS = {
  system: { conns: 4, connsInbound: 3, connsOutbound: 3, streams: 6, streamsInbound: 4, streamsOutbound: 4 },
  transient: { conns: 2, streams: 3 }
}

/**
 * Fewer than there may be already
 */
const TIGHTER = {
  system: { conns: 2, connsInbound: 1, connsOutbound: 1, streams: 3, streamsInbound: 1, streamsOutbound: 2 },
  transient: { conns: 1, streams: 1 },
  protocol: { [PROTOCOL]: { streams: 1 } }
}

/**
 * How long nodes wait for each other when they close a connection, in ms
 */
const CLOSE_TIMEOUT = 100

const OPENING = new Set(['open', 'unsupported'])

/**
 * What there is to do something with
 */
interface Target {
  self: TestNode
  remote: TestNode
  connection?: Connection
  stream?: Stream
}

const ERROR = new Error('at random')

const ACTIONS: Record<string, (target: Target) => unknown> = {
  dial: ({ self, remote }) => self.dial(remote.getMultiaddrs()[0]),
  redial: ({ self, remote }) => self.dial(remote.getMultiaddrs()[0], { force: true }),
  // without a signal, libp2p waits for ever for the end of a connection that ended before it was open for all
  hangUp: ({ self, remote }) => self.hangUp(remote.peerId, { signal: AbortSignal.timeout(CLOSE_TIMEOUT) }),
  close: ({ connection }) => connection?.close(),
  abort: ({ connection }) => connection?.abort(ERROR),
  abortRaw: ({ connection }) => connection != null && rawConnection(connection).abort(ERROR),
  // where there is one that can be destroyed
  destroySocket: ({ connection }) => connection != null && (rawConnection(connection) as any).socket?.destroy(),
  open: ({ connection }) => connection?.newStream(PROTOCOL),
  unsupported: ({ connection }) => connection?.newStream('/unsupported/1.0.0'),
  write: ({ stream }) => stream?.send(new Uint8Array(1000)),
  closeStream: ({ stream }) => stream?.close(),
  abortStream: ({ stream }) => stream?.abort(ERROR),
  tighten: ({ self }) => { self.services.resourceManager.setLimits(TIGHTER) },
  loosen: ({ self }) => { self.services.resourceManager.setLimits({}) },
  collect: ({ self }) => { self.services.resourceManager.gc() },
  restart: async ({ self }) => {
    await self.stop()
    await self.start()
  }
}

/**
 * One thing that one node does, with a connection or stream that is chosen when
 * it happens
 */
interface Step {
  action: string
  node: number
  other: number
  choice: number

  /** Whether to wait for the end of it before the next step */
  wait: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  // streams are opened more often than all else, so that there are some
  action: fc.constantFrom(...Object.keys(ACTIONS), 'open', 'open'),
  node: fc.nat(NODES - 1),
  other: fc.nat(NODES - 2),
  choice: fc.nat(100),
  wait: fc.boolean()
})

function choose<T> (from: T[], choice: number): T | undefined {
  return from[choice % from.length]
}

async function run ({ action, node, other, choice }: Step, all: TestNode[]): Promise<unknown> {
  const self = all[node]
  const connection = choose(self.getConnections(), choice)

  return ACTIONS[action]({
    self,
    remote: all[(node + 1 + other) % NODES],
    connection,
    stream: choose(connection?.streams ?? [], choice)
  })
}

/**
 * Whatever a limit allows, no more is held, and what the parts hold is what the
 * system holds
 */
function expectConsistent ({ services: { resourceManager } }: TestNode): void {
  const { system, transient, peers } = resourceManager.stat()

  expect(system.numConnsInbound).to.be.at.most(LIMITS.system.connsInbound)
  expect(system.numConnsOutbound).to.be.at.most(LIMITS.system.connsOutbound)
  expect(system.numConnsInbound + system.numConnsOutbound).to.be.at.most(LIMITS.system.conns)
  expect(system.numStreamsInbound).to.be.at.most(LIMITS.system.streamsInbound)
  expect(system.numStreamsOutbound).to.be.at.most(LIMITS.system.streamsOutbound)
  expect(system.numStreamsInbound + system.numStreamsOutbound).to.be.at.most(LIMITS.system.streams)
  expect(transient.numConnsInbound + transient.numConnsOutbound).to.be.at.most(LIMITS.transient.conns)
  expect(transient.numStreamsInbound + transient.numStreamsOutbound).to.be.at.most(LIMITS.transient.streams)

  for (const [field, extra] of [['numConnsInbound', transient], ['numConnsOutbound', transient], ['numStreamsInbound'], ['numStreamsOutbound']] as const) {
    const parts = Object.values(peers).reduce((sum, peer) => sum + peer[field], extra?.[field] ?? 0)

    expect(parts, field).to.equal(system[field])
  }
}

/**
 * Goal: nothing that nodes do to each other, in whatever order and however
 * interleaved, lets them exceed a limit or leaves something behind
 *
 * @param name
 * @param transport - What each of them is made with
 */
export function randomLives (name: string, transport: () => NodeOptions): void {
  it(`should stay within the limits and end with nothing held, over ${name}`, async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
      const nodes = new TestNodes()
      const all: TestNode[] = []

      try {
        for (let i = 0; i < NODES; i++) {
          const node = await nodes.create({
            ...transport(),
            connectionManager: { inboundConnectionThreshold: Infinity, connectionCloseTimeout: CLOSE_TIMEOUT },
            manager: { limits: LIMITS }
          })
          await Inbox.of(node)
          all.push(node)
        }

        const running: Array<Promise<unknown>> = []

        for (const current of steps) {
          if (OPENING.has(current.action)) {
            // muxers tell the remote of a new stream in a microtask, where they throw
            // if the connection is gone by then: no microtask may come before it
            await delay(0)
          }

          // refusals and lost connections are part of life
          const result = run(current, all).catch(() => {})

          running.push(result)

          if (current.wait) {
            await result
          } else if (OPENING.has(current.action)) {
            await Promise.resolve()
          }

          all.forEach(expectConsistent)
        }

        await Promise.all(running)
        all.forEach(expectConsistent)
      } finally {
        // which expects that nothing is held
        await nodes.stop()
      }
    }), { numRuns: 25, interruptAfterTimeLimit: 15_000 })
  })
}
