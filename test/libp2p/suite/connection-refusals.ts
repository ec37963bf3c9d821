import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError } from '../../../src/index.ts'
import { interceptedNoise } from '../fixtures/encrypters.ts'
import { eventually, rejection } from '../fixtures/eventually.ts'
import { PrivateGater } from '../fixtures/gater.ts'
import { componentsOf, eventuallyHeld, held, leaveRoom, otherEnd, TestNodes } from '../fixtures/nodes.ts'
import type { TransportUnderTest } from './transport.ts'

export function connectionRefusals (transport: TransportUnderTest): void {
  describe('a refused connection', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    it('should fail the dial before the listener hears of it', async () => {
      const gater = new PrivateGater()
      const { dialer, listener, address } = await transport.connect(nodes, { listener: { connectionGater: gater } })
      const before = [held(dialer), held(listener)]
      const heard = gater.calls.length
      leaveRoom(dialer, { connsOutbound: 0 })

      const error = await rejection(dialer.dial(address))

      expect(error).to.be.instanceOf(ConnectionLimitExceededError)
      expect(error).to.include({ scope: 'system', resource: 'connection', direction: 'outbound', temporary: true, attempted: 1 })
      expect(error.current).to.equal(error.limit)
      expect(gater.calls).to.have.lengthOf(heard)
      expect([held(dialer), held(listener)]).to.deep.equal(before)
    })

    it('should be found in the error of a dial of several addresses', async () => {
      const { dialer, address, otherAddress } = await transport.connect(nodes)
      const before = held(dialer)
      leaveRoom(dialer, { conns: 0 })

      const error = await rejection(dialer.dial([address, otherAddress]))

      expect(error).to.be.instanceOf(AggregateError)
      expect(error.errors).to.have.lengthOf(2)
      error.errors.forEach((err: Error) => {
        expect(err).to.be.instanceOf(ConnectionLimitExceededError)
      })
      expect(held(dialer)).to.deep.equal(before)
    })

    it('should be the one above the limit of the dialer, until one of the others is closed', async () => {
      const { dialer, address } = await transport.connect(nodes)
      leaveRoom(dialer, { connsOutbound: 2, conns: 2 })

      const first = await dialer.dial(address, { force: true })
      await dialer.dial(address, { force: true })
      expect(await rejection(dialer.dial(address, { force: true }))).to.be.instanceOf(ConnectionLimitExceededError)

      await first.close()
      await dialer.dial(address, { force: true })
      expect(await rejection(dialer.dial(address, { force: true }))).to.be.instanceOf(ConnectionLimitExceededError)
    })

    it('should be the one above the limit when dials race', async () => {
      const { dialer, listener, address } = await transport.connect(nodes)
      leaveRoom(dialer, { connsOutbound: 2 })

      // the dial queue would merge them
      const { transportManager } = componentsOf(dialer)
      const results = await Promise.allSettled(Array.from({ length: 5 }, async () => transportManager.dial(address, { signal: AbortSignal.timeout(10_000) })))

      expect(results.filter(({ status }) => status === 'fulfilled')).to.have.lengthOf(2)
      results.forEach(result => {
        if (result.status === 'rejected') {
          expect(result.reason).to.be.instanceOf(ConnectionLimitExceededError)
        }
      })
      expect(held(dialer)[listener.peerId.toString()]).to.include({ numConnsOutbound: 2 })
    })

    it('should be closed by the listener before the handshake', async () => {
      let handshakes = 0
      const { dialer, listener, address } = await transport.connect(nodes, {
        listener: { connectionEncrypters: [interceptedNoise({ inbound: () => { handshakes++ } })] }
      })
      const before = [held(dialer), held(listener)]
      const earlier = handshakes
      const refused = listener.services.resourceManager.refusals().length
      let opened = 0
      listener.addEventListener('connection:open', () => { opened++ })
      leaveRoom(listener, { connsInbound: 0 })

      await rejection(dialer.dial(address))

      await eventually(() => listener.services.resourceManager.refusals().length > refused, 'the refusal')
      await eventuallyHeld(dialer, before[0])
      await eventuallyHeld(listener, before[1])
      expect(handshakes).to.equal(earlier)
      expect(opened).to.equal(0)
    })

    it('should be the one above the limit of the listener, until one of the others is closed', async () => {
      const { dialer, listener, address } = await transport.connect(nodes)
      leaveRoom(listener, { connsInbound: 1 })

      const first = await dialer.dial(address)
      await otherEnd(first, dialer, listener)
      await rejection(dialer.dial(address, { force: true }))
      expect(first.status).to.equal('open')

      const before = held(listener)
      await first.close()
      await eventually(() => listener.getConnections(dialer.peerId).length === 0, 'the end of the first connection')
      await otherEnd(await dialer.dial(address), dialer, listener)
      expect(held(listener)).to.deep.equal(before)
    })

    for (const who of ['dialer', 'listener'] as const) {
      it(`should be the one above the limit of its peer at the ${who}`, async () => {
        const field = who === 'dialer' ? 'connsOutbound' : 'connsInbound'
        const pair = await transport.connect(nodes, {
          [who]: { manager: { limits: { peerDefault: { [field]: 1 } } } }
        })
        const { dialer, listener, address } = pair
        const first = await dialer.dial(address)
        const remote = await otherEnd(first, dialer, listener)
        let opened = 0
        pair[who].addEventListener('connection:open', () => { opened++ })

        // the other end may be done with its upgrade by then
        const second = await dialer.dial(address, { force: true }).catch(() => {})
        await eventually(() => second?.status !== 'open', 'the end of the second connection')
        await eventually(() => pair[who].services.resourceManager.refusals().some(({ kind }) => kind === 'peer'), 'the refusal')

        expect(opened).to.equal(0)
        expect([first.status, remote.status]).to.deep.equal(['open', 'open'])
        expect(held(pair[who])[pair[who === 'dialer' ? 'listener' : 'dialer'].peerId.toString()]).to.include({
          [who === 'dialer' ? 'numConnsOutbound' : 'numConnsInbound']: 1
        })
      })
    }

    it('should be refused by a peer that is blocked, and by no other', async () => {
      const { dialer, listener, address } = await transport.connect(nodes)
      const block = (value: 'blockAll' | 1): void => {
        dialer.services.resourceManager.viewPeer(listener.peerId, scope => { scope.setLimit({ conns: value }) })
      }

      block('blockAll')
      const error = await rejection(dialer.dial(address))
      expect(error).to.be.an.instanceOf(ConnectionLimitExceededError)
      expect(error).to.include({ scope: `peer:${listener.peerId}`, limit: 0 })
      block(1)
      await dialer.dial(address)
    })
  })
}
