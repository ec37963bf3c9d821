import { expect } from 'aegir/chai'
import { getConnectionScope } from '../../../src/index.ts'
import { CapturedLogger } from '../fixtures/captured-logger.ts'
import { eventually, rejection } from '../fixtures/eventually.ts'
import { PrivateGater } from '../fixtures/gater.ts'
import { held, leaveRoom, otherEnd, TestNodes } from '../fixtures/nodes.ts'
import { eventuallyBackTo, heldByBoth } from './transport.ts'
import type { TransportUnderTest } from './transport.ts'
import type { ScopeStat } from '../../../src/index.ts'
import type { GaterMethod } from '../fixtures/gater.ts'
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'

const OUTBOUND: GaterMethod[] = ['denyDialPeer', 'denyDialMultiaddr', 'denyOutboundConnection', 'denyOutboundEncryptedConnection', 'denyOutboundUpgradedConnection']
const INBOUND: GaterMethod[] = ['denyInboundConnection', 'denyInboundEncryptedConnection', 'denyInboundUpgradedConnection']

/**
 * How long a handshake may take in tests that wait for it to time out, in ms
 */
const HANDSHAKE_TIMEOUT = 50

export function gaterCases (transport: TransportUnderTest): void {
  describe('the gater of the user', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    for (const method of [...OUTBOUND, ...INBOUND]) {
      const who = OUTBOUND.includes(method) ? 'dialer' : 'listener'

      it(`should leave nothing when ${method} denies`, async () => {
        // the gater must not deny what the pair needs to be set up
        let gater: ConnectionGater = {}
        const pair = await transport.connect(nodes, {
          [who]: { connectionGater: delegatingTo(() => gater) }
        })
        const denying = new PrivateGater(method)
        gater = denying
        const before = heldByBoth(pair)

        // the upgrade of the other end may have been complete by then
        const connection = await pair.dialer.dial(pair.address).catch(() => {})
        await eventually(() => denying.count(method) === 1, 'the call of the gater')
        await eventually(() => connection?.status !== 'open', 'the end of the connection')

        await eventuallyBackTo(before, pair)
        expect(denying.calls).to.deep.equal([...new Set(denying.calls)])
      })

      it(`should leave nothing when ${method} throws`, async () => {
        let gater: ConnectionGater = {}
        const pair = await transport.connect(nodes, {
          [who]: { connectionGater: delegatingTo(() => gater) }
        })
        let called = 0
        gater = { [method]: () => { called++; throw new Error('broken gater') } }
        const before = heldByBoth(pair)

        const connection = await pair.dialer.dial(pair.address).catch(() => {})
        await eventually(() => called === 1, 'the call of the gater')
        await eventually(() => connection?.status !== 'open', 'the end of the connection')

        await eventuallyBackTo(before, pair)
      })
    }

    it('should be called once for each event, with its own this', async () => {
      const gaters = { dialer: new PrivateGater(), listener: new PrivateGater() }
      const { dialer, listener, address } = await transport.connect(nodes, {
        dialer: { connectionGater: gaters.dialer },
        listener: { connectionGater: gaters.listener }
      })
      const earlier = [gaters.dialer.calls.length, gaters.listener.calls.length]

      await otherEnd(await dialer.dial(address), dialer, listener)

      expect(gaters.dialer.calls.slice(earlier[0])).to.deep.equal(OUTBOUND)
      expect(gaters.listener.calls.slice(earlier[1])).to.deep.equal(INBOUND)
    })

    it('should find the scope of a raw connection, from its first call on', async () => {
      const found: Array<[GaterMethod, Partial<ScopeStat>]> = []
      const find = (method: GaterMethod, maConn: MultiaddrConnection): boolean => {
        const scope = getConnectionScope(maConn)
        const { numConnsInbound, numConnsOutbound } = scope.stat()

        found.push([method, { numConnsInbound, numConnsOutbound }])
        scope.reserveMemory(100)

        return false
      }
      let gaters: Record<'dialer' | 'listener', ConnectionGater> = { dialer: {}, listener: {} }
      const pair = await transport.connect(nodes, {
        dialer: { connectionGater: delegatingTo(() => gaters.dialer) },
        listener: { connectionGater: delegatingTo(() => gaters.listener) }
      })
      const { dialer, listener, address } = pair
      const before = heldByBoth(pair)

      gaters = {
        dialer: {
          denyOutboundEncryptedConnection: (_, maConn) => find('denyOutboundEncryptedConnection', maConn),
          denyOutboundUpgradedConnection: (_, maConn) => find('denyOutboundUpgradedConnection', maConn)
        },
        listener: {
          denyInboundConnection: (maConn) => find('denyInboundConnection', maConn),
          denyInboundEncryptedConnection: (_, maConn) => find('denyInboundEncryptedConnection', maConn),
          denyInboundUpgradedConnection: (_, maConn) => find('denyInboundUpgradedConnection', maConn)
        }
      }

      const local = await dialer.dial(address)
      const remote = await otherEnd(local, dialer, listener)
      const of = (direction: RegExp): typeof found => found.filter(([method]) => direction.test(method))

      expect(of(/Outbound/)).to.deep.equal([
        ['denyOutboundEncryptedConnection', { numConnsInbound: 0, numConnsOutbound: 1 }],
        ['denyOutboundUpgradedConnection', { numConnsInbound: 0, numConnsOutbound: 1 }]
      ])
      expect(of(/Inbound/)).to.deep.equal([
        ['denyInboundConnection', { numConnsInbound: 1, numConnsOutbound: 0 }],
        ['denyInboundEncryptedConnection', { numConnsInbound: 1, numConnsOutbound: 0 }],
        ['denyInboundUpgradedConnection', { numConnsInbound: 1, numConnsOutbound: 0 }]
      ])

      // it is the scope of the connection, and ends with it
      expect(getConnectionScope(local).stat().memory).to.equal(200)
      expect(getConnectionScope(remote).stat().memory).to.equal(300)
      await local.close()
      await eventuallyBackTo(before, pair)
    })

    it('should be left as it is when it is frozen', async () => {
      let calls = 0
      const gater: ConnectionGater = Object.freeze({
        // in browsers libp2p itself adds this one where it is missing
        denyDialMultiaddr: () => false,
        denyInboundConnection: () => { calls++; return false },
        denyInboundEncryptedConnection: () => { calls++; return false }
      })
      const { dialer, listener, address } = await transport.connect(nodes, { listener: { connectionGater: gater } })
      const earlier = calls

      await otherEnd(await dialer.dial(address), dialer, listener)
      expect(calls - earlier).to.equal(2)
      expect(held(listener)[dialer.peerId.toString()]).to.include({ numConnsInbound: 1 })
    })

    it('should reserve nothing with an answer that comes after the handshake has timed out', async () => {
      const gate = Promise.withResolvers<boolean>()
      let answer = async (): Promise<boolean> => false
      const pair = await transport.connect(nodes, {
        listener: {
          connectionGater: { denyInboundConnection: async () => answer() },
          connectionManager: { inboundUpgradeTimeout: HANDSHAKE_TIMEOUT }
        }
      })
      const before = heldByBoth(pair)

      answer = async () => gate.promise
      await rejection(pair.dialer.dial(pair.address))
      gate.resolve(false)

      await eventuallyBackTo(before, pair)
    })

    for (const who of ['dialer', 'listener'] as const) {
      it(`should leave nothing when the connection ends while the gater of the ${who} thinks about the peer`, async () => {
        const gate = Promise.withResolvers<boolean>()
        const logger = new CapturedLogger()
        let maConn: MultiaddrConnection | undefined
        let active = false
        const think = async (_: PeerId, connection: MultiaddrConnection): Promise<boolean> => {
          if (active) {
            maConn = connection
            return gate.promise
          }

          return false
        }
        const pair = await transport.connect(nodes, {
          [who]: {
            logger,
            connectionGater: { denyInboundEncryptedConnection: think, denyOutboundEncryptedConnection: think },
            // far below any limit of this machine
            connectionManager: { maxConnections: 10 }
          }
        })
        const before = heldByBoth(pair)

        active = true
        const dial = pair.dialer.dial(pair.address).catch(() => {})
        const thinking = await eventually(() => maConn, 'the question to the gater')
        thinking.abort(new Error('aborted'))
        gate.resolve(false)
        await dial

        await eventuallyBackTo(before, pair)
        expect(logger.errors).to.be.empty()
      })
    }

    it('should be asked about connections that are counted already', async () => {
      const counts: unknown[] = []
      let asked = (): void => {}
      const { dialer, listener, address } = await transport.connect(nodes, {
        listener: {
          connectionGater: {
            denyInboundConnection: async () => {
              asked()
              return true
            }
          }
        }
      })
      const before = held(listener).system?.numConnsInbound ?? 0

      asked = () => counts.push(held(listener).system?.numConnsInbound)
      await rejection(dialer.dial(address))
      expect(counts).to.deep.equal([before + 1])
    })

    it('should not be asked about connections that do not fit', async () => {
      let calls = 0
      const { dialer, listener, address } = await transport.connect(nodes, {
        listener: { connectionGater: { denyInboundConnection: () => { calls++; return false } } }
      })
      const earlier = calls

      leaveRoom(listener, { connsInbound: 0 })
      await rejection(dialer.dial(address))
      expect(calls).to.equal(earlier)
    })
  })
}

/**
 * A gater that can be exchanged
 */
function delegatingTo (current: () => ConnectionGater): ConnectionGater {
  const methods = [...OUTBOUND, ...INBOUND].map(method => [method, async (...args: [any, any]) => current()[method]?.(...args) ?? false])

  return Object.fromEntries(methods)
}
