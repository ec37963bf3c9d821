import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { defaultFeatures } from '../../src/features/default-features.ts'
import { createResourceManager, NullResourceManager, resourceManager } from '../../src/index.ts'
import { DefaultLimits, limitsFromJSON } from '../../src/limits.ts'
import { OPTIONS } from '../../src/manager/options.ts'
import { NullIPLimiter, SessionRegistry, IPLimiter } from '../../src/sessions.ts'
import { limitsFromTOML } from '../../src/toml.ts'
import { nearestName } from '../../src/util/did-you-mean.ts'
import { errorOf, peerA } from '../scopes/fixtures.ts'
import type * as exported from '../../src/features.ts'
import type { Features, ResourceManager, ResourceManagerInit } from '../../src/index.ts'

type Described<F extends keyof Features> = (typeof exported)[F] extends { options: infer O } ? keyof O : never

/**
 * The options that are said to be described by a feature, and are not
 */
type Forgotten = {
  [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K] extends infer F extends keyof Features ? (K extends Described<F> ? never : K) : never
}[keyof typeof OPTIONS]

// does not compile if there is one. That all options are in the table is an error of the
// compiler in the table itself.
const forgotten: Record<Forgotten, never> = {}

function problemOf (init: unknown): string {
  const error = errorOf(() => createResourceManager(init as any))

  expect(error).to.have.property('name', 'InvalidParametersError')
  expect(error.message.split('\n')).to.have.lengthOf(1)

  return error.message
}

/**
 * What stands open, or full, with nobody noticing
 */
const MISSPELT: Array<[unknown, string]> = [
  [{ limit: { system: { conns: 5 } } }, 'limit: unknown option (did you mean limits?)'],
  [{ maxConnection: 5 }, 'maxConnection: unknown option (did you mean maxConnections?)'],
  [{ MaxMemory: '1GB' }, 'MaxMemory: unknown option (did you mean maxMemory?)'],
  [{ maxConns: 5 }, 'maxConns: unknown option (did you mean maxConnections?)'],
  [{ system: { conns: 5 } }, 'system: unknown option (did you mean limits.system?)'],
  [{ peerDefault: { conns: 5 } }, 'peerDefault: unknown option (did you mean limits.peerDefault?)'],
  [{ allowList: [] }, 'allowList: unknown option (did you mean allowlist?)'],
  [{ baseCosts: { connections: 5 } }, 'baseCosts.connections: unknown option (did you mean connection?)'],
  [{ subnetLimits: { ip4: [] } }, 'subnetLimits.ip4: unknown option (did you mean ipv4?)'],
  [{ subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 5, burst: 3 }] } }, 'subnetLimits.ipv4[0].burst: unknown option (one of prefixLength, connCount)'],
  [{ subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 5 }, { prefixLength: 24, conncount: 5 }] } }, 'subnetLimits.ipv4[1].conncount: unknown option (did you mean connCount?)'],
  [{ subnetLimits: { prefixes: [{ networks: '10.0.0.0/8', connCount: 5 }] } }, 'subnetLimits.prefixes[0].networks: unknown option (did you mean network?)'],
  [{ rateLimits: { connection: false } }, 'rateLimits.connection: unknown option (did you mean connections?)'],
  [{ rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 1, bursts: 2 }] } } }, 'rateLimits.connections.ipv4[0].bursts: unknown option (did you mean burst?)'],
  [{ rateLimits: { streams: { peers: { rate: 1 } } } }, 'rateLimits.streams.peers: unknown option (did you mean peer?)'],
  [{ rateLimits: { streams: { protocol: { '/a/1': { rates: 1 } } } } }, 'rateLimits.streams.protocol["/a/1"].rates: unknown option (did you mean rate?)'],
  [{ processMemory: { maximum: '80%' } }, 'processMemory.maximum: unknown option (did you mean max?)'],
  [{ eventLoopDelay: { max: 500, resumes: 5 } }, 'eventLoopDelay.resumes: unknown option (did you mean resume?)'],
  [{ sessions: { collector: {} } }, 'sessions.collector: unknown option (did you mean collectors?)'],
  [{ sessions: { collectors: { 'a.b': { maxRxBitRates: 5 } } } }, 'sessions.collectors["a.b"].maxRxBitRates: unknown option (did you mean maxRxBitrate?)'],
  [{ sessions: { throttle: { peers: {} } } }, 'sessions.throttle.peers: unknown option (did you mean peer?)'],
  [{ limits: { systems: {} } }, 'invalid limits: limits.systems: unknown key (did you mean system?)'],
  [{ limits: { system: { connections: 5 } } }, 'invalid limits: limits.system.connections: unknown key (did you mean conns?)'],
  [{ limits: { system: { ConnsInbound: 5 } } }, 'invalid limits: limits.system.ConnsInbound: unknown key (did you mean connsInbound?)'],
  [{ limits: { System: { ConnsInbound: 5 } } }, 'invalid limits: limits: expected names such as "system", got "System" (this is how files are written: use limitsFromJSON(text))'],
  [{ whatever: undefined }, 'whatever: unknown option (one of ']
]

describe('options', () => {
  for (const [init, problem] of MISSPELT) {
    it(`should not let ${JSON.stringify(init)} pass`, () => {
      expect(problemOf(init)).to.satisfy((message: string) => message.startsWith(problem))
    })
  }

  it('should be checked by the service as soon as it is asked for, and where it is turned off', () => {
    expect(errorOf(() => resourceManager({ limit: {} } as any)).message).to.equal('limit: unknown option (did you mean limits?)')
    expect(problemOf({ enabled: false, limit: {} })).to.equal('limit: unknown option (did you mean limits?)')
    expect(createResourceManager({ enabled: false, limits: {} })).to.be.instanceOf(NullResourceManager)
  })

  it('should be an object', () => {
    for (const init of [null, 5, 'all', true, []]) {
      expect(problemOf(init)).to.include('options: expected an object')
    }
  })

  it('should be true or false where they are one or the other', () => {
    for (const value of [0, 1, 'false', null, {}]) {
      expect(problemOf({ enabled: value })).to.match(/^enabled: expected true or false, got /)
      expect(problemOf({ enforce: value })).to.match(/^enforce: expected true or false, got /)
    }

    expect(problemOf({ sessions: { collectors: { a: { maxRxBitrate: 1, throttle: 1 } } } })).to.include('sessions.collectors.a.throttle: expected true or false')
  })

  it('should have a logger that is one', () => {
    for (const logger of [5, null, {}, () => {}]) {
      expect(problemOf({ logger })).to.include('logger: expected a logger such as defaultLogger() of @libp2p/logger')
    }
  })

  it('should not be read from a prototype', () => {
    expect(problemOf({ constructor: 5 })).to.include('constructor: unknown option')
    expect(problemOf(JSON.parse('{ "__proto__": 5 }'))).to.include('__proto__: unknown option')
    expect(problemOf({ subnetLimits: { toString: 5 } })).to.include('subnetLimits.toString: unknown option')
  })

  it('should all be known to what they are described by', () => {
    expect(forgotten).to.deep.equal({})

    for (const [option, description] of Object.entries(OPTIONS)) {
      if (typeof description === 'string') {
        expect(defaultFeatures[description]).to.have.property('options').that.has.property(option)
      }
    }
  })

  it('should accept every option that there is, at every depth', () => {
    const limiter = new NullIPLimiter()
    const rate = { rate: 1, burst: 2 }
    const prefix = { network: '10.0.0.0/8' }
    const bitrates = { maxRxBitrate: 1, maxTxBitrate: 1 }
    const init: Required<ResourceManagerInit> = {
      enabled: true,
      enforce: true,
      limits: {},
      profile: 'server',
      maxMemory: '1GiB',
      maxConnections: 50,
      allowlist: ['/ip4/1.2.3.4'],
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 5 }], ipv6: [{ prefixLength: 56, connCount: 5 }], prefixes: [{ network: '11.0.0.0/8', connCount: 5 }] },
      rateLimits: {
        connections: { global: rate, prefixes: [{ network: '11.0.0.0/8', ...rate }], ipv4: [{ prefixLength: 32, ...rate }], ipv6: [{ prefixLength: 56, ...rate }], maxSubnets: 5 },
        streams: { peer: rate, protocol: { '/a/1': rate }, protocolPeer: { '/a/1': rate }, maxPeers: 5 }
      },
      networks: [{ ...prefix, connCount: 5, ...rate }],
      trustedNetworks: 'private',
      trustedProxies: ['127.0.0.1'],
      services: { a: ['/a/1'] },
      baseCosts: { connection: '64KiB', stream: 5 },
      transientShare: 0.5,
      handlerGrace: 5,
      fleet: { async start () {}, async stop () {}, metrics: [], view: () => { throw new Error('not asked') }, stat: () => { throw new Error('not asked') }, holders: () => { throw new Error('not asked') } },
      fairness: { networks: { ipv4: 16, ipv6: 32 }, subnets: { ipv4: 24, ipv6: 48 }, hosts: { ipv4: 32, ipv6: 56 }, protect: 8, useful: ['a'], handshakes: { cpu: 0.5 } },
      bans: { strikes: 5, halfLife: 5, duration: 5, peers: 5, hosts: 5 },
      processMemory: { max: '80%', resume: '70%' },
      eventLoopDelay: { max: 500, resume: 5 },
      trace: [],
      metricsReporter: { allowConn () {} },
      shadow: { system: { memory: '1GiB' } },
      metrics: true,
      sessions: {
        collectors: { a: { ...bitrates, maxSessions: 1, limiter, inactiveTimeout: 1, sessionTimeout: 1, persistInterval: 1, maxHistory: 1, throttle: false, companions: ['b'] }, b: {} },
        throttle: { system: bitrates, peer: bitrates }
      },
      warnings: false,
      manager: undefined as any,
      features: defaultFeatures,
      logger: { forComponent: () => Object.assign(() => {}, { error () {}, trace () {}, enabled: false, newScope () {} }) as any }
    }

    expect(() => createResourceManager(init)).to.not.throw()
  })

  it('should be checked in what is registered or asked later', () => {
    const manager = createResourceManager()

    const calls: Array<[() => unknown, string]> = [
      [() => { manager.recentRefusals({ adress: '192.0.2.1' } as any) }, 'options.adress: unknown option (did you mean address?)'],
      [() => { manager.addPrefixLimit({ network: '10.0.0.0/8', connCount: 5, rate: 5 } as any) }, 'prefixLimit.rate: unknown option'],
      [() => new SessionRegistry().register('a', { maxRxBitRates: 5 } as any), 'config.maxRxBitRates: unknown option (did you mean maxRxBitrate?)'],
      [() => new SessionRegistry({ observers: {} } as any), 'init.observers: unknown option (did you mean observer?)'],
      [() => DefaultLimits.scale({ memorys: 5 } as any), 'target.memorys: unknown option (did you mean memory?)'],
      [() => limitsFromJSON('{}', { onNotes () {} } as any), 'options.onNotes: unknown option (did you mean onNote?)'],
      [() => new IPLimiter({ blocks: [] } as any), 'init.blocks: unknown option (did you mean block?)'],
      [() => manager.usage({ minPercents: 5 } as any), 'options.minPercents: unknown option (did you mean minPercent?)'],
      [() => manager.holders({ tops: 5 } as any), 'options.tops: unknown option (did you mean top?)'],
      [() => manager.explain({ resource: 'stream', direction: 'inbound', peers: peerA } as any), 'request.peers: unknown option (did you mean peer?)']
    ]

    for (const [call, problem] of calls) {
      const error = errorOf(call)

      expect(error.message).to.include(problem)
      expect(error.name).to.equal('InvalidParametersError')
    }
  })
})

describe('addresses and networks', () => {
  const open = (manager: ResourceManager, count: number): void => {
    for (let i = 0; i < count; i++) {
      manager.openConnection('inbound', false, multiaddr('/ip4/10.1.2.3/tcp/1'))
    }
  }

  it('should take a word for all private networks', () => {
    for (const trustedNetworks of ['private' as const, ['private'], ['10.0.0.0/8']]) {
      open(createResourceManager({ trustedNetworks }), 25)
    }

    expect(() => { open(createResourceManager(), 25) }).to.throw('subnet:10.1.2.3/32')
    expect(problemOf({ trustedNetworks: 'privat' })).to.include('trustedNetworks: expected a list of networks, or "private", got "privat"')
  })

  it('should take addresses as text', () => {
    const manager = createResourceManager({ allowlist: ['/ip4/10.0.0.0/ipcidr/8'] })

    open(manager, 25)
    expect(manager.allowlist.allowed('/ip4/10.1.2.3')).to.equal(true)
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: '/ip4/10.1.2.3/tcp/1' }).fits).to.equal(true)
    expect(() => manager.openConnection('inbound', false, '/ip4/192.0.2.1/tcp/1')).to.not.throw()
    expect(errorOf(() => manager.openConnection('inbound', false, '192.0.2.1')).message).to.equal('endpoint: expected a multiaddr such as "/ip4/1.2.3.4", got "192.0.2.1"')
    expect(manager.stat().system.numConnsInbound).to.equal(26)
    expect(problemOf({ allowlist: ['10.0.0.0/8'] })).to.equal('allowlist: expected a multiaddr such as "/ip4/1.2.3.4", got "10.0.0.0/8"')
  })
})

describe('options of a node', () => {
  it('should be checked where there is no node too', () => {
    expect(problemOf({ baseCosts: { stream: -1 } })).to.include('baseCosts.stream: expected a number of bytes')
    expect(problemOf({ services: { a: '/a/1' } })).to.include('services.a: expected a list of protocols')
    expect(problemOf({ transientShare: 2 })).to.include('transientShare: expected a number above 0')
    expect(problemOf({ handlerGrace: -1 })).to.include('handlerGrace: expected a whole number of milliseconds')
    expect(problemOf({ processMemory: '80%' })).to.include('processMemory: expected an object')
    expect(problemOf({ processMemory: {} })).to.include('processMemory.max: expected a number of bytes')
    expect(problemOf({ processMemory: { max: '101%' } })).to.include('processMemory.max: expected a number of bytes')
    expect(problemOf({ processMemory: { max: 1000, resume: 1001 } })).to.include('processMemory.resume: expected at most processMemory.max, 1000')
    expect(problemOf({ eventLoopDelay: 500 })).to.include('eventLoopDelay: expected an object')
    expect(problemOf({ eventLoopDelay: { max: 0 } })).to.include('eventLoopDelay.max: expected a number of milliseconds above 0')
    expect(problemOf({ eventLoopDelay: { max: 5, resume: 6 } })).to.include('eventLoopDelay.resume: expected at most eventLoopDelay.max, 5')
    expect(problemOf({ fairness: { protect: -1 } })).to.include('fairness.protect: expected a whole number')
    expect(problemOf({ fairness: { hosts: { ipv4: 33 } } })).to.include('fairness.hosts.ipv4')
    expect(problemOf({ bans: 5 })).to.include('bans: expected an object')
    expect(problemOf({ bans: { strikes: -1 } })).to.include('bans.strikes: expected a whole number from 1')
    expect(() => createResourceManager({ bans: false })).to.not.throw()
    expect(() => createResourceManager({ processMemory: { max: 1000, resume: 1000 }, eventLoopDelay: { max: 5, resume: 5 }, fairness: false })).to.not.throw()
  })
})

describe('sizes', () => {
  it('should be read wherever bytes are asked for', () => {
    const manager = createResourceManager({ limits: { system: { memory: '64MiB' }, peerDefault: { memory: '1.5 GB' }, service: { a: { memory: '2KiB' } } } })

    expect(manager.limits?.system.memory).to.equal(64 * 2 ** 20)
    expect(manager.limits?.peerDefault.memory).to.equal(1.5e9)
    expect(manager.limits?.service.a.memory).to.equal(2048)

    expect(createResourceManager({ maxMemory: '1.5 GB' }).limits?.system.memory).to.equal(1.5e9)
    expect(limitsFromTOML('[System]\nMemory = "64MiB"').system?.memory).to.equal(64 * 2 ** 20)
    expect(limitsFromTOML('[SystemLimit]\nMemory = "64MiB"\n[Service.chat]\nMemory = "1 MiB"')).to.have.nested.include({ 'system.memory': 64 * 2 ** 20, 'service.chat.memory': 2 ** 20 })
    expect(limitsFromJSON('{ "System": { "Memory": "64MiB" } }').system?.memory).to.equal(64 * 2 ** 20)
    expect(limitsFromJSON('{ "SystemBaseLimit": { "Memory": "64MiB" }, "SystemLimitIncrease": { "Memory": "0B" } }').system?.memory).to.equal(64 * 2 ** 20)

    manager.viewPeer(peerA, scope => {
      scope.setLimit({ memory: '1MiB' })
      expect(scope.limit.memory).to.equal(2 ** 20)
    })
  })

  it('should not be read where they are none', () => {
    expect(problemOf({ limits: { system: { memory: '64Mib/s' } } })).to.match(/limits\.system\.memory: expected a whole number of bytes, a size such as "512MiB" .*, got "64Mib\/s"/)
    expect(problemOf({ limits: { system: { streams: '64MiB' } } })).to.include('limits.system.streams: expected a whole number, "unlimited", "blockAll" or "default", got "64MiB"')
    expect(problemOf({ maxMemory: '5 apples' })).to.include('maxMemory: expected a number of bytes')
    expect(errorOf(() => limitsFromJSON('{ "SystemBaseLimit": { "Memory": "5 apples" } }')).message).to.include('SystemBaseLimit.Memory: expected a number from 0 on or a size such as')
    expect(errorOf(() => limitsFromJSON('{ "SystemBaseLimit": { "Conns": "5MiB" } }')).message).to.include('SystemBaseLimit.Conns: expected a number from 0 on, got "5MiB"')
  })

  it('should be refused where next to nothing fits, with what was meant', () => {
    expect(problemOf({ maxMemory: 512 })).to.equal('maxMemory: expected at least "1MiB", as not even ten connections fit into 512 bytes (did you mean "512MB"?)')
    expect(problemOf({ maxMemory: '512KB' })).to.equal('maxMemory: expected at least "1MiB", as not even ten connections fit into "512KB" (which is 512000 bytes)')
    expect(problemOf({ maxMemory: 2 ** 20 - 1 })).to.include('maxMemory: expected at least "1MiB"')
    expect(() => createResourceManager({ maxMemory: 2 ** 20 })).to.not.throw()
  })
})

describe('names that were meant', () => {
  const NAMES = ['streams', 'streamsInbound', 'streamsOutbound', 'conns', 'connsInbound', 'connsOutbound', 'fd', 'memory']

  it('should be found near what was written', () => {
    const near = { ConnsOutboun: 'connsOutbound', Connections: 'conns', connections: 'conns', Memroy: 'memory', FDs: 'fd', streamsIn: 'streamsInbound', mem: 'memory', Conn: 'conns' }

    for (const [written, meant] of Object.entries(near)) {
      expect(nearestName(written, NAMES), written).to.equal(meant)
    }
  })

  it('should not be made up', () => {
    for (const written of ['Swarm', 'Identity', 'x', '', 'a'.repeat(1000), 'conns'.repeat(100)]) {
      expect(nearestName(written, NAMES), written).to.equal(undefined)
    }
  })

  it('should be the name itself, whatever its case', () => {
    fc.assert(fc.property(fc.constantFrom(...NAMES), fc.boolean(), (name, upper) => {
      expect(nearestName(upper ? name.toUpperCase() : name, NAMES)).to.equal(name)
    }))
  })

  it('should be found with any letter left out, doubled or replaced', () => {
    fc.assert(fc.property(fc.constantFrom(...NAMES.filter(name => name.length > 5)), fc.nat(), fc.constantFrom('out', 'double', 'replace'), (name, at, how) => {
      const i = at % name.length
      const letter = { out: '', double: name[i] + name[i], replace: '_' }[how]

      expect(nearestName(name.slice(0, i) + letter + name.slice(i + 1), NAMES)).to.equal(name)
    }))
  })
})
