/**
 * Two installed versions of the package in one program: a node with one of them, and a protocol
 * that was built with the other
 */

import assert from 'node:assert/strict'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import * as current from 'libp2p-resource-manager'
// check-package.js installs it under this name, with another version
// @ts-expect-error it is not there otherwise
import * as other from 'other-resource-manager'

const PROTOCOL = '/two-versions/1.0.0'

assert.notEqual(current.resourceManager, other.resourceManager)

/**
 * @param {typeof current} version - Whose resource manager it has
 * @param {string[]} listen
 */
async function createNode ({ resourceManager }, listen) {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { resourceManager: resourceManager({ baseCosts: false }) }
  })
}

for (const [ofNode, ofProtocol] of [[current, other], [other, current]]) {
  const listener = await createNode(ofNode, ['/ip4/127.0.0.1/tcp/0'])
  const dialer = await createNode(ofProtocol, [])
  /** @type {PromiseWithResolvers<import('@libp2p/interface').Stream>} */
  const inbound = Promise.withResolvers()

  await listener.handle(PROTOCOL, stream => { inbound.resolve(stream) })
  await dialer.dialProtocol(listener.getMultiaddrs(), PROTOCOL)

  const scope = ofProtocol.getStreamScope(await inbound.promise)
  const { resourceManager: manager } = listener.services

  assert.equal(scope.stat().numStreamsInbound, 1)
  scope.reserveMemory(1_000)
  assert.ok(manager.stat().system.memory >= 1_000)
  assert.throws(() => { scope.reserveMemory(2 ** 50) }, ofProtocol.MemoryLimitExceededError)
  assert.throws(() => { scope.reserveMemory(2 ** 50) }, ofNode.ResourceLimitExceededError)

  await Promise.all([dialer.stop(), listener.stop()])
}
