import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createResourceManager } from '../../src/index.ts'
import { build } from '../../src/limits/build-limits.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import { ConcreteLimiter } from '../../src/limits/limiter.ts'
import { createManager, errorOf, peerA, PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import type { ResourceManager, StreamScope } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'

function streamWithService (manager: ResourceManager): StreamScope {
  const stream = manager.openStream(peerA, 'outbound')

  stream.setProtocol(PROTOCOL)
  stream.setService(SERVICE)

  return stream
}

const CASES: Array<[setting: string, limits: PartialLimitConfig, request: (manager: ResourceManager) => unknown]> = [
  ['System.ConnsInbound', { system: { connsInbound: 0 } }, (manager) => manager.openConnection('inbound', true)],
  ['System.FD', { system: { fd: 0 } }, (manager) => manager.openConnection('inbound', true)],
  ['Transient.Conns', { transient: { conns: 0 } }, (manager) => manager.openConnection('outbound', true)],
  ['Conn.ConnsOutbound', { conn: { connsOutbound: 0 } }, (manager) => manager.openConnection('outbound', true)],
  ['Stream.Streams', { stream: { streams: 0 } }, (manager) => manager.openStream(peerA, 'outbound')],
  ['PeerDefault.StreamsOutbound', { peerDefault: { streamsOutbound: 0 } }, (manager) => manager.openStream(peerA, 'outbound')],
  [`Peer.${peerA}.Streams`, { peer: { [peerA.toString()]: { streams: 0 } } }, (manager) => manager.openStream(peerA, 'outbound')],
  ['ProtocolDefault.Streams', { protocolDefault: { streams: 0 } }, streamWithService],
  [`Protocol["${PROTOCOL}"].Streams`, { protocol: { [PROTOCOL]: { streams: 0 } } }, streamWithService],
  ['ProtocolPeerDefault.Streams', { protocolPeerDefault: { streams: 0 } }, streamWithService],
  [`ProtocolPeer["${PROTOCOL}"].Streams`, { protocolPeer: { [PROTOCOL]: { streams: 0 } } }, streamWithService],
  ['ServiceDefault.StreamsOutbound', { serviceDefault: { streamsOutbound: 0 } }, streamWithService],
  [`ServicePeer["${SERVICE}"].Streams`, { servicePeer: { [SERVICE]: { streams: 0 } } }, streamWithService],
  ['System.Memory', { system: { memory: 10 } }, (manager) => { streamWithService(manager).beginSpan().beginSpan().reserveMemory(11) }],
  ['Stream.Memory', { stream: { memory: 10 } }, (manager) => { streamWithService(manager).beginSpan().beginSpan().reserveMemory(11) }]
]

describe('the setting in an error', () => {
  for (const [setting, limits, request] of CASES) {
    it(`should be ${setting.replace(peerA.toString(), 'PEER')} where that has refused`, () => {
      const error = errorOf(() => request(createManager(limits)))

      expect(error).to.have.property('setting', setting)
      expect(error.settingPath[0]).to.equal('limits')
    })
  }

  it('should lead to the limit in the options', () => {
    const limits: any = { peer: { [peerA.toString()]: { streams: 7 } } }
    const manager = createManager(limits)

    for (let i = 0; i < 7; i++) {
      manager.openStream(peerA, 'outbound')
    }

    const { limit, settingPath } = errorOf(() => manager.openStream(peerA, 'outbound'))

    expect(settingPath).to.deep.equal(['limits', 'peer', peerA.toString(), 'streams'])
    expect(settingPath.reduce((value: any, key: string) => value[key], { limits })).to.equal(limit)
  })

  it('should not mistake the names of properties that all objects have for entries', () => {
    const manager = createManager({ protocolDefault: { streams: 0 } })

    expect(errorOf(() => { manager.openStream(peerA, 'inbound').setProtocol('constructor') })).to.have.property('setting', 'ProtocolDefault.Streams')
  })

  it('should be the option where an address or a rate was refused', () => {
    const address = (ip: string): any => multiaddr(`${ip}/tcp/1`)
    const manager = createManager({}, {
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 0 }], ipv6: [{ prefixLength: 56, connCount: 0 }], prefixes: [{ network: '10.0.0.0/8', connCount: 0 }] },
      rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 1, burst: 1 }] }, streams: { protocol: { [PROTOCOL]: { rate: 1, burst: 1 } } } }
    })

    expect(errorOf(() => manager.openConnection('outbound', true, address('/ip4/1.2.3.4')))).to.have.property('setting', 'subnetLimits.ipv4')
    expect(errorOf(() => manager.openConnection('outbound', true, address('/ip6/2001:db8::1')))).to.have.property('setting', 'subnetLimits.ipv6')
    expect(errorOf(() => manager.openConnection('outbound', true, address('/ip4/10.2.3.4')))).to.have.property('setting', 'subnetLimits.prefixes')
    errorOf(() => manager.openConnection('inbound', true, address('/ip4/5.5.5.5')))
    expect(errorOf(() => manager.openConnection('inbound', true, address('/ip4/5.5.5.5')))).to.have.property('setting', 'rateLimits.connections.ipv4')
  })

  it('should be missing where a custom limiter computes the limits', () => {
    const config = build({ system: { streams: 0 } }, InfiniteLimits)
    const limits: any = Object.fromEntries(['System', 'Transient', 'AllowlistedSystem', 'AllowlistedTransient', 'Service', 'ServicePeer', 'Protocol', 'ProtocolPeer', 'Peer', 'Stream', 'Conn'].map(scope => {
      const method = `get${scope}Limits`

      return [method, (...args: any[]) => (new ConcreteLimiter(config) as any)[method](...args)]
    }))
    const manager = createResourceManager({ limits })

    expect(errorOf(() => manager.openStream(peerA, 'inbound'))).to.have.property('setting', undefined)
  })
})
