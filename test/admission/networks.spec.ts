import { expect } from 'aegir/chai'
import { createResourceManager, NullResourceManager } from '../../src/index.ts'
import { errorOf, peerA } from '../scopes/fixtures.ts'
import { ip, ma, TestAdmission, TestClock } from './fixtures.ts'
import type { AdmissionInit } from '../../src/admission/admission-options.ts'

const GATEWAY = '172.17.0.1'

function create (init: Partial<AdmissionInit> = {}, clock = new TestClock()): TestAdmission {
  return new TestAdmission({ allowlistedConns: 12, now: clock.now, ...init })
}

/**
 * How many inbound connections are admitted now
 */
function fill (admission: TestAdmission, text: string = GATEWAY, max = 200): number {
  for (let count = 0; count < max; count++) {
    if (admission.admit(ip(text), 'inbound') != null) {
      return count
    }
  }

  return max
}

/**
 * How many inbound connections that are closed at once are admitted now
 */
function cycle (admission: TestAdmission, text: string = GATEWAY, max = 200): number {
  for (let count = 0; count < max; count++) {
    if (admission.admit(ip(text), 'inbound') != null) {
      return count
    }

    admission.release(ip(text))
  }

  return max
}

describe('networks', () => {
  it('should have both limits in one setting', () => {
    const networks = [{ network: '172.17.0.0/16', connCount: 50, rate: 1, burst: 60 }]
    const admission = create({ networks })

    expect(fill(admission)).to.equal(50)
    expect(admission.admit(ip(GATEWAY), 'inbound')).to.include({ resource: 'subnet', kind: 'network', limit: 50 })
    expect(fill(admission, '8.8.8.8'), 'others').to.equal(8)

    const clock = new TestClock()
    const often = create({ networks }, clock)

    expect(cycle(often)).to.equal(60)
    expect(often.admit(ip(GATEWAY), 'inbound')).to.include({ resource: 'rate', kind: 'network', limit: 60 })
    clock.passSeconds(2)
    expect(cycle(often)).to.equal(2)
  })

  it('should not limit what is left out', () => {
    expect(fill(create({ networks: [{ network: GATEWAY }] }))).to.equal(200)
    expect(fill(create({ networks: [{ network: GATEWAY, connCount: 100 }] }))).to.equal(100)
    expect(cycle(create({ networks: [{ network: GATEWAY, connCount: 1 }] }))).to.equal(200)
    expect(fill(create({ networks: [{ network: GATEWAY, rate: 100, burst: 150 }] }))).to.equal(150)
    expect(fill(create({ networks: [{ network: GATEWAY, connCount: 'unlimited', rate: 'unlimited' }] }))).to.equal(200)
    expect(fill(create({ networks: [{ network: GATEWAY, connCount: 'blockAll' }] }))).to.equal(0)
    expect(fill(create({ networks: [{ network: GATEWAY, connCount: 0 }] }))).to.equal(0)
    expect(fill(create({ networks: [{ network: GATEWAY, rate: 1, burst: 0 }] }))).to.equal(0)
  })

  it('should win against networks that are trusted as a whole, and name themselves in what they refuse', () => {
    const manager = createResourceManager({ trustedNetworks: 'private', networks: [{ network: '172.17.0.0/16', connCount: 1 }] })
    const endpoint = ma(`/ip4/${GATEWAY}/tcp/1`)

    manager.openConnection('inbound', false, endpoint)
    expect(errorOf(() => manager.openConnection('inbound', false, endpoint))).to.have.deep.property('settingPath', ['networks'])
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: endpoint })).to.include({ fits: false, setting: 'networks' })
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: '/ip4/172.18.0.1' }).fits).to.equal(true)
  })

  const bad: Array<[unknown, string]> = [
    [5, 'networks: expected a list'],
    [[5], 'networks[0].network: expected a network'],
    [[{}], 'networks[0].network: expected a network'],
    [[{ network: '10.0.0.0/33' }], 'networks[0].network: expected a prefix length'],
    [[{ network: '10.0.0.0/8', connCount: -1 }], 'networks[0].connCount: expected'],
    [[{ network: '10.0.0.0/8', rate: 0 }], 'networks[0].rate: expected'],
    [[{ network: '10.0.0.0/8', burst: 5 }], 'networks[0].rate: expected a number, as there is a burst'],
    [[{ network: '10.0.0.0/8', rate: 1, burst: -5 }], 'networks[0].burst: expected'],
    [[{ network: '10.0.0.0/8' }, { network: '10.1.0.0/8' }], 'networks[1].network: expected every network once']
  ]

  for (const [networks, problem] of bad) {
    it(`should refuse ${JSON.stringify(networks)}`, () => {
      const error = errorOf(() => createResourceManager({ networks: networks as any }))

      expect(error.message).to.include(problem)
      expect(error.name).to.equal('InvalidParametersError')
    })
  }

  it('should not have a second limit elsewhere', () => {
    const networks = [{ network: '10.0.0.0/8', connCount: 1 }]

    expect(() => create({ networks, subnetLimits: { prefixes: networks } })).to.throw('subnetLimits.prefixes[0].network: expected no second limit for a network')
    expect(() => create({ networks, rateLimits: { connections: { prefixes: [{ network: '10.0.0.0/8', rate: 1 }] } } })).to.throw('rateLimits.connections.prefixes[0].network: expected no second rate for a network')
  })
})

describe('rates of families of protocols', () => {
  it('should be shared by the protocols of a pattern, and not by those that have a rate of their own', () => {
    const admission = create({
      rateLimits: { streams: { protocol: { '/orbitdb/*': { rate: 1, burst: 2 }, '/orbitdb/free': { rate: 'unlimited' } }, protocolPeer: { '*/big': { rate: 1, burst: 1 } } } }
    })

    expect(admission.admitProtocol('/orbitdb/x', 'a') ?? admission.admitProtocol('/orbitdb/y', 'b')).to.equal(undefined)
    expect(admission.admitProtocol('/orbitdb/z', 'c')).to.include({ resource: 'rate', scope: 'protocol:/orbitdb/z' })
      .with.deep.property('settingPath', ['rateLimits', 'streams', 'protocol', '/orbitdb/*'])
    expect(admission.admitProtocol('/orbitdb/free', 'c') ?? admission.admitProtocol('/orbitdb/free', 'c') ?? admission.admitProtocol('/orbitdb/free', 'c')).to.equal(undefined)

    expect(admission.admitProtocol('/very/big', 'a') ?? admission.admitProtocol('/very/big', 'b')).to.equal(undefined)
    expect(admission.admitProtocol('/not/so/big', 'a')).to.include({ scope: 'protocol:/not/so/big.peer:a' })

    admission.settings.change({ rateLimits: { streams: { protocol: { '/orbitdb/*': { rate: 1, burst: 2 } } } } })
    expect(admission.admitProtocol('/orbitdb/z', 'c'), 'no second burst').to.include({ resource: 'rate' })
    expect(admission.admitProtocol('/very/big', 'a')).to.equal(undefined)
  })
})

describe('changing what is decided by address', () => {
  it('should count the connections that there are', () => {
    const admission = create({ networks: [{ network: GATEWAY, connCount: 5 }] })

    expect(fill(admission)).to.equal(5)
    admission.settings.change({ networks: [{ network: GATEWAY, connCount: 7 }] })
    expect(fill(admission)).to.equal(2)
    admission.settings.change({ networks: [] })
    expect(fill(admission), 'the default is 8').to.equal(1)
    admission.settings.change({ trustedNetworks: 'private' })
    expect(fill(admission)).to.equal(200)
    admission.settings.change({ trustedNetworks: undefined, subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 209 }] }, rateLimits: false })
    expect(fill(admission)).to.equal(1)
  })

  it('should leave alone what is left out', () => {
    const admission = create({ subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 3 }] } })

    admission.settings.change({ rateLimits: false })
    admission.settings.change({})
    expect(fill(admission)).to.equal(3)
  })

  it('should keep the tokens of rates that stay the same, and those of none that changes', () => {
    const admission = create()

    expect(cycle(admission)).to.equal(16)
    admission.settings.change({ subnetLimits: { ipv4: [] } })
    admission.settings.change({ rateLimits: { streams: { peer: { rate: 1, burst: 2 } } } })
    expect(cycle(admission), 'no second burst').to.equal(0)

    expect(admission.admitStream('a') ?? admission.admitStream('a')).to.equal(undefined)
    admission.settings.change({ rateLimits: { streams: { peer: { rate: 1, burst: 2 }, protocol: { '/a/1': { rate: 1 } } } } })
    expect(admission.admitStream('a')).to.include({ resource: 'rate' })
    expect(cycle(admission)).to.equal(0)

    admission.settings.change({ rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 1, burst: 20 }] } } })
    expect(cycle(admission)).to.equal(20)
    expect(admission.admitStream('a')).to.equal(undefined)
    admission.settings.change({ rateLimits: false })
    expect(cycle(admission)).to.equal(200)
  })

  it('should keep limits that were added to networks, until they are removed', () => {
    const admission = create()

    admission.settings.addPrefixLimit({ network: '10.0.0.0/8', connCount: 2 })
    admission.settings.change({ trustedNetworks: 'private' })
    expect(fill(admission, '10.1.2.3')).to.equal(2)
    expect(admission.settings.removePrefixLimit('10.0.0.0/8')).to.equal(true)
    admission.settings.change({ trustedNetworks: 'private' })
    expect(fill(admission, '10.1.2.3')).to.equal(200)
  })

  it('should keep what unlimited limits have lifted', () => {
    const admission = create()

    admission.settings.lifted = true
    admission.settings.change({ rateLimits: {} })
    expect(fill(admission)).to.equal(200)
    admission.settings.lifted = false
    expect(fill(admission)).to.equal(0)
  })

  it('should change nothing where something is wrong', () => {
    const admission = create()

    for (const changes of [null, 5, { allowlist: [] }, { network: [] }, { networks: [{ network: GATEWAY, connCount: 50 }], trustedNetworks: 5 }, { trustedNetworks: 'private', rateLimits: { streams: { peer: { rate: 0 } } } }] as any[]) {
      expect(errorOf(() => { admission.settings.change(changes) })).to.have.property('name', 'InvalidParametersError')
    }

    expect(fill(admission)).to.equal(8)
  })

  it('should be there on a manager, and do nothing on one that is off', () => {
    const manager = createResourceManager({ limits: { system: { conns: 500, connsInbound: 500 }, transient: { conns: 500, connsInbound: 500 } } })
    const open = (): void => { manager.openConnection('inbound', false, ma(`/ip4/${GATEWAY}/tcp/1`)) }

    for (let i = 0; i < 8; i++) {
      open()
    }

    expect(open).to.throw('subnet:172.17.0.1/32')
    manager.setAdmission({ networks: [{ network: GATEWAY, connCount: 20 }] })

    for (let i = 0; i < 12; i++) {
      open()
    }

    expect(open).to.throw('network:172.17.0.1/32')
    expect(() => { createResourceManager({ features: {} }).setAdmission({}) }).to.throw('setAdmission: expected features: { admission }')
    new NullResourceManager().setAdmission()
  })

  it('should limit the rate of streams from then on where there was none, and no more where there is none', () => {
    const manager = createResourceManager({ rateLimits: false })
    const open = (): void => { manager.openStream(peerA, 'inbound') }

    open()
    open()
    manager.setAdmission({ rateLimits: { streams: { peer: { rate: 0.001, burst: 1 } } } })
    open()
    expect(open).to.throw('peer:')
    expect(manager.explain({ resource: 'stream', direction: 'inbound', peer: peerA }).fits).to.equal(false)
    manager.setAdmission({ rateLimits: false })
    open()
    manager.setAdmission({ rateLimits: { streams: { peer: { rate: 0.001, burst: 1 } } } })
    open()
    expect(open).to.throw('peer:')
  })
})
