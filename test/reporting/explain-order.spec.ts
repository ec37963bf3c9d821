import { expect } from 'aegir/chai'
import { createManager, errorOf, peerA, PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import type { PartialLimitConfig, ReservationRequest, ResourceLimits, ResourceManager } from '../../src/index.ts'

/**
 * All scopes that may refuse something, as parts of a configuration
 */
const SCOPES: Record<string, (limits: ResourceLimits) => PartialLimitConfig> = {
  system: system => ({ system }),
  transient: transient => ({ transient }),
  conn: conn => ({ conn }),
  stream: stream => ({ stream }),
  peer: limits => ({ peer: { [peerA.toString()]: limits } }),
  protocol: limits => ({ protocol: { [PROTOCOL]: limits } }),
  protocolPeer: limits => ({ protocolPeer: { [PROTOCOL]: limits } }),
  service: limits => ({ service: { [SERVICE]: limits } }),
  servicePeer: limits => ({ servicePeer: { [SERVICE]: limits } })
}

const NAMES = Object.keys(SCOPES)
const PAIRS = NAMES.flatMap(first => NAMES.map(second => [first, second] as const))

function refusal (manager: ResourceManager, request: () => void): { scope?: string, setting?: string } {
  let err: any

  try {
    request()
  } catch (thrown) {
    err = thrown
  }

  // explain does not know which number it would get
  return { scope: err?.scope.replace(/-1$/, ''), setting: err?.setting }
}

function explained (manager: ResourceManager, request: ReservationRequest): { scope?: string, setting?: string } {
  const { refusedBy, setting } = manager.explain(request)

  return { scope: refusedBy, setting }
}

// two scopes are full: the one that explain names must be the one that refuses, whichever
// two they are, or people change a setting that changes nothing

describe('the order in which explain asks', () => {
  for (const [first, second] of PAIRS) {
    const full = (limits: ResourceLimits): PartialLimitConfig => ({ ...SCOPES[first](limits), ...SCOPES[second](limits) })

    it(`should be that of a connection where ${first} and ${second} are full`, () => {
      for (const limits of [{ connsInbound: 0 }, { conns: 0 }, { fd: 0 }]) {
        const manager = createManager(full(limits))
        const answer = explained(manager, { resource: 'connection', direction: 'inbound', usefd: true, peer: peerA, service: SERVICE })

        expect(answer).to.deep.equal(refusal(manager, () => {
          const connection = manager.openConnection('inbound', true)

          connection.setPeer(peerA)
          connection.setService(SERVICE)
        }))
      }
    })

    it(`should be that of a stream where ${first} and ${second} are full`, () => {
      for (const limits of [{ streamsInbound: 0 }, { streams: 0 }]) {
        const manager = createManager(full(limits))
        const answer = explained(manager, { resource: 'stream', direction: 'inbound', peer: peerA, protocol: PROTOCOL, service: SERVICE })

        expect(answer).to.deep.equal(refusal(manager, () => {
          const stream = manager.openStream(peerA, 'inbound')

          stream.setProtocol(PROTOCOL)
          stream.setService(SERVICE)
        }))
      }
    })

    it(`should be that of memory where ${first} and ${second} are full`, () => {
      const manager = createManager(full({ memory: 1000 }))
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)

      const answer = explained(manager, { resource: 'memory', size: 1001, peer: peerA, protocol: PROTOCOL, service: SERVICE })

      expect(answer).to.deep.equal(refusal(manager, () => { stream.reserveMemory(1001) }))
    })
  }

  it('should be looked at in refusals that there are', () => {
    const manager = createManager(SCOPES.protocolPeer({ memory: 1000 }))
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    expect(errorOf(() => { stream.reserveMemory(1001) })).to.have.property('setting', `ProtocolPeer["${PROTOCOL}"].Memory`)
  })
})
