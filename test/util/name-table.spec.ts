import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createResourceManager } from '../../src/index.ts'
import { askForProtocols } from '../../src/libp2p/streams/service-protocols.ts'
import { serviceTable } from '../../src/libp2p/streams/service-table.ts'
import { WELL_KNOWN_SERVICES, wellKnownProtocol } from '../../src/limits/well-known-services.ts'
import { NameTable } from '../../src/util/name-table.ts'
import { errorOf, peerA } from '../scopes/fixtures.ts'

describe('a table of names', () => {
  const table = new NameTable('names', [['/a/b', 1], ['/a/*', 2], ['*', 3], ['/a/*/c', 4], ['*/end', 5], ['/a/*', 6]])

  it('should find exact names first, then the most specific pattern', () => {
    expect(table.get('/a/b')).to.equal(1)
    expect(table.get('/a/x')).to.equal(6)
    expect(table.get('/a/x/c')).to.equal(4)
    expect(table.get('/x/end')).to.equal(5)
    expect(table.get('anything')).to.equal(3)
    expect(table.get('')).to.equal(3)
  })

  it('should not count a character twice', () => {
    const ends = new NameTable('names', [['ab*ba', true]])

    expect(ends.get('aba')).to.equal(undefined)
    expect(ends.get('abba')).to.equal(true)
    expect(ends.get('abxba')).to.equal(true)
  })

  it('should ask somebody else about names that it does not have, once', () => {
    let asked = 0
    const others = new NameTable<number>('names', [['a', 1], ['b*', 2]], () => ++asked)

    expect([others.get('a'), others.get('bc'), others.get('c'), others.get('c')]).to.deep.equal([1, 2, 1, 1])
    expect(asked).to.equal(1)
  })

  it('should remember no more than so many names, and stay right', () => {
    const some = new NameTable('names', [['x*', true]])

    for (let i = 0; i < 5_000; i++) {
      expect(some.get(`x${i}`)).to.equal(true)
      expect(some.get(`y${i}`)).to.equal(undefined)
    }
  })

  it('should refuse what cannot be a pattern, and too many of them', () => {
    expect(() => new NameTable('names', [['a*b*', 1]])).to.throw('names: expected one * at most').with.property('name', 'InvalidParametersError')
    expect(() => new NameTable('names', Array.from({ length: 257 }, (_, i) => [`${i}*`, i] as const))).to.throw('names: expected at most 256 names with *')
    expect(() => new NameTable('names', Array.from({ length: 256 }, (_, i) => [`${i}*`, i] as const))).to.not.throw()
  })

  it('should find what a comparison with every pattern finds', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 })
    const patterns = fc.uniqueArray(fc.tuple(text, text), { selector: ([a, b]) => `${a}*${b}`, maxLength: 8 })

    fc.assert(fc.property(patterns, fc.array(text, { maxLength: 8 }), (patterns, names) => {
      const table = new NameTable('names', patterns.map(([start, end]) => [`${start}*${end}`, start.length + end.length] as const))

      for (const name of names) {
        const fitting = patterns.filter(([start, end]) => new RegExp(`^${start}.*${end}$`).test(name)).map(([start, end]) => start.length + end.length)

        expect(table.get(name)).to.equal(fitting.length === 0 ? undefined : Math.max(...fitting))
      }
    }))
  })
})

describe('services of protocols', () => {
  it('should be found in private networks', () => {
    const services = serviceTable()
    const known: Record<string, string> = {
      '/mynet/id/1.0.0': 'libp2p.identify',
      '/mynet/id/push/1.0.0': 'libp2p.identify',
      '/a/b/ping/1.0.0': 'libp2p.ping',
      '/mynet/kad/1.0.0': 'libp2p.kad',
      '/mynet/lan/kad/1.0.0': 'libp2p.kad',
      '/mynet/fetch/0.0.1': 'libp2p.fetch',
      '/mynet/echo/1.0.0': 'libp2p.echo',
      '/mynet/autonat/1.0.0': 'libp2p.autonat',
      '/mynet/autonat/2/dial-back': 'libp2p.autonatv2',
      '/mynet/bitswap/1.2.0': 'bitswap',
      '/webrtc-signaling/0.0.1': 'libp2p.webrtc-signaling',
      '/http/1.1': 'libp2p.http'
    }

    for (const [protocol, service] of Object.entries(known)) {
      expect(services.get(protocol), protocol).to.equal(service)
    }

    for (const [service, protocols] of Object.entries(WELL_KNOWN_SERVICES)) {
      protocols.forEach(protocol => { expect(services.get(protocol)).to.equal(service) })
    }
  })

  it('should not be found for what only looks like them', () => {
    for (const protocol of ['/mynet/id/2.0.0', '/id/1.0.0/x', '/mynet/dcutr', '/mynet/perf/1.0.0', '', '/', '//', 'id/1.0.0', `${'/x'.repeat(1000)}/id/1.0.0`, '/constructor']) {
      expect(serviceTable().get(protocol), protocol).to.equal(undefined)
    }
  })

  it('should be those that services of a node say they speak, which are asked once, when it matters', () => {
    let asked = 0
    const table = (services?: Record<string, string[]> | false): ReturnType<typeof serviceTable> => serviceTable(services, () => {
      asked++

      return askForProtocols({
        components: {
          dht: { [Symbol.toStringTag]: '@libp2p/kad-dht', protocol: '/mine/1' },
          pubsub: { [Symbol.toStringTag]: '@libp2p/gossipsub', protocols: ['/mine/2', 5, '/mynet/id/1.0.0'] },
          other: { [Symbol.toStringTag]: '@mine/other', protocol: '/mine/3' },
          odd: { [Symbol.toStringTag]: 'constructor', protocol: '/mine/4' },
          silent: { [Symbol.toStringTag]: '@libp2p/ping', protocols: '/mine/5' },
          nothing: null,
          more: undefined,
          text: 'text'
        } as any
      })
    })
    const services = table()

    expect(services.get('/ipfs/ping/1.0.0')).to.equal('libp2p.ping')
    expect(asked).to.equal(0)
    expect(['/mine/1', '/mine/2', '/mynet/id/1.0.0', '/mine/3', '/mine/4', '/mine/5', '/'].map(protocol => services.get(protocol))).to.deep.equal(['libp2p.kad', 'libp2p.pubsub', 'libp2p.pubsub', undefined, undefined, undefined, undefined])
    expect(asked).to.equal(1)

    expect(table({ mine: ['/mine/*'] }).get('/mine/1')).to.equal('mine')
    expect(table(false).get('/mine/1')).to.equal(undefined)
    expect(asked).to.equal(1)
    expect(askForProtocols({})).to.deep.equal(new Map())
  })

  it('should be those that are configured, and none where the table is off', () => {
    const services = serviceTable({ mine: ['/mynet/id/1.0.0', '/orbitdb/*'], special: ['/orbitdb/special/*', '/orbitdb/one'] })

    expect(services.get('/mynet/id/1.0.0')).to.equal('mine')
    expect(services.get('/yours/id/1.0.0')).to.equal('libp2p.identify')
    expect(services.get('/orbitdb/heads/x')).to.equal('mine')
    expect(services.get('/orbitdb/special/x')).to.equal('special')
    expect(services.get('/orbitdb/one')).to.equal('special')
    expect(serviceTable(false).get('/yours/id/1.0.0')).to.equal(undefined)
    expect(() => serviceTable({ mine: ['/a/*/*'] })).to.throw('services: expected one * at most')
  })

  it('should be found for any prefix of up to four parts', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '1', '.'), minLength: 1, maxLength: 5 })

    fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      expect(wellKnownProtocol(`/${parts.join('/')}/ping/1.0.0`)).to.equal('/ipfs/ping/1.0.0')
    }))
  })
})

describe('limits of families of protocols', () => {
  it('should be those of the well-known protocol in a private network', () => {
    const manager = createResourceManager()
    const limitOf = (protocol: string): unknown => manager.viewProtocol(protocol, scope => scope.limit)

    expect(limitOf('/mynet/id/1.0.0')).to.deep.equal(limitOf('/ipfs/id/1.0.0'))
    expect(limitOf('/mynet/id/1.0.0')).to.not.deep.equal(limitOf('/mine/1.0.0'))
    expect(limitOf('/mine/1.0.0')).to.deep.equal(manager.limits?.protocolDefault)
  })

  it('should be those of the most specific pattern, each protocol for itself', () => {
    const manager = createResourceManager({
      limits: {
        protocol: { '/orbitdb/*': { streams: 2 }, '/orbitdb/one': { streams: 1 }, '/mynet/*': { streams: 7 } },
        protocolPeer: { '*/big': { memory: '1MiB' } },
        service: { 'orbitdb.*': { streams: 3 } }
      }
    })
    const streamsOf = (protocol: string): number => manager.viewProtocol(protocol, scope => scope.limit.streams)

    expect([streamsOf('/orbitdb/x'), streamsOf('/orbitdb/y'), streamsOf('/orbitdb/one'), streamsOf('/mynet/id/1.0.0')]).to.deep.equal([2, 2, 1, 7])
    expect(manager.viewService('orbitdb.x', scope => scope.limit.streams)).to.equal(3)

    for (const name of ['/orbitdb/x', '/orbitdb/y']) {
      for (let i = 0; i < 2; i++) {
        manager.openStream(peerA, 'inbound').setProtocol(name)
      }

      const error = errorOf(() => { manager.openStream(peerA, 'inbound').setProtocol(name) })

      expect(error).to.have.deep.property('settingPath', ['limits', 'protocol', '/orbitdb/*', 'streams'])
    }

    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol('/very/big')
    expect(() => { stream.reserveMemory(2 ** 20 + 1) }).to.throw('protocol:/very/big.peer')
  })

  it('should be those of one collector for the services of a pattern', () => {
    const manager = createResourceManager({ sessions: { collectors: { 'orbitdb.*': { maxSessions: 1 }, 'orbitdb.free': {} } } })
    const join = (service: string): void => {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol('/a/1')
      stream.setService(service)
    }

    join('orbitdb.one')
    manager.sessions.collector('orbitdb.*')?.registerAndActivate('1', '', '', '')

    for (const service of ['orbitdb.one', 'orbitdb.two']) {
      expect(errorOf(() => { join(service) })).to.have.deep.property('settingPath', ['sessions', 'collectors', 'orbitdb.*', 'maxSessions'])
    }

    join('orbitdb.free')
    join('other')
  })

  it('should follow a change of all limits', () => {
    const manager = createResourceManager()

    manager.viewProtocol('/orbitdb/x', scope => {
      manager.setLimits({ protocol: { '/orbitdb/*': { streams: 2 } } })
      expect(scope.limit.streams).to.equal(2)
      manager.setLimits({})
      expect(scope.limit).to.deep.equal(manager.limits?.protocolDefault)
    })
  })

  it('should refuse what cannot be a pattern', () => {
    expect(() => createResourceManager({ limits: { protocol: { '/a/*/*': {} } } })).to.throw('limits.protocol["/a/*/*"]: expected one * at most')
    expect(() => createResourceManager({ rateLimits: { streams: { protocol: { '/a/*/*': { rate: 1 } } } } })).to.throw('rateLimits.streams.protocol: expected one * at most')
    expect(() => createResourceManager({ sessions: { collectors: { 'a.*.*': {} } } })).to.throw('sessions.collectors: expected one * at most')
  })
})
