import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { createManager, fakePeer, peerA, PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import type { HighWaterMark, ResourceManager, StreamManagementScope } from '../../src/index.ts'
import type { SinonFakeTimers } from 'sinon'

// the most that scopes have held is remembered, exactly where somebody reads it in time, and
// there are only so many marks whatever remotes do

const NOW = 1_750_000_000_000

function markOf (manager: ResourceManager, scope: string, field: HighWaterMark['field']): HighWaterMark | undefined {
  return manager.highWaterMarks().find(mark => mark.scope === scope && mark.field === field)
}

describe('high-water marks', () => {
  let clock: SinonFakeTimers
  let manager: ResourceManager

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: NOW, toFake: ['Date', 'setInterval', 'clearInterval'] })
    manager = createManager({ system: { streamsInbound: 10 } })
  })

  afterEach(async () => {
    await manager.stop()
    clock.restore()
  })

  it('should have nothing where nothing was held', () => {
    expect(manager.highWaterMarks()).to.deep.equal([])
  })

  it('should have the most that was held at a sample, when that was, and the limit', () => {
    const streams = [1, 2, 3].map(() => manager.openStream(peerA, 'inbound'))

    expect(markOf(manager, 'system', 'streamsInbound')).to.deep.equal({ kind: 'system', scope: 'system', field: 'streamsInbound', value: 3, limit: 10, time: NOW })
    streams.forEach(stream => { stream.done() })
    clock.tick(1_000)
    manager.openStream(peerA, 'inbound')

    expect(markOf(manager, 'system', 'streamsInbound')).to.include({ value: 3, time: NOW })
    expect(markOf(manager, 'system', 'streams')).to.include({ value: 3, limit: Infinity })
    expect(markOf(manager, 'system', 'streamsOutbound')).to.equal(undefined)
  })

  it('should see what is gone before anybody asks, from the start until the stop', async () => {
    manager.openStream(peerA, 'outbound').done()
    clock.tick(200)
    expect(manager.highWaterMarks(), 'before the start').to.deep.equal([])

    await manager.start()

    const stream = manager.openStream(peerA, 'inbound')
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    stream.reserveMemory(64)
    clock.tick(100)
    stream.done()
    clock.tick(100)

    for (const scope of ['system', `protocol:${PROTOCOL}`, `service:${SERVICE}`, `peer:${peerA}`, `protocol:${PROTOCOL}.peer:${peerA}`]) {
      expect(markOf(manager, scope, 'streamsInbound'), scope).to.include({ value: 1 })
      expect(markOf(manager, scope, 'memory'), scope).to.include({ value: 64 })
    }

    await manager.stop()

    const connection = manager.openConnection('inbound', true)
    clock.tick(200)
    connection.done()
    expect(markOf(manager, 'system', 'fd'), 'after the stop').to.equal(undefined)
  })

  it('should have one mark for all peers, and say which had most', () => {
    const open = (i: number): StreamManagementScope => manager.openStream(fakePeer(i), 'outbound')

    for (let i = 0; i < 200; i++) {
      const streams = i === 7 ? [open(i), open(i), open(i)] : [open(i)]

      manager.highWaterMarks()
      streams.forEach(stream => { stream.done() })
    }

    const ofPeers = manager.highWaterMarks().filter(({ kind }) => kind === 'peer')

    expect(ofPeers.map(({ field, scope, value }) => [field, scope, value])).to.deep.equal([
      ['streams', 'peer:peer-7', 3],
      ['streamsOutbound', 'peer:peer-7', 3]
    ])
  })

  it('should sample all peers in turn where there are very many', () => {
    const streams = Array.from({ length: 1_000 }, (_, i) => manager.openStream(fakePeer(i), 'outbound'))

    streams.push(manager.openStream(fakePeer(999), 'outbound'))

    for (let round = 0; round < 10; round++) {
      manager.highWaterMarks()
    }

    expect(markOf(manager, 'peer:peer-999', 'streams')).to.include({ value: 2 })
  })

  it('should have a bounded number of marks, whatever protocols there are', () => {
    for (let i = 0; i < 1_000; i++) {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(`/p/${i}`)
      manager.highWaterMarks()
      stream.done()
      manager.gc()
    }

    // 256 protocols of their own and one for the others, each with its streams of one direction and of both
    expect(manager.highWaterMarks().filter(({ kind }) => kind === 'protocol')).to.have.lengthOf(2 * 257)
  })

  it('should sample all protocols in turn where there are many', () => {
    const protocols = Array.from({ length: 200 }, (_, i) => `/many/${i}`)

    manager.setLimits({ system: { streamsInbound: 1_000 } })
    protocols.forEach(protocol => { manager.openStream(peerA, 'inbound').setProtocol(protocol) })
    manager.highWaterMarks()
    manager.highWaterMarks()
    expect(protocols.filter(protocol => markOf(manager, `protocol:${protocol}`, 'streamsInbound') === undefined)).to.deep.equal([])
  })
})
