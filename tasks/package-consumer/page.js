/**
 * What pages get, which bundlers find with the condition `browser`: `node --conditions=browser`
 */

import assert from 'node:assert/strict'
import { peerIdFromString } from '@libp2p/peer-id'
import { createResourceManager, StreamLimitExceededError } from 'libp2p-resource-manager'
import { inspection } from 'libp2p-resource-manager/features'

assert.match(import.meta.resolve('libp2p-resource-manager'), /\/dist\/browser\/index\.js$/)

const peer = peerIdFromString('12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4')
const plain = createResourceManager({ limits: { peerDefault: { streamsInbound: 1 } } })
const manager = createResourceManager({ limits: { peerDefault: { streamsInbound: 1 } }, features: { inspection } })

for (const each of [plain, manager]) {
  const stream = each.openStream(peer, 'inbound')

  assert.throws(() => { each.openStream(peer, 'inbound') }, StreamLimitExceededError)
  assert.equal(each.stat().system.numStreamsInbound, 1)

  stream.done()

  assert.equal(each.stat().system.numStreamsInbound, 0)
}

// a feature that was not asked for is not there
assert.throws(() => { plain.usage() }, /inspection/)
assert.ok(manager.usage())
