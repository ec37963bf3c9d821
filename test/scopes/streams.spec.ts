import { expect } from 'aegir/chai'
import { StreamLimitExceededError } from '../../src/index.ts'
import { createManager, errorOf, NOTHING, peerA, PEER_A, peerB, PROTOCOL, SERVICE } from './fixtures.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { Limit, ResourceLimits } from '../../src/limits/limit.ts'

const DIRECTIONS = ['inbound', 'outbound'] as const

/**
 * The limits that are checked when a stream is opened
 */
function limitsOf (scope: string, limits: ResourceLimits): PartialLimitConfig {
  return { [scope === 'peer' ? 'peerDefault' : scope]: limits }
}

describe('streams', () => {
  it('should be counted in their peer, transient and system until their protocol is known', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    manager.openStream(peerA, 'outbound')

    const held = { ...NOTHING, numStreamsInbound: 1, numStreamsOutbound: 1 }

    expect(manager.stat()).to.deep.include({ system: held, transient: held, peers: { [peerA.toString()]: held } })
    expect(stream.stat()).to.deep.equal({ ...NOTHING, numStreamsInbound: 1 })
    expect(stream.peerScope?.name).to.equal(PEER_A)
    expect(stream.protocolScope).to.be.undefined()
    expect(stream.serviceScope).to.be.undefined()
  })

  it('should move from transient to their protocol', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)

    const held = { ...NOTHING, numStreamsInbound: 1 }

    expect(manager.stat()).to.deep.include({ system: held, transient: NOTHING, protocols: { [PROTOCOL]: held }, services: {}, peers: { [peerA.toString()]: held } })
    expect(stream.protocolScope?.protocol).to.equal(PROTOCOL)
  })

  it('should be counted in their service as well', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)

    const held = { ...NOTHING, numStreamsInbound: 1 }

    expect(manager.stat()).to.deep.include({ system: held, transient: NOTHING, protocols: { [PROTOCOL]: held }, services: { [SERVICE]: held }, peers: { [peerA.toString()]: held } })
    expect(stream.serviceScope?.service).to.equal(SERVICE)
  })

  it('should be released everywhere, once, at each stage', () => {
    const manager = createManager()
    const other = manager.openStream(peerB, 'inbound')
    const before = manager.stat()

    for (const stage of [1, 2, 3]) {
      const stream = manager.openStream(peerA, 'inbound')

      if (stage > 1) {
        stream.setProtocol(PROTOCOL)
      }

      if (stage > 2) {
        stream.setService(SERVICE)
      }

      stream.reserveMemory(10)
      stream.done()
      stream.done()

      expect(stream.stat()).to.deep.equal(NOTHING)
      expect(manager.stat()).to.deep.include({ system: before.system, transient: before.transient })
    }

    other.done()
    manager.gc()
    expect(manager.stat()).to.deep.include({ system: NOTHING, transient: NOTHING, services: { [SERVICE]: NOTHING }, protocols: {}, peers: {} })
  })

  for (const scope of ['stream', 'peer', 'transient', 'system']) {
    for (const direction of DIRECTIONS) {
      const ownLimit: keyof Limit = direction === 'inbound' ? 'streamsInbound' : 'streamsOutbound'
      const otherLimit: keyof Limit = direction === 'inbound' ? 'streamsOutbound' : 'streamsInbound'

      for (const field of [ownLimit, 'streams'] as const) {
        it(`should be refused by ${scope} above ${field} when ${direction}`, () => {
          const limit = scope === 'stream' ? 0 : 2
          const manager = createManager(limitsOf(scope, { [field]: limit }))

          for (let i = 0; i < limit; i++) {
            manager.openStream(peerA, direction)
          }

          const before = manager.stat().system

          // the second refusal is the same as the first
          for (let i = 0; i < 2; i++) {
            expect(errorOf(() => manager.openStream(peerA, direction))).to.be.an.instanceOf(StreamLimitExceededError).that.deep.includes({
              scope: { stream: `stream-${limit + 1 + i}`, peer: PEER_A }[scope] ?? scope,
              resource: 'stream',
              direction: field === ownLimit ? direction : undefined,
              current: limit,
              attempted: 1,
              limit,
              priority: undefined
            })
          }

          expect(manager.stat().system).to.deep.equal(before)
        })
      }

      it(`should not be refused by ${scope} for what is not asked of it when ${direction}`, () => {
        const manager = createManager(limitsOf(scope, { [otherLimit]: 0, fd: 0, memory: 0, conns: 0, connsInbound: 0, connsOutbound: 0 }))

        manager.openStream(peerA, direction)

        expect(manager.stat().system.memory).to.equal(0)
      })
    }
  }

  it('should check the direction before the total', () => {
    const manager = createManager({ system: { streamsInbound: 0, streams: 0 } })

    expect(errorOf(() => manager.openStream(peerA, 'inbound')).message).to.equal('stream-1: system: cannot reserve inbound stream: resource limit exceeded')
    expect(errorOf(() => manager.openStream(peerA, 'outbound')).message).to.equal('stream-2: system: cannot reserve stream: resource limit exceeded')
  })

  it('should check themselves, then the peer, transient and system', () => {
    const blocked: ResourceLimits = { streams: 'blockAll' }
    const scopes = ['stream', 'peer', 'transient', 'system']

    scopes.forEach((scope, index) => {
      const limits: PartialLimitConfig = Object.assign({}, ...scopes.slice(index).map(scope => limitsOf(scope, blocked)))
      const error = errorOf(() => createManager(limits).openStream(peerA, 'inbound'))

      expect(error.scope).to.equal({ stream: 'stream-1', peer: PEER_A }[scope] ?? scope)
    })
  })

  it('should be refused for one peer and not for another', () => {
    const manager = createManager({ peer: { [peerA.toString()]: { streamsInbound: 1 } } })

    manager.openStream(peerA, 'inbound')
    expect(() => manager.openStream(peerA, 'inbound')).to.throw(StreamLimitExceededError)
    manager.openStream(peerB, 'inbound')
    manager.openStream(peerB, 'inbound')
  })

  it('should not hold up others in transient once their protocol is known', () => {
    const manager = createManager({ transient: { streams: 1 } })

    for (let i = 0; i < 3; i++) {
      manager.openStream(peerA, 'inbound').setProtocol(PROTOCOL)
    }

    expect(manager.stat().protocols[PROTOCOL].numStreamsInbound).to.equal(3)
  })

  it('should limit the share that a peer has of a protocol', () => {
    const manager = createManager({ protocolPeer: { [PROTOCOL]: { streams: 1 } } })
    const open = (peer = peerA): void => {
      manager.openStream(peer, 'inbound').setProtocol(PROTOCOL)
    }

    open()
    expect(open).to.throw(StreamLimitExceededError).with.property('scope', `protocol:${PROTOCOL}.${PEER_A}`)
    open(peerB)
  })

  it('should limit the share that a peer has of a service, over all of its protocols', () => {
    const manager = createManager({ servicePeer: { [SERVICE]: { streams: 1 } } })
    const open = (protocol: string, peer = peerA): void => {
      const stream = manager.openStream(peer, 'inbound')

      stream.setProtocol(protocol)
      stream.setService(SERVICE)
    }

    open('/a')
    expect(() => { open('/b') }).to.throw(StreamLimitExceededError).with.property('scope', `service:${SERVICE}.${PEER_A}`)
    open('/b', peerB)
  })

  it('should give the share of a peer back when they close', () => {
    const manager = createManager({ protocolPeer: { [PROTOCOL]: { streams: 1 } }, servicePeer: { [SERVICE]: { streams: 1 } } })

    for (let i = 0; i < 3; i++) {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)
      stream.done()
    }

    expect(manager.stat().system).to.deep.equal(NOTHING)
  })
})
