/*
 * What is protected: an `abort` or `close` of somebody else's stream, connection or socket that
 * throws keeps nothing else from being ended, ends no process from a timer, and leaves nothing
 * counted for ever
 */

import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { LiveConnection } from '../../src/libp2p/buffers/live-connection.ts'
import { ClosingSockets } from '../../src/libp2p/connections/closing-sockets.ts'
import { TransientHolders } from '../../src/libp2p/fairness/transient-holders.ts'
import { MuxerTracker } from '../../src/libp2p/streams/muxer-tracker.ts'
import { StreamTracker } from '../../src/libp2p/streams/stream-tracker.ts'
import { NameTable } from '../../src/util/name-table.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { SinonFakeTimers } from 'sinon'

/**
 * What others have made, and cannot be ended without an error
 */
class Throwing extends EventTarget {
  readonly timeline = {}
  readonly status: string = 'open'
  calls = 0

  abort (): void {
    this.calls++

    throw new Error('no')
  }
}

describe('parts of others that throw when they are ended', () => {
  let clock: SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })

  afterEach(() => {
    clock.restore()
  })

  function makeTracker (logger = new CapturedLogger()): StreamTracker {
    const { core } = makeManager({ logger })

    return new StreamTracker(core, new NameTable('services', []), new TransientHolders(core))
  }

  it('should be refused as streams all the same', () => {
    const logger = new CapturedLogger()
    const stream = new Throwing()

    expect(makeTracker(logger).admitInbound(stream as any, { muxer: {} as any })).to.equal(false)
    expect(stream.calls).to.equal(1)
    expect(logger.errors.join()).to.include('refused an inbound stream')
  })

  function endedWhile (opening: number): void {
    const manager = makeManager()
    const connection = new Throwing()
    const scope = manager.openConnection('inbound', false) as DefaultConnectionScope
    const live = new LiveConnection(scope, connection as any, { end: ({ scope }) => { scope.done() }, closed () {} })

    live.opening = opening
    live.abort(new Error('others need the room'))
    // throws what a timer throws
    clock.tick(1)
    expect(connection.calls).to.equal(1)
    expect(scope.closed).to.equal(true)
    expect(manager.stat().system.numConnsInbound).to.equal(0)
  }

  it('should have ended for the node as connections', () => { endedWhile(0) })

  it('should have ended for the node as connections on which a stream is being opened', () => { endedWhile(1) })

  it('should leave no other socket open', () => {
    const sockets = new ClosingSockets()
    const socket = { destroyed: false, destroy: () => { socket.destroyed = true } }

    for (const connection of [
      { socket: { destroyed: false, destroy: () => { throw new Error('no') } } },
      { websocket: { readyState: 1, addEventListener () {}, terminate: () => { throw new Error('no') } } },
      { websocket: { readyState: 1, addEventListener () {}, close: () => { throw new Error('no') } } },
      { websocket: { readyState: 1, addEventListener () {} } },
      { socket: { destroyed: false } },
      { socket }
    ]) {
      sockets.add(connection as any, true)
    }

    clock.tick(10_000)
    expect(socket.destroyed).to.equal(true)
    expect(clock.countTimers(), 'nobody is asked again').to.equal(0)
  })

  it('should leave no other stream of a muxer open', () => {
    const encrypted = new Throwing()
    const streams = [new Throwing(), new Throwing()]
    const muxer = Object.assign(new Throwing(), { streams, createStream () {} })

    new MuxerTracker(makeTracker())
      .wrapFactory({ protocol: '/muxer', createStreamMuxer: () => muxer as any })
      .createStreamMuxer(encrypted as any)
    encrypted.dispatchEvent(new Event('close'))
    expect(streams.map(({ calls }) => calls)).to.deep.equal([1, 1])
  })
})
