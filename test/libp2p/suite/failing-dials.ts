import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CODE_P2P } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { interceptedNoise, never } from '../fixtures/encrypters.ts'
import { eventually, rejection } from '../fixtures/eventually.ts'
import { componentsOf, eventuallyHeld, held, TestNodes } from '../fixtures/nodes.ts'
import { eventuallyBackTo, heldByBoth } from './transport.ts'
import type { Pair, PairOptions, TransportUnderTest } from './transport.ts'
import type { Interception } from '../fixtures/encrypters.ts'
import type { SecureConnectionOptions } from '@libp2p/interface'

/**
 * How long a handshake may take in tests that wait for it to time out, in ms
 */
const HANDSHAKE_TIMEOUT = 50

/**
 * What breaks handshakes, one way or another
 */
const FAILING_HANDSHAKES: Record<string, (pair: Pair) => void> = {
  'have no encryption in common': ({ listener }) => {
    componentsOf(listener).upgrader.getConnectionEncrypters().clear()
  },
  'have no muxer in common': ({ listener }) => {
    const muxers = componentsOf(listener).upgrader.getStreamMuxers()
    const [factory] = muxers.values()

    muxers.clear()
    muxers.set('/other-muxer/1.0.0', factory)
  },
  'fail before they are encrypted': ({ dialer }) => {
    componentsOf(dialer).connectionProtector = { protect: async () => { throw new Error('broken') } }
  }
}

/**
 * What goes wrong at one end during the handshake
 */
const INTERRUPTIONS: Record<string, (options?: SecureConnectionOptions) => Promise<void>> = {
  fails: async () => { throw new Error('broken') },
  'times out': never
}

export function failingDials (transport: TransportUnderTest): void {
  describe('a dial that fails', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    /**
     * A pair and a check that both hold only what they held before
     */
    async function unconnected (options?: PairOptions): Promise<Pair & { expectNothing(): Promise<void> }> {
      const pair = await transport.connect(nodes, options)
      const before = heldByBoth(pair)

      return { ...pair, expectNothing: async () => eventuallyBackTo(before, pair) }
    }

    for (const [failure, prepare] of Object.entries(FAILING_HANDSHAKES)) {
      it(`should leave nothing when handshakes ${failure}`, async () => {
        const pair = await unconnected()

        prepare(pair)
        await rejection(pair.dialer.dial(pair.address))
        await pair.expectNothing()
      })
    }

    for (const who of ['dialer', 'listener'] as const) {
      for (const [failure, interrupt] of Object.entries(INTERRUPTIONS)) {
        it(`should leave nothing when the handshake ${failure} at the ${who}`, async () => {
          const interception: Interception = {}
          const pair = await unconnected({
            [who]: {
              connectionEncrypters: [interceptedNoise(interception)],
              connectionManager: { inboundUpgradeTimeout: HANDSHAKE_TIMEOUT }
            }
          })

          interception[who === 'dialer' ? 'outbound' : 'inbound'] = interrupt
          await rejection(pair.dialer.dial(pair.address, { signal: AbortSignal.timeout(HANDSHAKE_TIMEOUT) }))
          await pair.expectNothing()
        })
      }
    }

    it('should leave nothing when nobody listens', async () => {
      const { dialer, deadAddress, expectNothing } = await unconnected()

      await rejection(dialer.dial(deadAddress))
      await rejection(dialer.dial([deadAddress]))
      await expectNothing()
    })

    it('should leave nothing when no transport knows the address', async () => {
      const { dialer, address, expectNothing } = await unconnected()

      await rejection(componentsOf(dialer).transportManager.dial(address.encapsulate('/ip4/127.0.0.1/udp/1')))
      await expectNothing()
    })

    it('should leave nothing when somebody else listens', async () => {
      const { dialer, address, expectNothing } = await unconnected()
      const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

      // the memory transport does not look at the peer id
      const connection = await dialer.dial(address.decapsulateCode(CODE_P2P).encapsulate(`/p2p/${other}`)).catch(() => {})
      await connection?.close()
      await expectNothing()
    })

    it('should leave nothing when it is aborted before it begins', async () => {
      const { dialer, address, expectNothing } = await unconnected()

      await rejection(dialer.dial(address, { signal: AbortSignal.abort() }))
      await expectNothing()
    })

    it('should leave nothing when it is aborted before there is a connection', async () => {
      const { dialer, address, expectNothing } = await unconnected()
      const controller = new AbortController()

      const dial = dialer.dial(address, { signal: controller.signal })
      controller.abort()
      await rejection(dial)
      await expectNothing()
    })

    for (const who of ['dialer', 'listener'] as const) {
      /**
       * A dial whose handshake has begun, and never ends by itself
       */
      const dialling = async (): Promise<{ pair: Awaited<ReturnType<typeof unconnected>>, controller: AbortController, dial: Promise<any> }> => {
        let begun = false
        const interception: Interception = {}
        const pair = await unconnected({ [who]: { connectionEncrypters: [interceptedNoise(interception)] } })
        interception[who === 'dialer' ? 'outbound' : 'inbound'] = async (options) => {
          begun = true
          await never(options)
        }
        const controller = new AbortController()
        const dial = rejection(pair.dialer.dial(pair.address, { signal: controller.signal }))

        await eventually(() => begun, 'the handshake')
        expect(held(pair[who]).transient).to.include({ [who === 'dialer' ? 'numConnsOutbound' : 'numConnsInbound']: 1 })

        return { pair, controller, dial }
      }

      it(`should leave nothing when it is aborted during a handshake that hangs at the ${who}`, async () => {
        const { pair, controller, dial } = await dialling()

        controller.abort()
        await dial
        await pair.expectNothing()
      })

      for (const stopping of ['dialer', 'listener'] as const) {
        it(`should leave nothing when the ${stopping} stops during a handshake that hangs at the ${who}`, async () => {
          const { pair, controller, dial } = await dialling()

          await pair[stopping].stop()
          controller.abort()
          await dial
          await eventuallyHeld(pair[stopping], {})
        })
      }
    }

    it('should leave nothing when a node dials itself', async () => {
      const { listener, address, expectNothing } = await unconnected()

      await rejection(listener.dial(address))
      // without the peer id it finds out with the handshake. What is left of the
      // address of a relayed connection is the relay.
      await listener.dial(address.decapsulateCode(CODE_P2P)).catch(() => {})
      await expectNothing()
    })
  })
}
