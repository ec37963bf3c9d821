import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createResourceManager } from '../../src/index.ts'
import { CapturedLogger } from '../libp2p/fixtures/captured-logger.ts'
import type { PeerId } from '@libp2p/interface'

const SHA256 = 0x12
const HASH_LENGTH = 32
const ATTEMPTS = 100_000

/**
 * A peer that nobody has met before
 */
function somePeer (i: number): PeerId {
  const bytes = new Uint8Array(2 + HASH_LENGTH)
  const digest = bytes.subarray(2)

  bytes.set([SHA256, HASH_LENGTH])
  new DataView(bytes.buffer).setUint32(2, i)

  return peerIdFromMultihash({ code: SHA256, size: HASH_LENGTH, digest, bytes })
}

describe('attacks on the manager itself', () => {
  it('should keep nothing of 100,000 peers that come and go', () => {
    const manager = createResourceManager({ rateLimits: false })

    for (let i = 0; i < ATTEMPTS; i++) {
      const peer = somePeer(i)
      const connection = manager.openConnection('inbound', true, multiaddr('/ip4/127.0.0.1/tcp/1'))
      connection.setPeer(peer)
      const stream = manager.openStream(peer, 'inbound')
      stream.setProtocol('/a/1.0.0')
      stream.done()
      connection.done()

      if (i % 10_000 === 0) {
        manager.gc()
      }
    }

    manager.gc()
    expect(manager.listPeers()).to.deep.equal([])
    expect(manager.listProtocols()).to.deep.equal([])
    expect(manager.stat().system).to.deep.equal({ memory: 0, numStreamsInbound: 0, numStreamsOutbound: 0, numConnsInbound: 0, numConnsOutbound: 0, numFD: 0 })
  })

  it('should refuse 100,000 connections and streams without growing, in a few lines of log', () => {
    const logger = new CapturedLogger()
    const manager = createResourceManager({ logger, rateLimits: false, limits: { system: { connsInbound: 'blockAll', streamsInbound: 'blockAll' } } })
    const address = multiaddr('/ip4/127.0.0.1/tcp/1')
    let refused = 0

    for (let i = 0; i < ATTEMPTS; i++) {
      for (const open of [() => manager.openConnection('inbound', true, address), () => manager.openStream(somePeer(i), 'inbound')]) {
        try {
          open()
        } catch {
          refused++
        }
      }
    }

    expect(refused).to.equal(2 * ATTEMPTS)
    expect(manager.refusals()).to.have.lengthOf(2)
    expect(logger.errors.length).to.be.below(20)
    manager.gc()
    expect(manager.listPeers()).to.deep.equal([])
  })
})
