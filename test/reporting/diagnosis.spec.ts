import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { createResourceManager } from '../../src/index.ts'
import { Diagnosis } from '../../src/reporting/diagnosis.ts'
import { createManager, errorOf, peerA, peerB, recordingLogger } from '../scopes/fixtures.ts'
import { recordWarnings } from './fixtures.ts'
import type { RecordedWarnings } from './fixtures.ts'
import type { ResourceManager, ResourceManagerInit, TransientHolder } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'

const INTERVAL = 10_000
const TEN_MINUTES = 600_000

// a count of refusals does not say that a proxy hides all addresses, or that one peer dials
// too often. The line says so once, and not where it would be a guess

describe('what refusals usually mean', () => {
  let clock: sinon.SinonFakeTimers
  let recorded: RecordedWarnings

  beforeEach(() => {
    clock = sinon.useFakeTimers()
    recorded = recordWarnings()
  })

  afterEach(() => {
    clock.restore()
    recorded.restore()
  })

  function setUp (limits: PartialLimitConfig, init: ResourceManagerInit = {}): { manager: ResourceManager, errors: string[], diagnoses(): string[] } {
    const { logger, errors } = recordingLogger()

    return {
      manager: createManager(limits, { warnings: true, ...init, logger }),
      errors,
      diagnoses: () => recorded.warnings.filter(({ code }) => code === 'RESOURCE_MANAGER_DIAGNOSIS').map(({ message }) => message)
    }
  }

  function connect (manager: ResourceManager, address: string, times: number): void {
    for (let i = 0; i < times; i++) {
      errorOf(() => manager.openConnection('inbound', false, multiaddr(`${address}/tcp/${i + 1}`)))
    }
  }

  const SUBNETS: ResourceManagerInit = {
    subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 0 }], ipv6: [{ prefixLength: 128, connCount: 0 }], prefixes: [{ network: '127.0.0.0/8', connCount: 0 }] }
  }

  function wait (ms: number): void {
    clock.tick(ms)
  }

  for (const [address, ip, range, length] of [
    ['/ip4/172.17.0.1', '172.17.0.1', 'private', 32],
    ['/ip4/127.0.0.1', '127.0.0.1', 'loopback', 32],
    ['/ip6/fd00::1', 'fd00::1', 'private', 128]
  ] as const) {
    it(`should be a proxy where all connections come from ${ip}`, () => {
      const { manager, errors, diagnoses } = setUp({}, SUBNETS)

      connect(manager, address, 3)
      wait(INTERVAL)

      expect(errors).to.have.lengthOf(1)
      expect(errors[0]).to.include(`All of them came from ${ip}, a ${range} address: a proxy`).and.include(`trustedNetworks: ['${ip}/${length}']`)
      expect(diagnoses()).to.deep.equal(errors)
    })
  }

  it('should be a proxy where they come too fast', () => {
    const { manager, errors } = setUp({}, { rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 1, burst: 1 }] } } })

    manager.openConnection('inbound', false, multiaddr('/ip4/10.0.0.1/tcp/1'))
    connect(manager, '/ip4/10.0.0.1', 3)
    clock.tick(INTERVAL)

    expect(errors[0]).to.match(/^subnet rate limit refused 3 .* All of them came from 10\.0\.0\.1/)
  })

  it('should not be said of public addresses, of several, of what this node dials, and of fewer than three', () => {
    const { manager, errors } = setUp({}, SUBNETS)

    connect(manager, '/ip4/192.0.3.1', 3)
    clock.tick(INTERVAL)
    connect(manager, '/ip4/10.0.0.1', 3)
    connect(manager, '/ip4/10.0.0.2', 1)
    clock.tick(INTERVAL)
    connect(manager, '/ip4/10.0.0.1', 2)
    clock.tick(INTERVAL)

    for (let i = 0; i < 3; i++) {
      errorOf(() => manager.openConnection('outbound', false, multiaddr('/ip4/10.0.0.1/tcp/1')))
    }

    clock.tick(INTERVAL)

    expect(errors).to.have.lengthOf(4)
    expect(errors.join('\n')).to.not.include('All of them')
  })

  it('should be said at most once in ten minutes', () => {
    const { manager, errors, diagnoses } = setUp({}, SUBNETS)

    for (let time = 0; time <= TEN_MINUTES; time += INTERVAL) {
      connect(manager, '/ip4/10.0.0.1', 3)
      clock.tick(INTERVAL)
    }

    expect(errors.filter(line => line.includes('All of them'))).to.have.lengthOf(2)
    expect(diagnoses()).to.have.lengthOf(2)
  })

  it('should be said in the log without warnings of the process', () => {
    const { manager, errors } = setUp({}, { ...SUBNETS, warnings: false })

    connect(manager, '/ip4/10.0.0.1', 3)
    clock.tick(INTERVAL)

    expect(errors[0]).to.include('All of them came from 10.0.0.1')
    expect(recorded.warnings).to.be.empty()
  })

  it('should be helped by what it says, and by what the README says', () => {
    const admitted = (init: ResourceManagerInit): number => {
      const room = { conns: 1_000, connsInbound: 1_000 }
      const manager = createResourceManager({ warnings: false, limits: { system: room, transient: room }, ...init })

      for (let i = 0; i < 100; i++) {
        try {
          manager.openConnection('inbound', false, multiaddr(`/ip4/172.17.0.1/tcp/${i + 1}`))
        } catch {
          // it was refused
        }
      }

      return manager.stat().system.numConnsInbound
    }

    expect(admitted({})).to.equal(8)
    expect(admitted({ subnetLimits: { prefixes: [{ network: '172.17.0.1/32', connCount: 100 }] } })).to.equal(16)
    expect(admitted({ trustedNetworks: ['172.17.0.1/32'] })).to.equal(100)
  })

  it('should be a peer that dials again and again', () => {
    const { manager, errors } = setUp({ peerDefault: { conns: 0 } })
    const dial = (peer = peerA): void => {
      errorOf(() => { manager.openConnection('inbound', false).setPeer(peer) })
    }

    dial()
    dial()
    dial()
    clock.tick(INTERVAL)
    dial()
    dial()
    dial(peerB)
    clock.tick(INTERVAL)

    expect(errors[0]).to.include(`All of them are of one peer (${peerA}), which dials this node`).and.include('or PeerDefault.Conns be higher')
    expect(errors[1]).to.not.include('All of them')
  })

  it('should be what transient is full of', () => {
    const holders: TransientHolder[] = [
      { scope: 'conn-1', direction: 'inbound', remote: '/ip4/1.2.3.4/tcp/5', age: 9_400 },
      { scope: 'conn-2', direction: 'inbound', remote: '/ip4/1.2.3.4/tcp/6', age: 9_000 },
      { scope: 'conn-3', direction: 'inbound', remote: '/ip4/1.2.3.5/tcp/6', age: 10 }
    ]
    const diagnosis = new Diagnosis()
    const refusal = { kind: 'transient', resource: 'connection', direction: 'inbound' } as any
    const conclude = (transientHolders: TransientHolder[]): string | undefined => diagnosis.conclude(refusal, { transientHolders: () => transientHolders })

    diagnosis.add(refusal)
    diagnosis.add(refusal)
    expect(conclude(holders)).to.equal(undefined)
    diagnosis.add(refusal)
    expect(conclude([])).to.equal(undefined)
    expect(conclude(holders)).to.equal(
      'Longest there, for 9 s, is an inbound connection whose handshake does not end, of 1.2.3.4, which has 2 of the 3 oldest: stat().transientHolders lists them'
    )
    expect(conclude([{ scope: 'stream-1', direction: 'outbound', remote: '12D3', age: 1_000 }])).to.include('an outbound stream whose protocol is not negotiated, of 12D3, which has 1 of the 1 oldest')
  })
})
