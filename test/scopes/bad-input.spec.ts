import { InvalidParametersError } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import { createManager, errorOf, peerA, PROTOCOL, SERVICE } from './fixtures.ts'
import type { ConnectionManagementScope, OwnedServiceScope, ResourceManager, ResourceScope, StreamManagementScope } from '../../src/index.ts'

interface Subjects {
  manager: ResourceManager
  connection: ConnectionManagementScope
  stream: StreamManagementScope
  service: OwnedServiceScope
}

type Call = (subjects: Subjects, value: any) => unknown

const SIZES = [-1, -0.5, 1.5, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER + 1, '1', null, undefined, 10n, {}, [], true, Symbol('size')]
const PRIORITIES = [-1, 256, 1.5, NaN, Infinity, '1', null, 10n, {}]
const DIRECTIONS = ['unknown', '', 'in', 'INBOUND', 0, null, undefined, {}, Symbol('direction')]
const NAMES = ['', null, undefined, 0, 1, {}, [], Symbol('name')]
const PEERS = ['', peerA.toString(), null, undefined, 0, {}, [], Symbol('peer'), Object.create(null)]
const LIMITS = [null, undefined, 1, 'unlimited', [], { memory: -1 }, { memory: 1.5 }, { memory: NaN }, { memory: 'many' }, { memory: null }, { connections: 1 }]

/**
 * What is called with the bad values, by what the message has to begin with
 */
const CALLS: Array<[string, string, unknown[], Call]> = [
  ['size', 'reserveMemory', SIZES, ({ connection }, size) => { connection.reserveMemory(size) }],
  ['size', 'releaseMemory', SIZES, ({ connection }, size) => { connection.releaseMemory(size) }],
  ['size', 'reserveMemory of a shared scope', SIZES, ({ manager }, size) => { manager.viewSystem(scope => { scope.reserveMemory(size) }) }],
  ['size', 'releaseMemory of a shared scope', SIZES, ({ manager }, size) => { manager.viewSystem(scope => { scope.releaseMemory(size) }) }],
  ['size', 'reserveMemory of a span', SIZES, ({ stream }, size) => {
    using span = stream.beginSpan()
    span.reserveMemory(size)
  }],
  ['priority', 'reserveMemory', PRIORITIES, ({ connection }, priority) => { connection.reserveMemory(1, priority) }],
  ['priority', 'reserveMemory of a shared scope', PRIORITIES, ({ manager }, priority) => { manager.viewSystem(scope => { scope.reserveMemory(1, priority) }) }],
  ['direction', 'openConnection', DIRECTIONS, ({ manager }, direction) => manager.openConnection(direction, true)],
  ['direction', 'openStream', DIRECTIONS, ({ manager }, direction) => manager.openStream(peerA, direction)],
  ['direction', 'reserveStream', DIRECTIONS, ({ service }, direction) => { service.reserveStream(direction) }],
  ['direction', 'releaseStream', DIRECTIONS, ({ service }, direction) => { service.releaseStream(direction) }],
  ['direction', 'reserveConnection', DIRECTIONS, ({ service }, direction) => { service.reserveConnection(direction, true) }],
  ['direction', 'releaseConnection', DIRECTIONS, ({ service }, direction) => { service.releaseConnection(direction, true) }],
  ['service', 'viewService', NAMES, ({ manager }, service) => manager.viewService(service, () => {})],
  ['service', 'openService', NAMES, ({ manager }, service) => manager.openService(service)],
  ['service', 'serviceState', NAMES, ({ manager }, service) => manager.serviceState(service)],
  ['service', 'setService of a stream', NAMES, ({ stream }, service) => { stream.setService(service) }],
  ['service', 'setService of a connection', NAMES, ({ connection }, service) => { connection.setService(service) }],
  ['protocol', 'viewProtocol', NAMES, ({ manager }, protocol) => manager.viewProtocol(protocol, () => {})],
  ['protocol', 'setProtocol', NAMES, ({ stream }, protocol) => { stream.setProtocol(protocol) }],
  ['peer', 'viewPeer', PEERS, ({ manager }, peer) => manager.viewPeer(peer, () => {})],
  ['peer', 'openStream', PEERS, ({ manager }, peer) => manager.openStream(peer, 'inbound')],
  ['peer', 'setPeer', PEERS, ({ connection }, peer) => { connection.setPeer(peer) }],
  ['invalid limit', 'setLimit', LIMITS, ({ connection }, limits) => { connection.setLimit(limits) }],
  ['invalid limit', 'setLimit of a shared scope', LIMITS, ({ manager }, limits) => { manager.viewSystem(scope => { scope.setLimit(limits) }) }]
]

/**
 * Everything that a bad argument could have changed
 */
function state ({ manager, connection, stream, service }: Subjects): unknown {
  const scopes: ResourceScope[] = [connection, stream, service]

  return {
    stat: manager.stat(),
    lists: [manager.listPeers().length, manager.listProtocols(), manager.listServices()],
    scopes: scopes.map(scope => [scope.stat(), scope.limit]),
    attached: [connection.peerScope?.name, stream.protocolScope?.name, stream.serviceScope?.name],
    system: manager.systemState()
  }
}

describe('bad input', () => {
  for (const [argument, method, values, call] of CALLS) {
    it(`should be refused by ${method}, naming the ${argument} and the value, and change nothing`, () => {
      const manager = createManager()
      const subjects: Subjects = {
        manager,
        connection: manager.openConnection('inbound', true),
        stream: manager.openStream(peerA, 'inbound'),
        service: manager.openService(SERVICE)
      }

      subjects.service.reserveStream('inbound')
      subjects.service.reserveConnection('inbound', true)
      subjects.connection.reserveMemory(10)

      const before = state(subjects)

      for (const value of values) {
        const error = errorOf(() => call(subjects, value))

        expect(error).to.be.an.instanceOf(InvalidParametersError)
        expect(error.message.startsWith(argument), error.message).to.be.true()

        if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
          expect(error.message).to.include(String(value))
        }

        expect(state(subjects)).to.deep.equal(before)
      }

      // nothing is left that is in the way of a good call
      subjects.connection.setPeer(peerA)
      subjects.stream.setProtocol(PROTOCOL)
      subjects.stream.setService(SERVICE)
    })
  }

  it('should be told before a closed or wrong state is', () => {
    const manager = createManager()
    const stream = manager.openStream(peerA, 'inbound')

    expect(() => { stream.setService('') }).to.throw(InvalidParametersError)
    stream.done()
    expect(() => { stream.setProtocol('') }).to.throw(InvalidParametersError)
    expect(() => { stream.reserveMemory(-1) }).to.throw(InvalidParametersError)
    expect(() => { stream.releaseMemory(-1) }).to.throw(InvalidParametersError)
  })

  it('should name the field and the value of a bad limit', () => {
    const scope = createManager().viewSystem(scope => scope)

    expect(errorOf(() => { scope.setLimit({ connsInbound: -7 }) }).message).to.include('connsInbound').and.to.include('-7')
    expect(errorOf(() => { scope.setLimit({ connections: 1 } as any) }).message).to.include('connections')
  })

  it('should not be counted as a refusal', () => {
    const manager = createManager()

    expect(() => manager.openConnection('unknown' as any, true)).to.throw(InvalidParametersError)
    expect(manager.refusals()).to.be.empty()
    expect(manager.openConnection('inbound', true).name).to.equal('conn-1')
  })
})
