import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { CODE_P2P } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { interceptedNoise, never } from './fixtures/encrypters.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { held, leaveRoom, TestNodes } from './fixtures/nodes.ts'
import { overMemory, withoutFeatures } from './fixtures/transports.ts'
import { wiringSuite } from './suite/index.ts'

wiringSuite('memory, yamux', overMemory(yamux()))
wiringSuite('memory, mplex', overMemory(mplex()))
wiringSuite('memory, yamux, without features', withoutFeatures(overMemory(yamux())))

describe('a transport whose connections have another address than was dialled', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should count a connection once', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes)
    leaveRoom(dialer, { connsOutbound: 1 })

    // the connection has the peer id in its address
    await dialer.dial(address.decapsulateCode(CODE_P2P))

    expect(held(dialer)).to.deep.equal({
      system: { numConnsOutbound: 1 },
      [listener.peerId.toString()]: { numConnsOutbound: 1 }
    })
  })

  it('should count a connection once during the handshake', async () => {
    let begun = false
    const { dialer, address } = await overMemory().connect(nodes, {
      dialer: { connectionEncrypters: [interceptedNoise({ outbound: async (options) => { begun = true; await never(options) } })] }
    })
    const controller = new AbortController()
    const dial = rejection(dialer.dial(address.decapsulateCode(CODE_P2P), { signal: controller.signal }))

    await eventually(() => begun, 'the handshake')
    expect(held(dialer).system).to.deep.equal({ numConnsOutbound: 1 })

    controller.abort()
    await dial
  })
})
