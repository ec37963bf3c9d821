import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { findDuplicateKey } from '../../src/cli/duplicate-keys.ts'
import { limitsFromJSON, limitsToJSON } from '../../src/limits/limits-json.ts'
import { partialLimits } from '../limits/arbitraries.ts'
import { runCommand } from './fixtures.ts'
import type { Ran } from './fixtures.ts'

async function convert (input: unknown, ...args: string[]): Promise<Ran> {
  return runCommand(['limits', 'convert', '-', ...args], typeof input === 'string' ? input : JSON.stringify(input))
}

/**
 * Files as people have them, what they come to, and what is said about it
 */
const FILES: Array<[name: string, file: unknown, limits: unknown, notes: RegExp]> = [
  ['limits', { System: { ConnsInbound: '2048', Memory: '1GiB', FD: 0 }, Service: null }, { System: { ConnsInbound: 2048, FD: 'blockAll', Memory: '1073741824' } }, /^$/],
  ['plurals', { Services: { 'libp2p.ping': { Streams: 5 } } }, { Service: { 'libp2p.ping': { Streams: 5 } } }, /^$/],
  ['dynamic limits', { System: { Dynamic: true, MinMemory: 7, MaxMemory: 7, MemoryFraction: 0.5, Conns: 0 } }, { System: { Memory: '7' } }, /^note: standard input: System has a dynamic limit .*\nnote: standard input: 0 is read as the default.*: System.Conns\n$/],
  ['limits that scale by nothing', { ConnBaseLimit: { Conns: 3 }, ConnLimitIncrease: { Conns: 0 } }, { Conn: { Conns: 3 } }, /^note: standard input: limits that scale .*\n$/],
  ['the limits of one scope', { Conns: 5 }, { System: { Conns: 5 } }, /^note: .*\n$/],
  ['what is in use', { System: { Conns: 5, ConnsUsage: 4 } }, { System: { Conns: 5 } }, /ConnsUsage is what was in use/],
  ['what ipfs swarm resources prints', [
    { ScopeName: 'system', LimitName: 'Memory', LimitValue: '4294967296', CurrentUsage: 1048576 },
    { ScopeName: 'system', LimitName: 'ConnsInbound', LimitValue: '256', CurrentUsage: 12 },
    { ScopeName: 'transient', LimitName: 'StreamsInbound', LimitValue: 'blockAll', CurrentUsage: 0 },
    { ScopeName: 'svc:libp2p.autonat', LimitName: 'Streams', LimitValue: '64', CurrentUsage: 1 },
    { ScopeName: 'proto:/ipfs/kad/1.0.0', LimitName: 'FD', LimitValue: '5', CurrentUsage: 0 },
    { ScopeName: 'proto:__proto__', LimitName: 'Conns', LimitValue: '6', CurrentUsage: 0 }
  ], JSON.parse('{ "System": { "ConnsInbound": 256, "Memory": "4294967296" }, "Transient": { "StreamsInbound": "blockAll" }, "Service": { "libp2p.autonat": { "Streams": 64 } }, "Protocol": { "__proto__": { "Conns": 6 }, "/ipfs/kad/1.0.0": { "FD": 5 } } }'), /System: MemoryUsage, ConnsInboundUsage are what was in use, which is no limit/],
  ['TOML', '[System]\nConns = 5\n[Service."libp2p.ping"]\nMemory = "1MiB"', { Service: { 'libp2p.ping': { Memory: '1048576' } }, System: { Conns: 5 } }, /^$/],
  ['kubo', { Swarm: { ResourceMgr: { MaxMemory: '1GB', Allowlist: ['/ip4/1.2.3.4'] }, ConnMgr: { HighWater: 9, LowWater: 8 } } }, { System: { Memory: '1000000000' } }, new RegExp([
    'LowWater has no counterpart.*',
    'note: these are no limits, but options: resourceManager\\({"maxMemory":1000000000,"allowlist":\\["/ip4/1.2.3.4"\\]}\\)',
    'note: with maxMemory.*',
    'note: this is an option of libp2p: createLibp2p\\({"connectionManager":{"maxConnections":9}}\\)\n$'
  ].join('\n'))],
  ['kubo with a limit of memory', { Swarm: { ResourceMgr: { MaxMemory: '1GB', Limits: { System: { Memory: 5 } } } } }, { System: { Memory: '5' } }, /^note: these are no limits, but options: resourceManager\({"maxMemory":1000000000}\)\n$/]
]

describe('limits convert', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'limits-convert-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  for (const [name, file, limits, notes] of FILES) {
    it(`should write ${name}`, async () => {
      const { exitCode, stdout, stderr } = await convert(file)

      expect(exitCode).to.equal(0, stderr)
      expect(JSON.parse(stdout)).to.deep.equal(limits)
      expect(stderr).to.match(notes)
    })
  }

  it('should say that what was in use is no limit, and name scopes of other kinds', async () => {
    const stats = await convert({ System: { NumStreamsInbound: 1, NumStreamsOutbound: 2, NumConnsInbound: 3, NumConnsOutbound: 4, NumFD: 5, Memory: 6 } })

    expect(stats.exitCode).to.equal(2)
    expect(stats.stderr).to.match(/expected limits, got what was in use, as from ipfs swarm stats/)

    for (const [list, message] of [
      [[{ ScopeName: 'conn-5', LimitName: 'FD', LimitValue: '1' }], /ScopeName: expected system, transient, svc:…, proto:… or peer:…, got "conn-5"/],
      [[{ ScopeName: 'system', LimitName: 'Sockets', LimitValue: '1' }], /System\.Sockets/],
      [[{ ScopeName: 'system', LimitName: 'FD', LimitValue: 'lots' }], /System\.FD/],
      [[{}], /expected/],
      [[], /expected/]
    ] as const) {
      const { exitCode, stderr, stdout } = await convert(list)

      expect(exitCode, JSON.stringify(list)).to.equal(2)
      expect(stderr).to.match(message)
      expect(stdout).to.equal('')
    }
  })

  it('should write the second layout of TOML as what it means', async () => {
    const { stdout } = await convert('[SystemLimit]\nConns = 128\n[Service.chat]\nConnsInbound = 32')
    const { System, Service } = JSON.parse(stdout)

    expect(System.Conns).to.equal(128)
    expect(Service.chat).to.deep.include({ ConnsInbound: 32, Memory: 'unlimited' })
  })

  it('should put overrides above a configuration of kubo', async () => {
    const overrides = join(directory, 'overrides.json')
    const config = { Swarm: { ResourceMgr: { MaxFileDescriptors: 5, Limits: { System: { Conns: 6 } } } } }

    await writeFile(overrides, '{ "System": { "Conns": 7 }, "Transient": { "Memory": "1KiB" } }')

    const { exitCode, stdout } = await convert(config, '--overrides', overrides, '--json')

    expect(exitCode).to.equal(0)
    expect(JSON.parse(stdout)).to.deep.equal({
      file: { System: { Conns: 7, FD: 5 }, Transient: { Memory: '1024' } },
      resourceManager: { limits: { system: { conns: 7, fd: 5 }, transient: { memory: 1024 } } },
      connectionManager: {},
      notes: []
    })

    await writeFile(overrides, '{ "Sytem": {} }')
    expect(await convert(config, '--overrides', overrides)).to.deep.include({ exitCode: 2, stdout: '', stderr: `error: ${overrides}: invalid limits: Sytem: unknown key (did you mean System?)\n` })
  })

  it('should refuse overrides that nobody would read', async () => {
    expect(await convert({ System: {} }, '--overrides', 'o.json')).to.deep.include({ exitCode: 2, stdout: '', stderr: 'error: standard input: expected a configuration of kubo, as there are --overrides\n' })
    expect((await convert({ Swarm: {} }, '--overrides', '-')).stderr).to.include('--overrides: expected a file')
    expect((await convert({ Swarm: {} }, '--overrides', join(directory, 'none'))).stderr).to.include('there is none of this name')
  })

  it('should read zeros as the default where it is told so', async () => {
    const file = { System: { Conns: 0, ConnsInbound: 5000, FD: 0 }, Peer: { '12D3KooWPFH2Bx2tPfw6RLxN8k2wh47GRXgkt9yrAHU37zFwHWzS': { Conns: '0', FD: 3 } } }

    expect((await convert(file)).exitCode).to.equal(2)
    expect((await convert(file)).stderr).to.include('--zeros-are-defaults')

    for (const input of [file, { Swarm: { ResourceMgr: { Limits: file } } }]) {
      const { exitCode, stdout, stderr } = await convert(input, '--zeros-are-defaults')

      expect(exitCode).to.equal(0)
      expect(JSON.parse(stdout)).to.deep.equal({ System: { ConnsInbound: 5000 }, Peer: { '12D3KooWPFH2Bx2tPfw6RLxN8k2wh47GRXgkt9yrAHU37zFwHWzS': { FD: 3 } } })
      expect(stderr).to.match(/0 is read as the default: .*System.Conns, .*System.FD, .*Conns\n/)
    }
  })

  it('should refuse a key that is there twice', async () => {
    expect((await convert('{ "System": { "FD": 1, "Conns": 5, "F\\u0044": 2 } }')).stderr).to.equal('error: standard input: System.FD: expected every key once, got it twice\n')
    expect(findDuplicateKey('{ "a": [{ "b": 1 }, { "b": 2, "c": "}{\\"," }], "b": { "a": { "a": [] } } }')).to.equal(undefined)
    expect(findDuplicateKey('{ "a": [1, { "b": [] , "b": {} }] }')).to.equal('a.b')
    expect(findDuplicateKey('[{ "__proto__": 1, "__proto__": 2 }]')).to.equal('__proto__')
  })

  it('should find a key that is there twice in JSON of any kind', () => {
    fc.assert(fc.property(fc.json(), (json) => {
      // what was written by JSON.stringify has each key once
      expect(findDuplicateKey(json)).to.equal(undefined)
    }))
  })

  it('should convert or refuse whatever there is', async () => {
    const keys = fc.constantFrom('Swarm', 'ResourceMgr', 'ConnMgr', 'Limits', 'Enabled', 'MaxMemory', 'MaxFileDescriptors', 'Allowlist', 'HighWater', 'LowWater', 'RelayService', 'AddrFilters', 'System', 'SystemBaseLimit', 'SystemMemory', 'SystemLimits', 'ServiceLimits', 'Service', 'Conns', 'ConnsUsage', 'Memory', 'Dynamic', 'MemoryFraction', '__proto__', 'a.b')
    const leaves = fc.oneof(fc.constantFrom<unknown>(null, 0, -1, 0.5, 1e30, true, [], '5', '8GB', '8,0.0 kB', 'default', 'unlimited', '/ip4/1.2.3.4', ['/ip4/1.2.3.4']), fc.string())
    const { value: files } = fc.letrec(tie => ({
      value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, leaves, fc.array(fc.tuple(keys, tie('value')), { maxLength: 5 }).map(entries => Object.fromEntries(entries)))
    }))

    await fc.assert(fc.asyncProperty(files, fc.boolean(), async (file, zerosAreDefaults) => {
      const { exitCode, stdout, stderr } = await convert(file, ...zerosAreDefaults ? ['--zeros-are-defaults'] : [])

      expect(exitCode).to.be.oneOf([0, 2], stderr)

      if (exitCode === 0) {
        expect(limitsToJSON(limitsFromJSON(stdout))).to.equal(stdout.trimEnd())
      } else {
        expect(stdout).to.equal('')
        expect(stderr).to.match(/^(?:.{0,600}\n){1,30}$/)
      }
    }), { numRuns: 300 })
  })

  it('should refuse what is nested without end', async () => {
    const nested = (open: string, close: string): string => `${open.repeat(50_000)}1${close.repeat(50_000)}`

    for (const text of [nested('{"Swarm":', '}'), nested('{"Limits":', '}'), nested('{"ResourceMgr":', '}'), nested('{"Service":', '}'), `a = ${nested('[', ']')}`, nested('a.', '')]) {
      const { exitCode, stdout, stderr } = await convert(text)

      expect(exitCode).to.be.oneOf([0, 2], stderr.slice(0, 500))
      expect(`${stdout}${stderr}`).to.have.lengthOf.below(2000)
    }
  })

  it('should write what is read as the same again', async () => {
    await fc.assert(fc.asyncProperty(partialLimits, async (limits) => {
      const { exitCode, stdout, stderr } = await convert(limitsToJSON(limits))

      expect(exitCode).to.equal(0, stderr)
      expect(limitsToJSON(limitsFromJSON(stdout))).to.equal(stdout.trimEnd())
      expect((await convert(stdout)).stdout).to.equal(stdout)
    }), { numRuns: 50 })
  })
})
