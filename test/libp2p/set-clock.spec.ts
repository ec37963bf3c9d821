/*
 * What is protected: whoever sets the clock of the machine, by hand or after it has slept, neither
 * keeps anything for longer than it may stay nor ends anything early
 */

import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { ClosingSockets } from '../../src/libp2p/connections/closing-sockets.ts'
import { TransientHolders } from '../../src/libp2p/fairness/transient-holders.ts'
import { ProcessMemory } from '../../src/libp2p/pressure/process-memory.ts'
import { RunningHandlers } from '../../src/libp2p/streams/running-handlers.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import type { LiveStream } from '../../src/libp2p/buffers/live-stream.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { SinonFakeTimers } from 'sinon'

const HOUR = 3_600_000

for (const [name, shift] of [['back', -HOUR], ['forward', HOUR]] as const) {
  describe(`a clock that is set ${name} by an hour`, () => {
    let clock: SinonFakeTimers

    beforeEach(() => {
      clock = sinon.useFakeTimers({ now: 100 * HOUR, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    })

    afterEach(() => {
      clock.restore()
    })

    function setClock (): void {
      clock.setSystemTime(Date.now() + shift)
    }

    it('should not change how long a scope waits for its handler', () => {
      const ended: string[] = []
      const handlers = new RunningHandlers(makeManager().core, ({ stream: { protocol } }) => { ended.push(protocol) }, 1_000)
      const close = (protocol: string): void => { handlers.closed({ handled: true, stream: { protocol } } as unknown as LiveStream) }

      close('/first')
      clock.tick(500)
      close('/second')
      setClock()
      clock.tick(499)
      expect(ended).to.deep.equal([])
      clock.tick(1)
      expect(ended).to.deep.equal(['/first'])
      clock.tick(499)
      expect(ended).to.deep.equal(['/first'])
      clock.tick(1)
      expect(ended).to.deep.equal(['/first', '/second'])
    })

    it('should not change how long a socket may outlive its connection', () => {
      const sockets = new ClosingSockets()
      const socket = { destroyed: false, destroy: () => { socket.destroyed = true } }

      sockets.add({ socket } as any, true)
      setClock()
      clock.tick(9_999)
      expect(socket.destroyed).to.equal(false)
      clock.tick(1)
      expect(socket.destroyed).to.equal(true)
      expect(clock.countTimers()).to.equal(0)
    })

    it('should not change since when something is transient', () => {
      const { core } = makeManager()
      const holders = new TransientHolders(core)
      const address = multiaddr('/ip4/192.0.2.1/tcp/1')

      holders.addConnection(core.openConnection('inbound', false, address) as DefaultConnectionScope, address)
      clock.tick(3_000)
      setClock()
      expect(holders.oldest()[0].age).to.equal(3_000)
      expect(holders.inboundFor('connection', 3_000)).to.have.lengthOf(0)
      expect(holders.inboundFor('connection', 2_999)).to.have.lengthOf(1)
    })

    it('should not change how long a reading of the memory is used', () => {
      let resident = 1
      const memory = new ProcessMemory(makeManager().core, { max: 100 }, () => resident)

      expect(memory.stat().resident).to.equal(1)
      resident = 2
      setClock()
      clock.tick(99)
      expect(memory.stat().resident).to.equal(1)
      clock.tick(1)
      expect(memory.stat().resident).to.equal(2)
    })
  })
}
