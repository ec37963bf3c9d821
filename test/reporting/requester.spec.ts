import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError } from '../../src/errors.ts'
import { createManager, errorOf, peerA, peerB, PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import type { ConnectionManagementScope, ResourceManager, ResourceManagerInit, StreamManagementScope } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'

// an operator who reads of a refusal has to find out whose it was: every layer that
// refuses says what it knows of that, and nothing that it does not know

const ADDRESS = '/ip4/192.0.2.1/tcp/4001'
const PEER = String(peerA)

function connect (manager: ResourceManager, address = ADDRESS): ConnectionManagementScope {
  return manager.openConnection('inbound', false, multiaddr(address))
}

function stream (manager: ResourceManager, connection?: ConnectionManagementScope): StreamManagementScope {
  return manager.openStream(peerA, 'inbound', connection)
}

interface Case {
  name: string
  limits?: PartialLimitConfig
  init?: ResourceManagerInit
  run(manager: ResourceManager): unknown
  expected: Record<string, string>
}

const CASES: Case[] = [{
  name: 'a connection that the subnet has no room for',
  init: { subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 1 }] } },
  run: manager => [connect(manager), connect(manager)],
  expected: { address: ADDRESS }
}, {
  name: 'a connection that comes too soon',
  init: { rateLimits: { connections: { global: { rate: 1, burst: 1 } } } },
  run: manager => [connect(manager), connect(manager)],
  expected: { address: ADDRESS }
}, {
  name: 'a connection that the system has no room for',
  limits: { system: { conns: 0 } },
  run: manager => connect(manager),
  expected: { address: ADDRESS }
}, {
  name: 'a connection without an address',
  limits: { system: { conns: 0 } },
  run: manager => manager.openConnection('inbound', false),
  expected: {}
}, {
  name: 'a connection that its peer has no room for',
  limits: { peerDefault: { conns: 0 } },
  run: manager => { connect(manager).setPeer(peerA) },
  expected: { address: ADDRESS, peer: PEER }
}, {
  name: 'a connection that leaves the allowlist',
  limits: { system: { conns: 0 } },
  init: { allowlist: [multiaddr(`/ip4/192.0.2.1/p2p/${peerB}`)] },
  run: manager => { connect(manager).setPeer(peerA) },
  expected: { address: ADDRESS, peer: PEER }
}, {
  name: 'a connection that a service has no room for',
  limits: { serviceDefault: { conns: 0 } },
  run: manager => {
    const connection = connect(manager)

    connection.setPeer(peerA)
    connection.setService(SERVICE)
  },
  expected: { address: ADDRESS, peer: PEER, service: SERVICE }
}, {
  name: 'a stream that comes too soon',
  init: { rateLimits: { streams: { peer: { rate: 1, burst: 1 } } } },
  run: manager => {
    const connection = connect(manager)

    connection.setPeer(peerA)
    stream(manager, connection)
    stream(manager, connection)
  },
  expected: { address: ADDRESS, peer: PEER }
}, {
  name: 'a stream that its peer has no room for',
  limits: { peerDefault: { streams: 0 } },
  run: manager => {
    const connection = connect(manager)

    connection.setPeer(peerA)
    stream(manager, connection)
  },
  expected: { address: ADDRESS, peer: PEER }
}, {
  name: 'a stream whose connection is not known',
  limits: { peerDefault: { streams: 0 } },
  run: manager => stream(manager),
  expected: { peer: PEER }
}, {
  name: 'a stream that its protocol has no room for',
  limits: { protocolDefault: { streams: 0 } },
  run: manager => { stream(manager, connect(manager)).setProtocol(PROTOCOL) },
  expected: { address: ADDRESS, peer: PEER, protocol: PROTOCOL }
}, {
  name: 'a stream that its peer has no room for in the service',
  limits: { servicePeerDefault: { streams: 0 } },
  run: manager => {
    const scope = stream(manager, connect(manager))

    scope.setProtocol(PROTOCOL)
    scope.setService(SERVICE)
  },
  expected: { address: ADDRESS, peer: PEER, protocol: PROTOCOL, service: SERVICE }
}, {
  name: 'a stream that a collector refuses',
  init: { sessions: { collectors: { [SERVICE]: { maxSessions: 1 } } } },
  run: manager => {
    manager.sessions.collector('testService')?.register('a', '/ref', 'here', 'alice')

    const scope = stream(manager, connect(manager))

    scope.setProtocol(PROTOCOL)
    scope.setService(SERVICE)
  },
  expected: { address: ADDRESS, peer: PEER, protocol: PROTOCOL, service: SERVICE }
}, {
  name: 'memory in a span of a span of a stream',
  limits: { stream: { memory: 1 } },
  run: manager => {
    const scope = stream(manager, connect(manager))

    scope.setProtocol(PROTOCOL)
    scope.beginSpan().beginSpan().reserveMemory(2)
  },
  expected: { address: ADDRESS, peer: PEER, protocol: PROTOCOL }
}, {
  name: 'memory of a connection',
  limits: { conn: { memory: 1 } },
  run: manager => { connect(manager).reserveMemory(2) },
  expected: { address: ADDRESS }
}, {
  name: 'memory of a peer',
  limits: { peerDefault: { memory: 1 } },
  run: manager => { manager.viewPeer(peerA, scope => { scope.reserveMemory(2) }) },
  expected: { peer: PEER }
}, {
  name: 'memory of a protocol',
  limits: { protocolDefault: { memory: 1 } },
  run: manager => { manager.viewProtocol(PROTOCOL, scope => { scope.reserveMemory(2) }) },
  expected: { protocol: PROTOCOL }
}, {
  name: 'what a service holds itself',
  limits: { serviceDefault: { memory: 1 } },
  run: manager => { manager.openService(SERVICE).reserveMemory(2) },
  expected: { service: SERVICE }
}, {
  name: 'memory of the system',
  limits: { system: { memory: 1 } },
  run: manager => { manager.viewSystem(scope => { scope.reserveMemory(2) }) },
  expected: {}
}]

describe('who was refused', () => {
  for (const { expected, init, limits, name, run } of CASES) {
    it(`should be in the error, the trace and the recent refusals for ${name}`, () => {
      const traced: any[] = []
      const manager = createManager(limits, { ...init, trace: [{ consumeEvent: event => { traced.push(event) } }] })
      const { address, peer, protocol, service } = errorOf(() => run(manager))
      const [recent] = manager.recentRefusals()
      const blocked = traced.find(({ type }) => type.startsWith('block'))

      expect(JSON.parse(JSON.stringify({ address, peer, protocol, service })), 'error').to.deep.equal(expected)
      expect(manager.recentRefusals(), 'recent refusals').to.have.lengthOf(1)
      expect(JSON.parse(JSON.stringify({ address: recent.address, peer: recent.peer, protocol: recent.protocol, service: recent.service })), 'recent refusals').to.deep.equal(expected)
      expect(blocked?.requester ?? {}, 'trace').to.deep.equal(expected)
    })

    it(`should be known for ${name} where limits are not enforced`, () => {
      const manager = createManager(limits, { ...init, enforce: false })

      run(manager)

      const [{ address, peer, protocol, service }] = manager.recentRefusals()

      expect(JSON.parse(JSON.stringify({ address, peer, protocol, service }))).to.deep.equal(expected)
    })
  }

  it('should not be in the message, which is go-libp2p\'s, but in the text of the error', () => {
    const manager = createManager({ peerDefault: { streamsInbound: 0 } })
    const error = errorOf(() => stream(manager, connect(manager)))

    expect(error.message).to.equal(`stream-1: peer:${PEER}: cannot reserve inbound stream: resource limit exceeded`)
    expect(String(error)).to.equal(
      `StreamLimitExceededError: stream-1: peer:${PEER}: cannot reserve inbound stream: resource limit exceeded ` +
      `(current 0, attempted 1, limit 0, setting PeerDefault.StreamsInbound, peer ${PEER}, address ${ADDRESS})`
    )
  })

  it('should say what a fleet has of the limit, and how old that is where it is known', () => {
    for (const [age, text] of [[1_234, 'fleet relays: 28 of 30, 1.2 s ago'], [0, 'fleet relays: 28 of 30, 0.0 s ago'], [Infinity, 'fleet relays: 28 of 30']] as const) {
      const shared = { name: 'relays', limit: 30, held: 28, leased: 5, age, path: ['fleet', 'limits', 'system', 'conns'] }
      const request = { scope: 'system', current: 5, attempted: 1, limit: 5, settingPath: ['fleet', 'limits', 'system', 'conns'], shared }

      expect(String(new ConnectionLimitExceededError('no', request))).to.equal(`ConnectionLimitExceededError: no (current 5, attempted 1, limit 5, ${text}, setting fleet.limits.system.conns)`)
    }
  })

  it('should not move the cursor of whoever prints the error', () => {
    const manager = createManager({ protocolDefault: { streams: 0 } })
    const error = errorOf(() => { stream(manager).setProtocol('/a\u001b[2J\n/1.0.0') })

    expect(error.protocol).to.equal('/a\u001b[2J\n/1.0.0')
    expect(String(error)).to.include('protocol:/a\\u001b[2J\\u000a/1.0.0')
    // eslint-disable-next-line no-control-regex
    expect(String(error)).to.not.match(/[\u0000-\u001f]/)
  })
})
