import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { refuseForPressure } from '../../src/libp2p/pressure/pressure.ts'
import { createManager, fakePeer, peerA, peerB, PROTOCOL, recordingLogger, SERVICE } from '../scopes/fixtures.ts'
import type { ResourceManager, ResourceManagerInit } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'

const INTERVAL = 10_000

/**
 * Does something that may be refused, often
 */
function attempt (times: number, fn: (i: number) => unknown): void {
  for (let i = 0; i < times; i++) {
    try {
      fn(i)
    } catch {
      // it was refused
    }
  }
}

describe('refusals in the log', () => {
  let clock: sinon.SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers()
  })

  afterEach(() => {
    clock.restore()
  })

  function setUp (limits: PartialLimitConfig, init: ResourceManagerInit = {}, debug = false): { manager: ResourceManager, errors: string[], messages: string[] } {
    const { logger, errors, messages } = recordingLogger(debug)

    return { manager: createManager(limits, { ...init, logger }), errors, messages }
  }

  it('should say how many, which scope, how much is used and which setting to change', () => {
    const { manager, errors } = setUp({ system: { connsInbound: 1 } })

    attempt(4, () => manager.openConnection('inbound', false))
    clock.tick(INTERVAL - 1)
    expect(errors).to.be.empty()
    clock.tick(1)

    expect(errors).to.deep.equal(['system refused 3 inbound connections in 10 s: 1 of 1 in use, see System.ConnsInbound'])
  })

  it('should have one line for each kind of scope, resource and direction, most frequent first', () => {
    const { manager, errors } = setUp({ system: { connsOutbound: 0, streams: 0 }, transient: { connsInbound: 0, memory: 2048 } })

    attempt(1, () => manager.openConnection('inbound', false))
    attempt(2, () => manager.openConnection('outbound', false))
    attempt(3, i => manager.openStream(fakePeer(i), 'inbound'))
    attempt(4, () => { manager.viewTransient(scope => { scope.reserveMemory(1536) }) })
    clock.tick(INTERVAL)

    expect(errors).to.deep.equal([
      'system refused 3 streams in 10 s: 0 of 0 in use, see System.Streams',
      'transient refused 3 memory reservations in 10 s: 1.5 KiB of 2 KiB in use, 1.5 KiB more wanted, see Transient.Memory',
      'system refused 2 outbound connections in 10 s: 0 of 0 in use, see System.ConnsOutbound',
      'transient refused 1 inbound connection in 10 s: 0 of 0 in use, see Transient.ConnsInbound'
    ])
  })

  it('should name the scope that refused most often, among ever so many', () => {
    const { manager, errors } = setUp({ peerDefault: { streamsInbound: 0 } })

    attempt(1_000, i => manager.openStream(i % 4 === 0 ? peerA : fakePeer(i), 'inbound'))
    clock.tick(INTERVAL)

    expect(errors).to.deep.equal([
      `peer scopes refused 1000 inbound streams in 10 s, most often peer:${peerA}: 0 of 0 in use, see PeerDefault.StreamsInbound`
    ])
  })

  it('should name the entry of a scope that has one', () => {
    const { manager, errors } = setUp({ protocol: { '/a/1': { streamsInbound: 0 } }, servicePeer: { b: { streams: 0 } } })

    attempt(1, () => { manager.openStream(peerA, 'inbound').setProtocol('/a/1') })
    attempt(1, () => {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol('/b/1')
      stream.setService('b')
    })
    clock.tick(INTERVAL)

    expect(errors).to.deep.equal([
      'protocol scopes refused 1 inbound stream in 10 s, most often protocol:/a/1: 0 of 0 in use, see Protocol["/a/1"].StreamsInbound',
      `servicePeer scopes refused 1 stream in 10 s, most often service:b.peer:${peerA}: 0 of 0 in use, see ServicePeer.b.Streams`
    ])
  })

  it('should name the options of limits by subnet and of rates, without the address', () => {
    const { manager, errors } = setUp({}, {
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 1 }], ipv6: [{ prefixLength: 56, connCount: 1 }] },
      rateLimits: { connections: { global: { rate: 1, burst: 5 }, ipv4: [], ipv6: [] }, streams: { peer: { rate: 1, burst: 1 } } }
    })

    attempt(2, () => manager.openConnection('outbound', true, multiaddr('/ip4/1.2.3.4/tcp/1')))
    attempt(3, () => manager.openConnection('outbound', true, multiaddr('/ip6/2001:db8::1/tcp/1')))
    attempt(10, i => manager.openConnection('inbound', true, multiaddr(`/ip4/5.6.7.${i}/tcp/1`)))
    attempt(5, () => manager.openStream(peerB, 'inbound'))
    clock.tick(INTERVAL)

    expect(errors).to.deep.equal([
      'global rate limit refused 5 inbound connections in 10 s: 5 of 5 in use, see rateLimits.connections.global',
      `peer rate limit refused 4 inbound streams in 10 s, most often peer:${peerB}: 1 of 1 in use, see rateLimits.streams.peer`,
      'subnet limit refused 3 outbound connections in 10 s, most often subnet:2001:db8::/56: 1 of 1 in use, see subnetLimits.ipv6'
    ])
  })

  it('should name what the process and the collectors of services have refused', () => {
    const { manager, errors } = setUp({}, { sessions: { collectors: { [SERVICE]: { maxSessions: 1 } } } })

    manager.sessions.collector('testService')?.register('a', '/ref', 'here', 'alice')
    attempt(3, () => {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)
    })
    ;(manager as DefaultResourceManager).core.refuse(refuseForPressure('processMemory', 'stream', 2 ** 30, 2 ** 29))
    ;(manager as DefaultResourceManager).core.refuse(refuseForPressure('processMemory', 'stream', 2 ** 30, 2 ** 29))
    clock.tick(INTERVAL)

    expect(errors).to.deep.equal([
      `collectors refused 3 inbound streams in 10 s, most often collector:${SERVICE}: 1 of 1 in use, see sessions.collectors["${SERVICE}"].maxSessions`,
      'process refused 2 inbound streams in 10 s: 1 GiB of 512 MiB in use, see processMemory.max'
    ])
  })

  it('should stay at a few lines in a flood, and be quiet when it is over', () => {
    const { manager, errors } = setUp({ peerDefault: { streams: 0 } })

    attempt(20_000, i => manager.openStream(fakePeer(i), 'inbound'))
    clock.tick(INTERVAL)
    expect(errors).to.have.lengthOf(1)

    clock.tick(10 * INTERVAL)
    expect(errors).to.have.lengthOf(1)

    attempt(1, () => manager.openStream(peerA, 'inbound'))
    clock.tick(INTERVAL)
    expect(errors).to.have.lengthOf(2)
    expect(errors[1]).to.include('refused 1 stream ')
  })

  it('should log what is left when the manager stops', async () => {
    const { manager, errors } = setUp({ system: { streams: 0 } })

    attempt(1, () => manager.openStream(peerA, 'inbound'))
    await manager.stop()
    expect(errors).to.have.lengthOf(1)

    clock.tick(INTERVAL)
    expect(errors).to.have.lengthOf(1)
  })

  it('should say what would have been refused where limits are not enforced', () => {
    const { manager, errors } = setUp({ system: { streams: 0 } }, { enforce: false })

    attempt(2, () => manager.openStream(peerA, 'inbound'))
    clock.tick(INTERVAL)

    expect(errors).to.deep.equal(['system would have refused 2 streams in 10 s: 1 of 0 in use, see System.Streams'])
  })

  it('should log each refusal, with all that is known, where debug logs are on', () => {
    const { manager, errors, messages } = setUp({ system: { memory: 100 } }, {}, true)

    attempt(1, () => { manager.openStream(peerA, 'inbound').beginSpan().reserveMemory(90, 203) })

    expect(errors).to.be.empty()
    expect(messages).to.deep.equal([
      'refused stream-1.span-1: stream-1: system: resource limit exceeded, scope=stream-1.span-1 edge=system direction=- current=0 attempted=90 limit=79 priority=203 setting=System.Memory ' +
      `for="peer ${peerA}" ` +
      'stat={"memory":0,"numStreamsInbound":1,"numStreamsOutbound":0,"numConnsInbound":0,"numConnsOutbound":0,"numFD":0}'
    ])
  })
})
