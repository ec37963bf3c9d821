import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { autoScaleTarget } from '../../src/limits/auto-scale.ts'
import { availableResources } from '../../src/limits/available-resources.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { limitsFromJSON } from '../../src/limits/limits-json.ts'
import { limitsFromTOML } from '../../src/limits/limits-toml.ts'
import { PEER_A } from './arbitraries.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'

interface Read {
  limits?: PartialLimitConfig
  notes: string[]
  problems: string[]
}

function read (value: unknown, text: string = JSON.stringify(value)): Read {
  const notes: string[] = []

  try {
    return { limits: limitsFromJSON(text, { onNote: (note) => { notes.push(note) } }), notes, problems: [] }
  } catch (err: any) {
    expect(err).to.have.property('name', 'InvalidParametersError')

    return { notes, problems: err.message.split(/\n {2}/) }
  }
}

const SYSTEM = { Conns: 1024, ConnsInbound: 512, Memory: 1073741824 }
const READ_SYSTEM = { system: { conns: 1024, connsInbound: 512, memory: 1073741824 } }

/**
 * What is read, and how many lines are said about it
 */
const FILES: Array<[name: string, file: unknown, limits: PartialLimitConfig, notes: number]> = [
  ['a wrapper', { Limits: { System: SYSTEM } }, READ_SYSTEM, 0],
  ['a wrapper in lower case', { limits: { system: { conns: 1024, connsInbound: 512, memory: '1GiB' } } }, READ_SYSTEM, 0],
  ['what is in Swarm of a configuration of kubo', { ResourceMgr: { Limits: { System: SYSTEM } } }, READ_SYSTEM, 0],
  ['a resource manager of kubo', { Enabled: true, Limits: { System: SYSTEM } }, READ_SYSTEM, 0],
  ['a whole configuration of kubo', { Identity: { PeerID: 'x' }, Swarm: { ConnMgr: { HighWater: 900 }, ResourceMgr: { Limits: { System: SYSTEM } } }, Addresses: {} }, READ_SYSTEM, 0],
  ['one that has the memory in all', { Swarm: { ResourceMgr: { MaxMemory: '4GB', MaxFileDescriptors: 100 } } }, { system: { memory: 4e9, fd: 100 } }, 2],
  ['one that has both', { Swarm: { ResourceMgr: { MaxMemory: '4GB', Limits: { system: SYSTEM } } } }, READ_SYSTEM, 1],
  ['one that is off, with an allowlist', { Swarm: { ResourceMgr: { Enabled: false, Allowlist: ['/ip4/1.2.3.4'], Limits: { System: SYSTEM } } } }, READ_SYSTEM, 2],
  ['one without limits', { Swarm: { ConnMgr: {} } }, {}, 1],
  ['one whose resource manager has none', { Swarm: { ResourceMgr: {} } }, {}, 1],
  ['the limits of one scope', SYSTEM, READ_SYSTEM, 1],
  ['the limits of one scope in lower case', { conns: 5, fd: 3 }, { system: { conns: 5, fd: 3 } }, 1],
  ['nothing', {}, {}, 0],
  ['plurals', { Services: { a: { Streams: 1 } }, ServicePeers: { a: { Streams: 2 } }, Protocols: { '/a/1': { FD: 3 } }, ProtocolPeers: { '/a/1': { FD: 4 } }, Peers: { [PEER_A]: { Conns: 5 } } }, {
    service: { a: { streams: 1 } }, servicePeer: { a: { streams: 2 } }, protocol: { '/a/1': { fd: 3 } }, protocolPeer: { '/a/1': { fd: 4 } }, peer: { [PEER_A]: { conns: 5 } }
  }, 0],
  ['lower case', { system: { connsinbound: 5, FD: 3 }, peerdefault: { MEMORY: 5 }, protocolPeer: { '/A/1': { streams: 1 } } }, {
    system: { connsInbound: 5, fd: 3 }, peerDefault: { memory: 5 }, protocolPeer: { '/A/1': { streams: 1 } }
  }, 0],
  ['null, which is how Go writes what is not set', { System: { Conns: null, FD: 5 }, Transient: null, Service: null, Peer: { [PEER_A]: null }, Protocol: { '/a/1': { FD: null } } }, {
    system: { fd: 5 }, protocol: { '/a/1': {} }
  }, 0],
  ['numbers as Go has them', { System: { Conns: -1, ConnsInbound: -2, ConnsOutbound: '-1', Streams: '4611686018427387904', FD: '0012' } }, {
    system: { conns: 'unlimited', connsInbound: 'blockAll', connsOutbound: 'unlimited', streams: 'unlimited', fd: 12 }
  }, 0],
  ['a zero that means what it says', { Conn: { Conns: 0, ConnsOutbound: 5 }, Stream: { FD: 0, Memory: 0 } }, { conn: { conns: 'blockAll', connsOutbound: 5 }, stream: { fd: 'blockAll', memory: 'blockAll' } }, 0],
  ['sizes', { System: { Memory: '1.5 GiB' }, Conn: { Memory: '64KiB' } }, { system: { memory: 1.5 * 2 ** 30 }, conn: { memory: 65536 } }, 0],
  ['a limit that is not dynamic', { System: { Dynamic: false, Memory: 5, Conns: 3 } }, { system: { memory: 5, conns: 3 } }, 0],
  ['a fixed limit beside a dynamic one', { System: { Dynamic: true, Memory: 5, MemoryFraction: 0.5 } }, { system: { memory: 5 } }, 1],
  ['a limit that is not dynamic, and computed all the same', { System: { Dynamic: false, MemoryFraction: 0.5, MaxMemory: 7, Memory: 0 } }, { system: { memory: 7 } }, 1],
  ['zeros beside a dynamic limit', { System: { MemoryFraction: 1, MaxMemory: 9, Conns: 0, FD: '0', ConnsInbound: 5 }, Service: { a: { Streams: 0 } } }, { system: { memory: 9, connsInbound: 5 }, service: { a: {} } }, 2],
  ['the defaults of go-libp2p 0.18', {
    SystemBaseLimit: { Streams: 16384, Conns: 1024 },
    SystemMemory: { MemoryFraction: 0.125, MinMemory: 128, MaxMemory: 256 },
    ServiceBaseLimit: { Streams: 8192, Conns: 0 },
    ServiceMemory: { MemoryFraction: 1, MinMemory: 64, MaxMemory: 64 },
    ConnBaseLimit: { Conns: 1 },
    ConnMemory: 1048576
  }, { system: { streams: 16384, conns: 1024, memory: 256 }, serviceDefault: { streams: 8192, memory: 64 }, conn: { conns: 1, memory: 1048576 } }, 3],
  ['the limits of go-libp2p 0.18', {
    SystemLimits: { Streams: 5 }, DefaultServiceLimits: { Streams: 4 }, ServiceLimits: { a: { Streams: 3 } }, DefaultPeerLimits: { Memory: 7 }, PeerLimits: null, ConnLimits: { Streams: 0, Conns: 1 }
  }, { system: { streams: 5 }, serviceDefault: { streams: 4 }, service: { a: { streams: 3 } }, peerDefault: { memory: 7 }, conn: { streams: 'blockAll', conns: 1 } }, 0],
  ['what is in use beside the limits', { System: { Conns: 5, ConnsUsage: 3, memoryUsage: 7 }, Services: { a: { Streams: 1, StreamsUsage: 0 } } }, { system: { conns: 5 }, service: { a: { streams: 1 } } }, 2],
  ['a dynamic limit, at its least', { System: { Dynamic: true, MinMemory: 2 ** 60, MaxMemory: 2 ** 40, MemoryFraction: 0.125, ConnsInbound: 3 } }, { system: { memory: 2 ** 40, connsInbound: 3 } }, 1],
  ['a dynamic limit, at its most', { PeerDefault: { MinMemory: 7, MaxMemory: 7, MemoryFraction: 0.5 } }, { peerDefault: { memory: 7 } }, 1]
]

/**
 * What cannot be read, in one short line each
 */
const BAD: Array<[name: string, file: unknown, problems: string[]]> = [
  ['a letter that is missing', { System: { ConnsOutboun: 5 } }, ['invalid limits: System.ConnsOutboun: unknown key (did you mean ConnsOutbound?)']],
  ['a longer word', { System: { Connections: 5, Conns: 5 } }, ['invalid limits: System.Connections: unknown key (did you mean Conns?)']],
  ['where it is in a wrapper', { Swarm: { ResourceMgr: { Limits: { System: { FD: 1.5 } } } } }, ['invalid limits: Swarm.ResourceMgr.Limits.System.FD: expected a whole number, "unlimited", "blockAll" or "default", got 1.5']],
  ['the same twice', { System: { FD: 1 }, system: { FD: 2 } }, ['invalid limits: system: expected System once, got "system"']],
  ['the same in the plural', { Service: {}, Services: {} }, ['invalid limits: Services: expected Service once, got "Services"']],
  ['another negative number', { System: { FD: -3 } }, ['invalid limits: System.FD: expected a whole number, "unlimited", "blockAll" or "default", got -3 (write "unlimited" for no limit, "blockAll" for nothing at all)']],
  ['zeros that once meant the default', { System: { Conns: 0, ConnsInbound: 50, FD: 0 } }, ['invalid limits: System: Conns, FD are 0, which refuses everything, while ConnsInbound is not (leave out what is to have its default, or write "blockAll"; the command limits convert --zeros-are-defaults does the first)']],
  ['zeros of an entry', { Service: { 'a.b': { Streams: '0', StreamsOutbound: 50, Memory: 0 } } }, ['invalid limits: Service["a.b"]: Streams, Memory are 0, which refuses everything, while StreamsOutbound is not (leave out what is to have its default, or write "blockAll"; the command limits convert --zeros-are-defaults does the first)']],
  ['a fraction that is none', { System: { Dynamic: true, MemoryFraction: 'x', MaxMemory: -5 } }, [
    'invalid limits:', 'System.MaxMemory: expected a number of bytes, got -5', 'System.MemoryFraction: expected a number from 0 to 1, got "x"'
  ]],
  ['a fraction that is too large, and one that is left out', { System: { MemoryFraction: 1.5 }, Transient: { MinMemory: 5 } }, [
    'invalid limits:', 'System.MemoryFraction: expected a number from 0 to 1, got 1.5', 'Transient.MemoryFraction: expected a number from 0 to 1, got undefined'
  ]],
  ['scaling limits that are none', { SystemBaseLimit: { Streams: -1, Streems: 5 }, TransientLimitIncrease: 5 }, [
    'invalid limits:', 'SystemBaseLimit.Streams: expected a number from 0 on, got -1', 'SystemBaseLimit.Streems: unknown key (did you mean Streams?)', 'TransientLimitIncrease: expected an object with numbers, got 5'
  ]]
]

describe('files as people have them', () => {
  for (const [name, file, limits, notes] of FILES) {
    it(`should read ${name}`, () => {
      const result = read(file)

      expect(result.problems).to.deep.equal([])
      expect(result.limits).to.deep.equal(limits)
      expect(result.notes).to.have.lengthOf(notes)
      result.notes.forEach(note => { expect(note).to.match(/^[^\n]{1,200}$/) })
    })
  }

  for (const [name, file, problems] of BAD) {
    it(`should say what is wrong with ${name}`, () => {
      expect(read(file).problems.map(line => line.trim())).to.deep.equal(problems)
    })
  }

  it('should never hint at quotes of TOML in JSON', () => {
    for (const key of ['SystemBaseLimit', 'Services', 'System', 'svc:x', 'Identity']) {
      expect(read({ [key]: { a: { b: 1 } }, Foo: {} }).problems.join()).to.include('Foo: unknown key').and.to.not.include('quotes')
    }
  })

  it('should list the keys that there are once', () => {
    const { problems } = read({ One: 1, Two: 2, Three: 3, System: { Qqq: 1 }, Transient: { Xxx: 1 } })

    expect(problems).to.have.lengthOf(6)
    expect(problems.filter(line => line.includes('one of System'))).to.have.lengthOf(1)
    expect(problems.filter(line => line.includes('one of Streams'))).to.have.lengthOf(1)
  })

  it('should list no more problems than somebody reads', () => {
    const { problems } = read({ System: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`Q${i}`, 1])) })

    expect(problems).to.have.lengthOf(22)
    expect(problems[21]).to.equal('and 980 more')
  })

  it('should read a byte order mark in no text', () => {
    expect(limitsFromJSON('\uFEFF{ "System": { "FD": 5 } }')).to.deep.equal({ system: { fd: 5 } })
    expect(limitsFromTOML('\uFEFF[System]\nFD = 5')).to.deep.equal({ system: { fd: 5 } })
    expect(() => limitsFromJSON('\uFEFF{ "System": }')).to.throw('line 1, column 13')
  })

  it('should read TOML of these shapes too', () => {
    expect(limitsFromTOML('[Limits.system]\nconnsInbound = 5\nmemory = "64MiB"\n[Limits.Services."a.b"]\nFD = -1')).to.deep.equal({
      system: { connsInbound: 5, memory: 64 * 2 ** 20 },
      service: { 'a.b': { fd: 'unlimited' } }
    })
  })

  it('should not be fooled by names that are members of objects', () => {
    const { limits } = read(undefined, '{ "Services": { "__proto__": { "FD": 1 }, "constructor": { "FD": 2 } } }')

    expect(Object.keys(limits?.service ?? {})).to.have.members(['__proto__', 'constructor'])
    expect(read(undefined, '{ "__proto__": { "FD": 1 } }').problems[0]).to.include('__proto__: unknown key')
  })
})

describe('files with limits that scale', () => {
  const { scopes } = DefaultLimits
  const { memory, fds } = autoScaleTarget(availableResources())

  it('should be read as what they come to on this machine', () => {
    const expected = DefaultLimits.scale({ memory, fds })
    const { limits, notes } = read({
      SystemBaseLimit: { Conns: scopes.system.base.conns, Memory: String(scopes.system.base.memory), FD: scopes.system.base.fd },
      SystemLimitIncrease: { Conns: scopes.system.increase?.conns, Memory: scopes.system.increase?.memory, FDFraction: 1 },
      PeerLimitIncrease: { Streams: scopes.peerDefault.increase?.streams },
      ServiceLimits: null,
      TransientBaseLimit: null
    })

    expect(limits).to.deep.equal({
      system: { conns: expected.system.conns, memory: expected.system.memory, fd: expected.system.fd },
      peerDefault: { streams: expected.peerDefault.streams }
    })
    expect(notes).to.have.lengthOf(1)
  })

  it('should be read for names too, and beside sections that do not scale', () => {
    const { limits } = read({
      SystemBaseLimit: { FD: 7 },
      ServiceLimits: { 'a.b': { BaseLimit: { Streams: 5 } }, c: { LimitIncrease: { Streams: 0 } } },
      PeerLimits: { [PEER_A]: { BaseLimit: { Conns: 3 }, BaseLimitIncrease: { Conns: 0 } } },
      Conn: { FD: 1 }
    })

    // the fraction of the default is more than 7
    expect(limits?.system).to.deep.equal({ fd: Math.max(7, fds === Infinity ? Infinity : fds) })
    expect(limits?.service?.['a.b']).to.have.property('streams').that.is.at.least(5)
    expect(limits?.service?.c).to.deep.equal({ streams: scopes.serviceDefault.base.streams })
    expect(limits?.peer).to.deep.equal({ [PEER_A]: { conns: 3 } })
    expect(limits?.conn).to.deep.equal({ fd: 1 })
  })
})

describe('files of any content', () => {
  const keys = fc.constantFrom('System', 'system', 'Systems', 'Limits', 'Swarm', 'ResourceMgr', 'Service', 'Services', 'Peer', 'ServiceLimits', 'SystemBaseLimit', 'PeerLimitIncrease', 'BaseLimit', 'LimitIncrease', 'Conns', 'ConnsInbound', 'memory', 'FD', 'MaxMemory', 'Dynamic', 'MemoryFraction', '__proto__', 'constructor', 'a.b', PEER_A)
  const leaves = fc.oneof(fc.constantFrom<unknown>(null, 0, -1, '5', '64MiB', 'unlimited', true, 1e30, 0.5, []), fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  const { value: files } = fc.letrec(tie => ({
    value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, leaves, fc.array(fc.tuple(keys, tie('value')), { maxLength: 5 }).map(entries => Object.fromEntries(entries)))
  }))

  it('should be read, or be refused with lines that are short', () => {
    fc.assert(fc.property(files, (file) => {
      const { limits, notes, problems } = read(file)

      if (limits != null) {
        // what was read is what is read
        expect(limitsFromJSON(JSON.stringify(Object.fromEntries(Object.entries(limits).map(([key, value]) => [key, value]))), { onNote () {} })).to.deep.equal(limits)
      }

      for (const line of [...notes, ...problems]) {
        expect(line).to.match(/^[^\n]{0,400}$/)
      }
    }), { numRuns: 500 })
  })
})
