import { InvalidParametersError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createResourceManager } from '../src/index.ts'
import { BLOCK_ALL, UNLIMITED } from '../src/limits/limit.ts'
import { ConcreteLimiter } from '../src/limits.ts'
import { errorOf, NOTHING, peerA, peerB, PROTOCOL, SERVICE, unlimitedBut } from './scopes/fixtures.ts'
import type { Limit, ResourceManager } from '../src/index.ts'
import type { Limiter } from '../src/limits/limiter.ts'

/**
 * Answers what it is told to, and remembers the questions
 */
class ScriptedLimiter implements Limiter {
  readonly asked: string[] = []
  readonly answers: Partial<Record<keyof Limiter, any>> = {}

  getSystemLimits (): any { return this.#answer('getSystemLimits') }
  getTransientLimits (): any { return this.#answer('getTransientLimits') }
  getAllowlistedSystemLimits (): any { return this.#answer('getAllowlistedSystemLimits') }
  getAllowlistedTransientLimits (): any { return this.#answer('getAllowlistedTransientLimits') }
  getServiceLimits (service: string): any { return this.#answer('getServiceLimits', service) }
  getServicePeerLimits (service: string): any { return this.#answer('getServicePeerLimits', service) }
  getProtocolLimits (protocol: string): any { return this.#answer('getProtocolLimits', protocol) }
  getProtocolPeerLimits (protocol: string): any { return this.#answer('getProtocolPeerLimits', protocol) }
  getPeerLimits (peer: unknown): any { return this.#answer('getPeerLimits', peer) }
  getStreamLimits (peer: unknown): any { return this.#answer('getStreamLimits', peer) }
  getConnLimits (): any { return this.#answer('getConnLimits') }

  /**
   * What was asked since this was last called
   */
  questions (): string[] {
    return this.asked.splice(0)
  }

  #answer (method: keyof Limiter, of?: unknown): unknown {
    this.asked.push(of == null ? method : `${method} ${of}`)

    return Object.hasOwn(this.answers, method) ? this.answers[method] : UNLIMITED
  }
}

function create (): { limiter: ScriptedLimiter, manager: ResourceManager } {
  const limiter = new ScriptedLimiter()
  const manager = createResourceManager({ limits: limiter })

  limiter.questions()

  return { limiter, manager }
}

const NONSENSE = [undefined, null, 5, 'unlimited', {}, [], { ...UNLIMITED, memory: -1 }, { ...UNLIMITED, fd: 1.5 }, { ...UNLIMITED, streams: NaN }, { ...UNLIMITED, conns: '5' }, { ...UNLIMITED, connsInbound: undefined }]

/**
 * What makes the manager ask each question
 */
const REQUESTS: Array<[keyof Limiter, (manager: ResourceManager) => void]> = [
  ['getConnLimits', manager => manager.openConnection('inbound', true)],
  ['getStreamLimits', manager => manager.openStream(peerA, 'inbound')],
  ['getPeerLimits', manager => manager.openStream(peerB, 'inbound')],
  ['getPeerLimits', manager => { manager.viewPeer(peerB, () => {}) }],
  ['getProtocolLimits', manager => { manager.viewProtocol(PROTOCOL, () => {}) }],
  ['getServiceLimits', manager => { manager.viewService(SERVICE, () => {}) }],
  ['getServiceLimits', manager => manager.openService(SERVICE)]
]

describe('a limiter that computes', () => {
  it('should be asked for the scopes at the top when the manager is made', () => {
    const limiter = new ScriptedLimiter()

    createResourceManager({ limits: limiter })
    expect(new Set(limiter.questions())).to.deep.equal(new Set(['getSystemLimits', 'getTransientLimits', 'getAllowlistedSystemLimits', 'getAllowlistedTransientLimits']))
  })

  it('should be asked for each connection and stream', () => {
    const { limiter, manager } = create()

    manager.openConnection('inbound', true)
    manager.openConnection('outbound', false)
    expect(limiter.questions()).to.deep.equal(['getConnLimits', 'getConnLimits'])

    manager.openStream(peerA, 'inbound')
    expect(limiter.questions()).to.have.members([`getStreamLimits ${peerA}`, `getPeerLimits ${peerA}`])
    manager.openStream(peerA, 'inbound')
    expect(limiter.questions()).to.deep.equal([`getStreamLimits ${peerA}`])
  })

  it('should be asked for each service, protocol and peer, and for their shares, when they are made', () => {
    const { limiter, manager } = create()
    const stream = manager.openStream(peerA, 'inbound')

    limiter.questions()
    stream.setProtocol(PROTOCOL)
    expect(limiter.questions()).to.deep.equal([`getProtocolLimits ${PROTOCOL}`, `getProtocolPeerLimits ${PROTOCOL}`])
    stream.setService(SERVICE)
    expect(limiter.questions()).to.deep.equal([`getServiceLimits ${SERVICE}`, `getServicePeerLimits ${SERVICE}`])

    const other = manager.openStream(peerB, 'inbound')

    limiter.questions()
    other.setProtocol(PROTOCOL)
    other.setService(SERVICE)
    expect(limiter.questions()).to.deep.equal([`getProtocolPeerLimits ${PROTOCOL}`, `getServicePeerLimits ${SERVICE}`])

    const again = manager.openStream(peerB, 'inbound')

    limiter.questions()
    again.setProtocol(PROTOCOL)
    again.setService(SERVICE)
    expect(limiter.questions()).to.deep.equal([])
  })

  it('should be asked again for a scope that was dropped', () => {
    const { limiter, manager } = create()

    for (let i = 0; i < 2; i++) {
      manager.viewPeer(peerA, () => {})
      manager.viewPeer(peerA, () => {})
      expect(limiter.questions()).to.deep.equal([`getPeerLimits ${peerA}`])
      manager.gc()
    }
  })

  it('should have its answers applied', () => {
    const { limiter, manager } = create()

    limiter.answers.getPeerLimits = { ...UNLIMITED, streams: 1 }
    manager.openStream(peerA, 'inbound')
    expect(() => manager.openStream(peerA, 'inbound')).to.throw(`stream-2: peer:${peerA}: cannot reserve stream`)

    limiter.answers.getConnLimits = BLOCK_ALL
    expect(() => manager.openConnection('inbound', false)).to.throw('conn-1: cannot reserve inbound connection')
  })

  it('should not be able to change an answer later', () => {
    const { limiter, manager } = create()
    const limit = { ...UNLIMITED, memory: 10 }

    limiter.answers.getPeerLimits = limit

    const scope = manager.viewPeer(peerA, scope => scope)

    limit.memory = 1000
    expect(scope.limit.memory).to.equal(10)
  })

  it('should not have its limits shown as a list', () => {
    expect(create().manager.limits).to.be.undefined()
  })

  it('should be asked for the limits of a service that there is not', () => {
    const { limiter, manager } = create()

    limiter.answers.getServiceLimits = { ...UNLIMITED, streams: 7 }
    expect(manager.serviceState(SERVICE)).to.include('streams 0 of 7')
    expect(manager.listServices()).to.be.empty()
  })

  it('should replace a list of limits, and be replaced by one', () => {
    const limiter = new ScriptedLimiter()
    const manager = createResourceManager({ limits: unlimitedBut({ peerDefault: { streams: 1 } }) })
    const scope = manager.viewPeer(peerA, scope => scope)

    limiter.answers.getPeerLimits = { ...UNLIMITED, streams: 2 }
    manager.setLimits(limiter)
    expect(scope.limit.streams).to.equal(2)
    expect(manager.limits).to.be.undefined()

    manager.setLimits(unlimitedBut({ peerDefault: { streams: 3 } }))
    expect(scope.limit.streams).to.equal(3)
    expect(manager.limits?.peerDefault.streams).to.equal(3)
  })
})

describe('a limiter whose answers change', () => {
  it('should be asked again for everything that exists when it is set again', () => {
    const { limiter, manager } = create()
    const connection = manager.openConnection('inbound', false)
    const stream = manager.openStream(peerA, 'inbound')
    const peer = manager.viewPeer(peerA, scope => scope)

    stream.setProtocol(PROTOCOL)
    limiter.questions()

    for (const method of ['getSystemLimits', 'getTransientLimits', 'getPeerLimits', 'getProtocolLimits', 'getProtocolPeerLimits'] as const) {
      limiter.answers[method] = { ...UNLIMITED, streams: 1 }
    }

    // nobody has asked
    expect(peer.limit.streams).to.equal(Infinity)
    manager.openStream(peerA, 'inbound').done()
    limiter.questions()

    manager.setLimits(limiter)
    expect(limiter.questions()).to.include.members(['getSystemLimits', 'getTransientLimits', `getPeerLimits ${peerA}`, `getProtocolLimits ${PROTOCOL}`, `getProtocolPeerLimits ${PROTOCOL}`])
    expect(peer.limit.streams).to.equal(1)
    expect(manager.viewSystem(scope => scope.limit.streams)).to.equal(1)
    expect(manager.viewTransient(scope => scope.limit.streams)).to.equal(1)
    expect(() => manager.openStream(peerA, 'inbound')).to.throw(`peer:${peerA}: cannot reserve stream`)
    connection.done()
  })
})

describe('a list of limits that is extended', () => {
  class SmallPeers extends ConcreteLimiter {
    getPeerLimits (): Limit {
      return { ...UNLIMITED, streams: 1 }
    }
  }

  it('should have its own answers, and the others of the list', () => {
    const config = unlimitedBut({ system: { streams: 5 } })
    const manager = createResourceManager({ limits: new SmallPeers(config) })

    manager.openStream(peerA, 'inbound')
    expect(() => manager.openStream(peerA, 'inbound')).to.throw(`peer:${peerA}: cannot reserve stream`)
    expect(manager.viewSystem(scope => scope.limit.streams)).to.equal(5)
    expect(manager.limits, 'no list says all of it').to.equal(undefined)
    expect(() => manager.setLimits({ system: { streams: 6 } })).to.throw('a limiter that computes limits has no others to build on')

    manager.setLimits(new ConcreteLimiter(config))
    expect(manager.limits).to.deep.equal(config)
    expect(manager.openStream(peerA, 'inbound').limit).to.deep.equal(UNLIMITED)
  })
})

describe('a limiter that answers nonsense', () => {
  it('should not get as far as a manager', () => {
    for (const nonsense of NONSENSE) {
      const limiter = new ScriptedLimiter()

      limiter.answers.getSystemLimits = nonsense
      expect(errorOf(() => createResourceManager({ limits: limiter }))).to.be.an.instanceOf(InvalidParametersError)
        .with.property('message').that.includes('getSystemLimits')
    }
  })

  for (const [method, request] of REQUESTS) {
    it(`should be told by ${method}, and change nothing`, () => {
      const { limiter, manager } = create()

      manager.viewPeer(peerA, scope => { scope.reserveMemory(1) })

      const before = manager.stat()

      for (const nonsense of NONSENSE) {
        limiter.answers[method] = nonsense
        expect(errorOf(() => { request(manager) })).to.be.an.instanceOf(InvalidParametersError).with.property('message').that.includes(method)
        expect(manager.stat()).to.deep.equal(before)
      }

      // and nothing is in the way when it has come to its senses
      limiter.answers[method] = UNLIMITED
      request(manager)
    })
  }

  it('should not use up the connections of a subnet', () => {
    const limiter = new ScriptedLimiter()
    const manager = createResourceManager({
      limits: limiter,
      rateLimits: false,
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 1 }] }
    })
    const endpoint = multiaddr('/ip4/192.0.2.1/tcp/4001')

    limiter.answers.getConnLimits = 'nonsense'
    expect(errorOf(() => { manager.openConnection('inbound', true, endpoint) })).to.be.an.instanceOf(InvalidParametersError)

    limiter.answers.getConnLimits = UNLIMITED
    manager.openConnection('inbound', true, endpoint)
    expect(manager.stat().system.numConnsInbound).to.equal(1)
  })

  it('should leave a stream where it is', () => {
    const { limiter, manager } = create()
    const stream = manager.openStream(peerA, 'inbound')
    const { system, transient, peers } = manager.stat()

    for (const [method, move] of [
      ['getProtocolLimits', () => { stream.setProtocol(PROTOCOL) }],
      ['getProtocolPeerLimits', () => { stream.setProtocol(PROTOCOL) }]
    ] as const) {
      limiter.answers[method] = 'nonsense'
      expect(move).to.throw(InvalidParametersError, method)
      expect(manager.stat()).to.deep.include({ system, transient, peers })
      expect(stream.protocolScope).to.be.undefined()
      limiter.answers[method] = UNLIMITED
    }

    stream.setProtocol(PROTOCOL)

    for (const [method, move] of [
      ['getServiceLimits', () => { stream.setService(SERVICE) }],
      ['getServicePeerLimits', () => { stream.setService(SERVICE) }]
    ] as const) {
      limiter.answers[method] = 'nonsense'
      expect(move).to.throw(InvalidParametersError, method)
      expect(manager.stat()).to.deep.include({ system, peers })
      expect(stream.serviceScope).to.be.undefined()
      limiter.answers[method] = UNLIMITED
    }

    stream.setService(SERVICE)
    stream.done()
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should leave a connection where it is', () => {
    const { limiter, manager } = create()
    const connection = manager.openConnection('inbound', true)
    const before = manager.stat()

    limiter.answers.getPeerLimits = 'nonsense'
    expect(() => { connection.setPeer(peerA) }).to.throw(InvalidParametersError, 'getPeerLimits')
    expect(manager.stat()).to.deep.equal(before)
    expect(connection.peerScope).to.be.undefined()

    limiter.answers.getPeerLimits = UNLIMITED
    connection.setPeer(peerA)
    connection.done()
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should leave the limits in force as they are', () => {
    const manager = createResourceManager({ limits: unlimitedBut({ peerDefault: { streams: 1 }, system: { streams: 5 } }) })
    const limiter = new ScriptedLimiter()
    const { limits } = manager
    const scope = manager.viewPeer(peerA, scope => scope)

    limiter.answers.getPeerLimits = 'nonsense'
    expect(() => { manager.setLimits(limiter) }).to.throw(InvalidParametersError, 'getPeerLimits')
    expect(manager.limits).to.equal(limits)
    expect(manager.viewSystem(scope => scope.limit.streams)).to.equal(5)
    expect(scope.limit.streams).to.equal(1)
  })
})
