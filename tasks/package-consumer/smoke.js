/**
 * Two nodes over TCP: an echo, refusals at both ends, and nothing left at the end
 */

import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { echo } from '@libp2p/echo'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { resourceManager, StreamLimitExceededError } from 'libp2p-resource-manager'

/**
 * One peer may have one of its streams
 */
const SINGLE = '/single/1.0.0'

/**
 * The dialer may have none of its streams
 */
const BLOCKED = '/blocked/1.0.0'

const PATIENCE = 10_000

/**
 * @param {import('libp2p-resource-manager').ResourceManagerInit} init
 * @param {import('libp2p').Libp2pOptions} [options]
 */
async function createNode (init, options) {
  return createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options,
    services: {
      resourceManager: resourceManager(init),
      echo: echo()
    }
  })
}

/**
 * @param {() => boolean} condition
 * @param {string} what
 */
async function eventually (condition, what) {
  for (const deadline = Date.now() + PATIENCE; !condition(); await setTimeout(5)) {
    assert(Date.now() < deadline, `waited in vain for ${what}`)
  }
}

/**
 * @param {Awaited<ReturnType<typeof createNode>>} node
 */
function holdsNothing ({ services: { resourceManager } }) {
  const { system, transient } = resourceManager.stat()

  return [...Object.values(system), ...Object.values(transient)].every(value => value === 0)
}

const listener = await createNode({ limits: { protocolPeer: { [SINGLE]: { streamsInbound: 1 } } } }, { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
const dialer = await createNode({ limits: { protocol: { [BLOCKED]: { streamsOutbound: 'blockAll' } } } })

await listener.handle([SINGLE, BLOCKED], () => {})

const connection = await dialer.dial(listener.getMultiaddrs())
const echoed = await dialer.services.echo.echo(listener.peerId, new Uint8Array(100_000).fill(7))

assert.deepEqual(new Set(echoed.subarray()), new Set([7]))
assert.equal(echoed.byteLength, 100_000)
assert.equal(dialer.services.resourceManager.stat().system.numFD, 1)
assert.equal(listener.services.resourceManager.stat().system.numConnsInbound, 1)

await assert.rejects(connection.newStream(BLOCKED), StreamLimitExceededError)

await connection.newStream(SINGLE)
const second = await connection.newStream(SINGLE).catch(() => {})
await eventually(() => second?.status !== 'open', 'the reset of the second stream')
assert.equal(listener.services.resourceManager.stat().protocols[SINGLE].numStreamsInbound, 1)

await Promise.all([dialer.stop(), listener.stop()])
await eventually(() => holdsNothing(dialer) && holdsNothing(listener), 'the end of everything')
