import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createResourceManager } from '../../src/index.ts'
import { limitsFromJSON, limitsToJSON } from '../../src/limits/limits-json.ts'
import { optionsFromKubo } from '../../src/limits/options-from-kubo.ts'
import { partialLimits } from './arbitraries.ts'
import type { KuboOptions } from '../../src/limits/options-from-kubo.ts'

interface Read extends KuboOptions {
  notes: string[]
}

function read (config: unknown, overrides?: unknown): Read {
  const notes: string[] = []
  const options = optionsFromKubo(JSON.stringify(config), overrides === undefined ? undefined : JSON.stringify(overrides), { onNote: (note) => { notes.push(note) } })

  return { ...options, notes }
}

const NOTHING: KuboOptions = { resourceManager: {}, connectionManager: {} }

/**
 * What a configuration comes to, and how many lines are said about it
 */
const CONFIGS: Array<[name: string, config: unknown, options: KuboOptions, notes: number]> = [
  ['one that sets nothing', { Identity: {}, Swarm: { AddrFilters: null, ConnMgr: {}, RelayService: {}, ResourceMgr: {} } }, NOTHING, 0],
  ['one that leaves everything to defaults', {
    Swarm: { ConnMgr: { Type: null, LowWater: null, HighWater: null }, ResourceMgr: { Enabled: 'default', MaxMemory: null, MaxFileDescriptors: 'default', Allowlist: null, Limits: null } }
  }, NOTHING, 0],
  ['all of it', {
    Identity: { PeerID: 'x' },
    Swarm: {
      ConnMgr: { Type: 'basic', HighWater: 900 },
      ResourceMgr: { Enabled: false, MaxMemory: '8GB', MaxFileDescriptors: 4096, Allowlist: ['/ip4/1.2.3.4', '/ip6/2001:db8::/ipcidr/32'], Limits: { System: { ConnsInbound: 512 } } }
    }
  }, {
    resourceManager: { enabled: false, maxMemory: 8e9, allowlist: ['/ip4/1.2.3.4', '/ip6/2001:db8::/ipcidr/32'], limits: { system: { fd: 4096, connsInbound: 512 } } },
    connectionManager: { maxConnections: 900 }
  }, 0],
  ['what is under Swarm', { ConnMgr: { HighWater: 5 }, ResourceMgr: { MaxMemory: '1 GiB' } }, { resourceManager: { maxMemory: 2 ** 30 }, connectionManager: { maxConnections: 5 } }, 0],
  ['what is under ResourceMgr', { Enabled: true, MaxFileDescriptors: '1024' }, { resourceManager: { enabled: true, limits: { system: { fd: 1024 } } }, connectionManager: {} }, 0],
  ['a limit that counts before what is beside the limits', { ResourceMgr: { MaxFileDescriptors: 5, Limits: { System: { FD: 6 } } } }, { resourceManager: { limits: { system: { fd: 6 } } }, connectionManager: {} }, 0],
  ['what has no counterpart', {
    Swarm: { AddrFilters: ['/ip4/10.0.0.0/ipcidr/8'], RelayService: { MaxReservations: 5 }, ConnMgr: { Type: 'none', LowWater: 5, GracePeriod: '20s', SilencePeriod: '10s' }, ResourceMgr: { MetricsEnabled: true } }
  }, NOTHING, 7],
  ['a connection manager that closes nothing', { Swarm: { ConnMgr: { HighWater: 0 } } }, NOTHING, 1]
]

/**
 * `MaxMemory` as kubo understands it
 */
const SIZES: Array<[text: unknown, bytes: number]> = [
  ['8GB', 8e9], ['259 MB', 259e6], ['1.5 GiB', 1.5 * 2 ** 30], ['4g', 4e9], ['4Gi', 4 * 2 ** 30], ['512 mib', 2 ** 29], ['1073741824', 2 ** 30], [1073741824, 2 ** 30], ['1,000 kB', 1e6], ['7B', 7]
]

const BAD: Array<[name: string, config: unknown, problem: RegExp]> = [
  ['a file with limits', { System: { FD: 5 } }, /^expected a configuration of kubo, with Swarm.ResourceMgr or Swarm.ConnMgr$/],
  ['a list', [], /^expected a configuration of kubo/],
  ['null', null, /^expected a configuration of kubo/],
  ['settings that are none', { Swarm: { ConnMgr: { HighWater: 'many' }, ResourceMgr: { Enabled: 'yes', MaxMemory: '25%', MaxFileDescriptors: -1, Allowlist: ['/ip4/1.2.3.4', '1.2.3.4', 5] } } }, new RegExp([
    'invalid configuration:',
    'Swarm.ResourceMgr.Allowlist\\[1\\]: expected a multiaddr such as "/ip4/1.2.3.4", got "1.2.3.4"',
    'Swarm.ResourceMgr.Allowlist\\[2\\]: expected a multiaddr such as "/ip4/1.2.3.4", got 5',
    'Swarm.ResourceMgr.Enabled: expected true or false, got "yes"',
    'Swarm.ResourceMgr.MaxMemory: expected a size such as "8GB" or "512 MiB", got "25%"',
    'Swarm.ResourceMgr.MaxFileDescriptors: expected a whole number, got -1',
    'Swarm.ConnMgr.HighWater: expected a whole number, got "many"'
  ].join('\n {2}'))],
  ['settings that are misspelt', { Swarm: { ResourceMgr: { MaxMemry: '1GB', enable: true, MetricsEnabled: true } } }, new RegExp([
    '^invalid configuration:',
    'Swarm.ResourceMgr.MaxMemry: unknown key \\(did you mean MaxMemory\\?\\)',
    'Swarm.ResourceMgr.enable: unknown key \\(did you mean Enabled\\?\\)$'
  ].join('\n {2}'))],
  ['an allowlist that is none', { ResourceMgr: { Allowlist: '/ip4/1.2.3.4' } }, /ResourceMgr.Allowlist: expected a list of multiaddrs, got/],
  ['a limit that is none', { Swarm: { ResourceMgr: { Limits: { System: { Conns: 'x' } } } } }, /^invalid limits: Swarm.ResourceMgr.Limits.System.Conns: expected .*got "x"$/]
]

describe('options from a configuration of kubo', () => {
  for (const [name, config, options, notes] of CONFIGS) {
    it(`should read ${name}`, () => {
      const { notes: told, ...read_ } = read(config)

      expect(read_).to.deep.equal(options)
      expect(told).to.have.lengthOf(notes)
    })
  }

  for (const [text, bytes] of SIZES) {
    it(`should read ${JSON.stringify(text)} as ${bytes} bytes`, () => {
      expect(read({ ResourceMgr: { MaxMemory: text } }).resourceManager.maxMemory).to.equal(bytes)
    })
  }

  for (const [name, config, problem] of BAD) {
    it(`should refuse ${name}`, () => {
      expect(() => read(config)).to.throw(problem).with.property('name', 'InvalidParametersError')
    })
  }

  it('should put overrides above everything', () => {
    const config = { Swarm: { ResourceMgr: { MaxFileDescriptors: 5, Limits: { System: { Conns: 7, ConnsInbound: 6 } } } } }

    expect(read(config, { System: { FD: 'unlimited', Conns: 8 }, Transient: { Conns: 1 } }).resourceManager.limits).to.deep.equal({
      system: { fd: 'unlimited', conns: 8, connsInbound: 6 },
      transient: { conns: 1 }
    })
    expect(read(config, {}).resourceManager.limits).to.deep.equal({ system: { fd: 5, conns: 7, connsInbound: 6 } })
    expect(() => read(config, { Sytem: {} })).to.throw('Sytem: unknown key')
  })

  it('should name the place where a text is no JSON', () => {
    expect(() => optionsFromKubo('{')).to.throw('line 1, column 2')
    expect(() => optionsFromKubo('{ "Swarm": {} }', '[1')).to.throw('line 1, column 3')
    expect(() => optionsFromKubo('{ "Swarm": {} }', undefined, { onNotes () {} } as any)).to.throw('options.onNotes')
  })

  it('should give what a resource manager accepts', () => {
    const { resourceManager } = read({ Swarm: { ResourceMgr: { MaxMemory: '512MB', MaxFileDescriptors: 99, Allowlist: ['/ip4/1.2.3.4'] } } })
    const { limits } = createResourceManager(resourceManager)

    expect(limits?.system).to.include({ memory: 512e6, fd: 99 })
    // derived from it, as in kubo
    expect(limits?.system.conns).to.equal(488)
  })

  it('should read any limits as limitsFromJSON does', () => {
    fc.assert(fc.property(partialLimits, (limits) => {
      const file = JSON.parse(limitsToJSON(limits))
      const expected = limitsFromJSON(JSON.stringify(file))

      expect(read({ Swarm: { ResourceMgr: { Limits: file } } }).resourceManager.limits ?? {}).to.deep.equal(expected)
      expect(read({ Swarm: {} }, file).resourceManager.limits ?? {}).to.deep.equal(expected)
    }), { numRuns: 200 })
  })

  it('should read what ipfs swarm resources prints', () => {
    const notes: string[] = []
    const printed = [{ ScopeName: 'system', LimitName: 'ConnsInbound', LimitValue: '256', CurrentUsage: 12 }, { ScopeName: 'peer:12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5', LimitName: 'FD', LimitValue: '3', CurrentUsage: 0 }]

    expect(optionsFromKubo(JSON.stringify(printed), undefined, { onNote: note => { notes.push(note) } }).resourceManager.limits).to.deep.equal({
      system: { connsInbound: 256 },
      peer: { '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5': { fd: 3 } }
    })
    expect(notes.join('\n')).to.include('ConnsInboundUsage')
  })
})
