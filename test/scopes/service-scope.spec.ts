import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError, MemoryLimitExceededError, StreamLimitExceededError } from '../../src/index.ts'
import { createManager, errorOf, NOTHING, peerA, PROTOCOL, SERVICE } from './fixtures.ts'
import type { OwnedServiceScope } from '../../src/index.ts'
import type { Limit } from '../../src/limits/limit.ts'

const DIRECTIONS = ['inbound', 'outbound'] as const

function fill (scope: OwnedServiceScope): void {
  scope.reserveMemory(10)
  scope.reserveStream('inbound')
  scope.reserveStream('inbound')
  scope.reserveStream('outbound')
  scope.reserveConnection('inbound', true)
  scope.reserveConnection('outbound', false)
  scope.reserveConnection('outbound')
}

const FILLED = { memory: 10, numStreamsInbound: 2, numStreamsOutbound: 1, numConnsInbound: 1, numConnsOutbound: 2, numFD: 1 }

describe('an owned service scope', () => {
  it('should reserve memory, streams and connections in the service and in system', () => {
    const manager = createManager()
    const scope = manager.openService(SERVICE)

    fill(scope)
    expect(scope.stat()).to.deep.equal(FILLED)
    expect(manager.stat()).to.deep.include({ system: FILLED, transient: NOTHING, services: { [SERVICE]: FILLED }, peers: {}, protocols: {} })
    expect(scope.serviceScope.service).to.equal(SERVICE)
    expect(scope.serviceScope.stat()).to.deep.equal(FILLED)
  })

  it('should release one by one', () => {
    const manager = createManager()
    const scope = manager.openService(SERVICE)

    fill(scope)
    scope.releaseMemory(4)
    scope.releaseStream('inbound')
    scope.releaseConnection('inbound', true)
    scope.releaseConnection('outbound')

    const held = { memory: 6, numStreamsInbound: 1, numStreamsOutbound: 1, numConnsInbound: 0, numConnsOutbound: 1, numFD: 0 }

    expect(scope.stat()).to.deep.equal(held)
    expect(manager.stat()).to.deep.include({ system: held, services: { [SERVICE]: held } })
  })

  it('should be emptied by release and stay open', () => {
    const manager = createManager()
    const scope = manager.openService(SERVICE)

    for (let i = 0; i < 2; i++) {
      fill(scope)
      scope.release()
      expect(scope.stat()).to.deep.equal(NOTHING)
      expect(manager.stat()).to.deep.include({ system: NOTHING, services: { [SERVICE]: NOTHING } })
    }
  })

  it('should be ended by done, with its spans', () => {
    const manager = createManager()
    const scope = manager.openService(SERVICE)

    fill(scope)
    scope.beginSpan().reserveMemory(5)
    scope.done()
    scope.done()
    expect(scope.stat()).to.deep.equal(NOTHING)
    expect(manager.stat()).to.deep.include({ system: NOTHING, services: { [SERVICE]: NOTHING } })
  })

  it('should leave alone what others hold in the service', () => {
    const manager = createManager()
    const scope = manager.openService(SERVICE)
    const other = manager.openService(SERVICE)
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    fill(scope)
    fill(other)
    scope.done()
    expect(manager.stat().services[SERVICE]).to.deep.equal({ ...FILLED, numStreamsInbound: 3 })
    other.release()
    expect(manager.stat().services[SERVICE]).to.deep.equal({ ...NOTHING, numStreamsInbound: 1 })
  })

  for (const where of ['serviceDefault', 'system'] as const) {
    for (const direction of DIRECTIONS) {
      for (const field of [direction === 'inbound' ? 'streamsInbound' : 'streamsOutbound', 'streams'] satisfies Array<keyof Limit>) {
        it(`should be refused by ${where} above ${field} for an ${direction} stream`, () => {
          const manager = createManager({ [where]: { [field]: 2 } })
          const scope = manager.openService(SERVICE)
          const another = manager.openService(SERVICE)

          another.reserveStream(direction)
          scope.reserveStream(direction)

          const before = manager.stat()

          expect(errorOf(() => { scope.reserveStream(direction) })).to.be.an.instanceOf(StreamLimitExceededError).that.deep.includes({
            scope: where === 'system' ? 'system' : `service:${SERVICE}`,
            current: 2,
            attempted: 1,
            limit: 2
          })
          expect(manager.stat()).to.deep.equal(before)
        })
      }

      for (const field of [direction === 'inbound' ? 'connsInbound' : 'connsOutbound', 'conns', 'fd'] satisfies Array<keyof Limit>) {
        it(`should be refused by ${where} above ${field} for an ${direction} connection`, () => {
          const manager = createManager({ [where]: { [field]: 2 } })
          const scope = manager.openService(SERVICE)
          const another = manager.openService(SERVICE)

          another.reserveConnection(direction, true)
          scope.reserveConnection(direction, true)

          const before = manager.stat()

          expect(errorOf(() => { scope.reserveConnection(direction, true) })).to.be.an.instanceOf(ConnectionLimitExceededError).that.deep.includes({
            scope: where === 'system' ? 'system' : `service:${SERVICE}`,
            resource: field === 'fd' ? 'fd' : 'connection',
            current: 2,
            attempted: 1,
            limit: 2
          })
          expect(manager.stat()).to.deep.equal(before)
        })
      }
    }
  }

  it('should check itself, then the service, then system, and name them', () => {
    const manager = createManager({ service: { [SERVICE]: { streams: 2, memory: 20 } }, system: { streams: 3, memory: 30 } })
    const scope = manager.openService(SERVICE)

    const messages = (): string[] => [
      errorOf(() => { for (let i = 0; i < 4; i++) { scope.reserveStream('inbound') } }).message,
      errorOf(() => { for (let i = 0; i < 4; i++) { scope.reserveMemory(10) } }).message
    ]

    expect(messages()).to.deep.equal([
      `service:${SERVICE}.span-1: cannot reserve stream: resource limit exceeded`,
      `service:${SERVICE}.span-1: resource limit exceeded`
    ])
    scope.setLimit({ streams: 'unlimited', memory: 'unlimited' })
    expect(messages()).to.deep.equal([
      `service:${SERVICE}.span-1: service:${SERVICE}: cannot reserve stream: resource limit exceeded`,
      `service:${SERVICE}.span-1: service:${SERVICE}: resource limit exceeded`
    ])
    scope.serviceScope.setLimit({ streams: 'unlimited', memory: 'unlimited' })
    expect(messages()).to.deep.equal([
      `service:${SERVICE}.span-1: service:${SERVICE}: system: cannot reserve stream: resource limit exceeded`,
      `service:${SERVICE}.span-1: service:${SERVICE}: system: resource limit exceeded`
    ])
  })

  it('should accept what fits exactly', () => {
    const manager = createManager({ service: { [SERVICE]: { streams: 1, conns: 1, fd: 1, memory: 1 } } })
    const scope = manager.openService(SERVICE)

    scope.reserveStream('outbound')
    scope.reserveConnection('outbound', true)
    scope.reserveMemory(1)
    expect(() => { scope.reserveStream('inbound') }).to.throw(StreamLimitExceededError)
    expect(() => { scope.reserveConnection('inbound') }).to.throw(ConnectionLimitExceededError)
    expect(() => { scope.reserveMemory(1) }).to.throw(MemoryLimitExceededError)
  })

  it('should not be counted in the shares of peers', () => {
    const manager = createManager({ servicePeer: { [SERVICE]: { streams: 'blockAll', conns: 'blockAll', memory: 'blockAll' } } })

    fill(manager.openService(SERVICE))
    expect(manager.stat().services[SERVICE]).to.deep.equal(FILLED)
  })
})
