import { expect } from 'aegir/chai'
import { createManager, NOTHING, peerA, peerB, PROTOCOL, recordingLogger, refusalCounts, SERVICE } from './scopes/fixtures.ts'

describe('stat', () => {
  it('should be what JSON can say', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    manager.openConnection('outbound', true).reserveMemory(5)
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)

    const stat = manager.stat()

    expect(JSON.parse(JSON.stringify(stat))).to.deep.equal(stat)
    expect(stat).to.deep.equal({
      system: { ...NOTHING, memory: 5, numStreamsInbound: 1, numConnsOutbound: 1, numFD: 1 },
      transient: { ...NOTHING, memory: 5, numConnsOutbound: 1, numFD: 1 },
      allowlistedSystem: NOTHING,
      allowlistedTransient: NOTHING,
      services: { [SERVICE]: { ...NOTHING, numStreamsInbound: 1 } },
      protocols: { [PROTOCOL]: { ...NOTHING, numStreamsInbound: 1 } },
      peers: { [peerA.toString()]: { ...NOTHING, numStreamsInbound: 1 } }
    })
  })

  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'a"b\\c', '\u0000', '\ud800', '5', ' ']) {
    it(`should take ${JSON.stringify(name)} as a name like any other`, () => {
      const manager = createManager({ protocol: { [name]: { streams: 1 } } })
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(name)
      stream.setService(name)

      const { services, protocols } = manager.stat()

      for (const stats of [services, protocols]) {
        expect(Object.entries(stats)).to.deep.equal([[name, { ...NOTHING, numStreamsInbound: 1 }]])
        expect(Object.entries(JSON.parse(JSON.stringify(stats)))).to.deep.equal(Object.entries(stats))
      }

      expect(manager.listProtocols()).to.deep.equal([name])
      expect(manager.listServices()).to.deep.equal([name])
      expect(() => { manager.openStream(peerB, 'inbound').setProtocol(name) }).to.throw(`protocol:${name}: cannot reserve stream`)
      expect(manager.serviceState(name)).to.match(/streams 1 of unlimited/)
      stream.done()
      manager.gc()
      expect(manager.stat().protocols).to.deep.equal({})
      expect(({} as any).numStreamsInbound).to.be.undefined()
    })
  }

  it('should be a copy', () => {
    const manager = createManager()
    const before = manager.stat()

    before.system.memory = 100
    manager.openConnection('inbound', false)
    expect(before.system.numConnsInbound).to.equal(0)
    expect(manager.stat().system.memory).to.equal(0)
  })
})

describe('lists', () => {
  it('should name what has a scope', () => {
    const manager = createManager()

    expect([manager.listServices(), manager.listProtocols(), manager.listPeers()]).to.deep.equal([[], [], []])

    manager.openStream(peerA, 'inbound').setProtocol('/a')
    manager.viewProtocol('/b', () => {})
    manager.viewPeer(peerB, () => {})
    manager.openService(SERVICE).done()

    expect([manager.listServices(), manager.listProtocols(), manager.listPeers()]).to.deep.equal([[SERVICE], ['/a', '/b'], [peerA, peerB]])

    // what is returned can be changed without consequence
    manager.listServices().pop()
    expect(manager.listServices()).to.deep.equal([SERVICE])
  })
})

describe('states', () => {
  const LIMITS = { streams: 8, streamsInbound: 5, conns: 'unlimited', connsOutbound: 0, fd: 3, memory: 2 ** 20 } as const

  it('should say in one line what the system holds of what it may hold', () => {
    const manager = createManager({ system: LIMITS })

    manager.openConnection('inbound', true).reserveMemory(1536)
    manager.openStream(peerA, 'inbound')
    manager.openStream(peerA, 'outbound')

    expect(manager.systemState()).to.equal('system: memory 1.5 KiB of 1 MiB, streams 2 of 8 (inbound 1 of 5, outbound 1 of unlimited), connections 1 of unlimited (inbound 1 of unlimited, outbound 0 of 0), file descriptors 1 of 3')
  })

  it('should say in one line what a service holds of what it may hold', () => {
    const manager = createManager({ service: { [SERVICE]: LIMITS } })
    const scope = manager.openService(SERVICE)

    scope.reserveStream('outbound')
    scope.reserveMemory(100)

    expect(manager.serviceState(SERVICE)).to.equal(`service:${SERVICE}: memory 100 B of 1 MiB, streams 1 of 8 (inbound 0 of 5, outbound 1 of unlimited), connections 0 of unlimited (inbound 0 of unlimited, outbound 0 of 0), file descriptors 0 of 3`)
  })

  it('should create no scope for a service that there is not', () => {
    const manager = createManager({ service: { [SERVICE]: LIMITS } })

    expect(manager.serviceState(SERVICE)).to.match(/^service:test-service: memory 0 B of 1 MiB, streams 0 of 8/)
    expect(manager.serviceState('other')).to.match(/^service:other: memory 0 B of unlimited/)
    expect(manager.listServices()).to.be.empty()
  })

  it('should show a limit that was set at run time', () => {
    const manager = createManager()

    manager.viewSystem(scope => { scope.setLimit({ memory: 2 ** 31 }) })
    expect(manager.systemState()).to.include('memory 0 B of 2 GiB')
  })
})

describe('refusals', () => {
  it('should be counted by kind of scope, resource and direction', () => {
    const manager = createManager({ system: { connsInbound: 0, fd: 0, memory: 0 }, peerDefault: { streams: 0 }, protocolPeerDefault: { streamsOutbound: 0 } })

    expect(manager.refusals()).to.deep.equal([])

    for (const request of [
      () => manager.openConnection('inbound', true),
      () => manager.openConnection('inbound', false),
      () => manager.openConnection('outbound', true),
      () => manager.openStream(peerA, 'inbound'),
      () => manager.openStream(peerB, 'outbound'),
      () => { manager.openConnection('outbound', false).reserveMemory(1) }
    ]) {
      expect(request).to.throw()
    }

    manager.viewPeer(peerA, scope => { scope.setLimit({ streams: 1 }) })
    expect(() => { manager.openStream(peerA, 'outbound').setProtocol(PROTOCOL) }).to.throw()

    expect(refusalCounts(manager)).to.have.deep.members([
      { kind: 'system', resource: 'connection', direction: 'inbound', count: 2 },
      { kind: 'system', resource: 'fd', direction: undefined, count: 1 },
      { kind: 'peer', resource: 'stream', direction: undefined, count: 2 },
      { kind: 'system', resource: 'memory', direction: undefined, count: 1 },
      { kind: 'protocolPeer', resource: 'stream', direction: 'outbound', count: 1 }
    ])
  })

  it('should not grow with the number of scopes', () => {
    const manager = createManager({ conn: { conns: 0 } })

    for (let i = 0; i < 1000; i++) {
      expect(() => manager.openConnection('inbound', true)).to.throw()
    }

    expect(refusalCounts(manager)).to.deep.equal([{ kind: 'conn', resource: 'connection', direction: undefined, count: 1000 }])
  })

  it('should be copies', () => {
    const manager = createManager({ conn: { conns: 0 } })

    expect(() => manager.openConnection('inbound', true)).to.throw()
    manager.refusals()[0].count = 100
    expect(manager.refusals()[0].count).to.equal(1)
  })
})

describe('a dry run', () => {
  it('should let in, count and report what would have been refused', () => {
    const { logger, messages } = recordingLogger(true)
    const blockAll = { streams: 0, conns: 0, memory: 0 }
    const manager = createManager({ system: blockAll }, { enforce: false, logger })
    const connection = manager.openConnection('inbound', true)
    const stream = manager.openStream(peerA, 'inbound')

    stream.reserveMemory(10)
    manager.viewPeer(peerA, scope => { scope.setLimit(blockAll) })
    connection.setPeer(peerA)

    const held = { memory: 10, numStreamsInbound: 1, numStreamsOutbound: 0, numConnsInbound: 1, numConnsOutbound: 0, numFD: 1 }

    expect(manager.stat()).to.deep.include({ system: held, peers: { [peerA.toString()]: held } })
    expect(refusalCounts(manager)).to.have.deep.members([
      { kind: 'system', resource: 'connection', direction: undefined, count: 1 },
      { kind: 'system', resource: 'stream', direction: undefined, count: 1 },
      { kind: 'system', resource: 'memory', direction: undefined, count: 1 },
      // what is above its limit already is the first that is found
      { kind: 'peer', resource: 'memory', direction: undefined, count: 1 }
    ])
    expect(messages).to.have.lengthOf(4)
    expect(messages[0]).to.include('conn-1: system: cannot reserve connection: resource limit exceeded')
  })

  it('should account as exactly as when limits are enforced', () => {
    const manager = createManager({ transient: { conns: 0, streams: 0 }, protocolPeerDefault: { streams: 0 }, servicePeerDefault: { memory: 0 } }, { enforce: false })
    const stream = manager.openStream(peerA, 'outbound')
    const connection = manager.openConnection('outbound', true)
    const service = manager.openService(SERVICE)

    service.setLimit({ streams: 0, conns: 0 })
    service.reserveStream('inbound')
    service.reserveConnection('inbound', true)
    stream.reserveMemory(1)
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    connection.setPeer(peerA)
    expect(manager.stat().services[SERVICE]).to.deep.equal({ memory: 1, numStreamsInbound: 1, numStreamsOutbound: 1, numConnsInbound: 1, numConnsOutbound: 0, numFD: 1 })

    stream.done()
    connection.done()
    service.done()
    manager.gc()
    expect(manager.stat()).to.deep.include({ system: NOTHING, transient: NOTHING, services: { [SERVICE]: NOTHING }, protocols: {}, peers: {} })
  })

  it('should still refuse mistakes', () => {
    const manager = createManager({}, { enforce: false })
    const stream = manager.openStream(peerA, 'inbound')

    expect(() => { stream.setService(SERVICE) }).to.throw('not attached to a protocol')
    expect(() => { stream.reserveMemory(-1) }).to.throw('size')
    stream.done()
    expect(() => { stream.reserveMemory(1) }).to.throw('resource scope closed')
  })
})

describe('starting and stopping', () => {
  it('should leave alone what is held', async () => {
    const manager = createManager()
    const connection = manager.openConnection('inbound', true)

    await manager.start()
    await manager.stop()
    await manager.stop()
    expect(manager.stat().system).to.deep.equal({ ...NOTHING, numConnsInbound: 1, numFD: 1 })
    await manager.start()
    connection.setPeer(peerA)
    connection.done()
    manager.gc()
    expect(manager.stat()).to.deep.include({ system: NOTHING, peers: {} })
  })
})
