import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import sinon from 'sinon'
import { inSlices } from '../src/in-slices.ts'
import { createResourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits/infinite-limits.ts'
import { NullResourceManager } from '../src/manager/null-resource-manager.ts'
import { allScopes } from '../src/scopes/all-scopes.ts'
import { partialLimits } from './limits/arbitraries.ts'
import { createManager } from './scopes/fixtures.ts'
import type { PartialLimitConfig, ResourceManager } from '../src/index.ts'
import type { DefaultResourceManager } from '../src/manager/resource-manager.ts'
import type { PeerId } from '@libp2p/interface'

const PROTOCOL = '/a/1.0.0'
const SERVICE = 'a'
const PEERS = 150

describe('a resource manager in slices', () => {
  let peers: PeerId[]

  before(async () => {
    peers = await Promise.all(Array.from({ length: PEERS }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  })

  beforeEach(() => {
    let now = 0

    // a clock on which every reading of it takes longer than a slice
    sinon.stub(performance, 'now').callsFake(() => { now += 10; return now })
  })

  afterEach(() => {
    sinon.restore()
  })

  function populate (manager: ResourceManager): Array<{ done(): void }> {
    return peers.flatMap((peer, i) => {
      const connection = manager.openConnection('inbound', true)
      const stream = manager.openStream(peer, 'inbound')

      connection.setPeer(peer)
      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)
      stream.reserveMemory(i)

      return [connection, stream]
    })
  }

  /** The limits in force, by scope */
  function limitsOf (manager: ResourceManager): Array<[string, object]> {
    return Array.from(allScopes((manager as DefaultResourceManager).metricsSource.graph), ({ limit, name }) => [name, limit])
  }

  it('should answer what it answers in one piece', async () => {
    const manager = createManager({ system: { connsInbound: 200 }, peerDefault: { memory: 100, streams: 2, conns: 4, connsInbound: 3 }, protocolPeerDefault: { streamsInbound: 1 } }, { enforce: false })
    const sliced = inSlices(manager)

    populate(manager)
    expect(await sliced.stat()).to.deep.equal(manager.stat())
    expect(Object.keys((await sliced.stat()).peers)).to.have.lengthOf(PEERS)
    expect(await sliced.usage()).to.deep.equal(manager.usage())
    expect(await sliced.usage({ minPercent: 0 })).to.deep.equal(manager.usage({ minPercent: 0 })).and.have.length.above(600)
    expect(await sliced.text()).to.equal(String(manager))
    expect(await sliced.holders()).to.deep.equal(manager.holders())
  })

  it('should let the event loop go on in between', async () => {
    const manager = createManager()
    let turns = 0
    const count = (): void => { turns++; timer = setTimeout(count, 0) }
    let timer = setTimeout(count, 0)

    populate(manager)
    await inSlices(manager).stat()
    clearTimeout(timer)
    expect(turns).to.be.at.least(2)
  })

  it('should bear that everything ends, and other things begin, in the middle', async () => {
    const manager = createManager()
    const opened = populate(manager)
    const sliced = inSlices(manager)
    const all = Promise.all([sliced.stat(), sliced.usage({ minPercent: 0 }), sliced.text(), sliced.holders(), sliced.setLimits({ peerDefault: { conns: 7 } })])

    // after the first slice
    await new Promise<void>(resolve => { setTimeout(resolve, 0) })
    opened.forEach(one => { one.done() })
    manager.gc()
    await all

    const connection = manager.openConnection('inbound', true)

    connection.setPeer(peers[0])
    expect(manager.viewPeer(peers[0], scope => scope.limit.conns)).to.equal(7)
    connection.done()
    await sliced.gc()
    expect((await sliced.stat()).peers).to.deep.equal({})
  })

  it('should collect what is idle, and nothing else', async () => {
    const manager = createManager()
    const opened = populate(manager)

    manager.openConnection('inbound', true).setPeer(peers[0])
    opened.forEach(one => { one.done() })
    await inSlices(manager).gc()
    expect(Object.keys(manager.stat().peers)).to.deep.equal([`${peers[0]}`])
  })

  it('should have new limits for all at the end, and for what many share at once', async () => {
    const manager = createManager()
    const peerConns = (peer: PeerId): number => manager.viewPeer(peer, scope => scope.limit.conns)

    populate(manager)

    const changing = inSlices(manager).setLimits({ system: { conns: 1_000 }, peerDefault: { conns: 5 } })

    expect(manager.viewSystem(scope => scope.limit.conns)).to.equal(1_000)
    expect(manager.limits?.peerDefault.conns).to.equal(5)
    expect(peers.map(peerConns)).to.include(Infinity)
    expect((await changing).map(({ setting }) => setting)).to.have.members(['System.Conns', 'PeerDefault.Conns'])
    expect(new Set(peers.map(peerConns))).to.deep.equal(new Set([5]))
  })

  it('should leave it to the limits that were set last', async () => {
    const manager = createManager()

    populate(manager)

    const first = inSlices(manager).setLimits({ peerDefault: { conns: 5 } })
    const second = inSlices(manager).setLimits({ peerDefault: { conns: 6 } })

    await new Promise<void>(resolve => { setTimeout(resolve, 0) })
    manager.setLimits({ peerDefault: { conns: 7 } })
    await Promise.all([first, second])
    expect(peers.map(peer => manager.viewPeer(peer, scope => scope.limit.conns))).to.deep.equal(peers.map(() => 7))
  })

  it('should set the limits that setting them in one piece sets', async () => {
    const change = fc.record({ limits: partialLimits, replace: fc.boolean(), own: fc.nat(PEERS - 1) })

    await fc.assert(fc.asyncProperty(fc.array(change, { maxLength: 4 }), async changes => {
      const whole = createResourceManager({ limits: InfiniteLimits })
      const sliced = createResourceManager({ limits: InfiniteLimits })

      for (const manager of [whole, sliced]) {
        populate(manager)
      }

      for (const { limits, own, replace } of changes) {
        for (const manager of [whole, sliced]) {
          manager.viewPeer(peers[own], scope => { scope.setLimit({ conns: own }) })
        }

        const answer = whole.setLimits(limits as PartialLimitConfig, { replace })

        expect(await inSlices(sliced).setLimits(limits as PartialLimitConfig, { replace })).to.deep.equal(answer)
        expect(JSON.stringify(limitsOf(sliced))).to.equal(JSON.stringify(limitsOf(whole)))
      }
    }), { numRuns: 10 })
  })

  it('should change nothing where the limits cannot be used, or a limiter throws', async () => {
    const manager = createManager()
    const before = manager.limits
    const failing = Object.assign(Object.create(null), Object.fromEntries([
      'getSystemLimits', 'getTransientLimits', 'getAllowlistedSystemLimits', 'getAllowlistedTransientLimits', 'getServiceLimits', 'getServicePeerLimits',
      'getProtocolLimits', 'getProtocolPeerLimits', 'getStreamLimits', 'getConnLimits'
    ].map(name => [name, () => InfiniteLimits.system])), { getPeerLimits: () => { throw new Error('broken') } })

    populate(manager)
    await expect(inSlices(manager).setLimits({ peerDefault: { conns: -1 } })).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    await expect(inSlices(manager).setLimits(failing)).to.eventually.be.rejectedWith('broken')
    await expect(inSlices(manager).usage({ minPercent: NaN })).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    await expect(inSlices(manager).holders({ top: 0 })).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    expect(manager.limits).to.deep.equal(before)
    expect(manager.viewPeer(peers[0], scope => scope.limit.conns)).to.equal(Infinity)
  })

  it('should not look at peers whose limits have not changed', () => {
    const manager = createManager({ peerDefault: { conns: 5 } })

    populate(manager)

    const before = limitsOf(manager).filter(([name]) => name.includes('peer:'))

    manager.setLimits({ system: { conns: 9 } })
    expect(manager.viewSystem(scope => scope.limit.conns)).to.equal(9)
    limitsOf(manager).filter(([name]) => name.includes('peer:')).forEach(([, limit], i) => { expect(limit).to.equal(before[i][1]) })
  })

  it('should ask a manager that is off as it is', async () => {
    const sliced = inSlices(new NullResourceManager())

    expect(await sliced.stat()).to.have.property('peers').that.deep.equals({})
    expect(await sliced.usage()).to.deep.equal([])
    expect(await sliced.holders()).to.deep.equal([])
    expect(await sliced.setLimits({})).to.deep.equal([])
    expect(await sliced.text()).to.be.a('string')
    expect(await sliced.gc()).to.equal(undefined)
  })

  it('should bring limits to all peers although others that leave them alone are set meanwhile', async () => {
    const manager = createResourceManager()
    const held = populate(manager)
    const changed = inSlices(manager).setLimits({ peerDefault: { streamsInbound: 777 } })

    manager.setLimits({ peerDefault: { streamsInbound: 777 }, system: { streams: 99_999 } })
    await changed
    expect(new Set(peers.map(peer => manager.viewPeer(peer, scope => scope.limit.streamsInbound)))).to.deep.equal(new Set([777]))
    held.forEach(one => { one.done() })
  })

  it('should not take back what is set on a scope while others are replaced', async () => {
    const manager = createResourceManager()
    const held = populate(manager)
    const [last] = peers.slice(-1)
    const changed = inSlices(manager).setLimits({ peerDefault: { streamsInbound: 777 } }, { replace: true })

    manager.viewPeer(last, scope => { scope.setLimit({ streamsInbound: 5 }) })
    await changed
    expect(manager.viewPeer(last, scope => scope.limit.streamsInbound)).to.equal(5)
    held.forEach(one => { one.done() })
  })

  it('should list each share of a peer once, although those that are used change places meanwhile', async () => {
    const manager = createManager({ protocolPeerDefault: { streams: 10 } })
    const protocols = Array.from({ length: 300 }, (_, i) => `/${i}/1.0.0`)
    const use = (protocol: string): void => {
      const stream = manager.openStream(peers[0], 'inbound')

      stream.setProtocol(protocol)
      stream.done()
    }

    for (const protocol of protocols) {
      manager.openStream(peers[0], 'inbound').setProtocol(protocol)
    }

    // those that were used first are at the end, and so have not been looked at
    let next = 0
    const timer = setInterval(() => { use(protocols[next++ % protocols.length]) }, 0)
    const usage = await inSlices(manager).usage({ minPercent: 10 }).finally(() => { clearInterval(timer) })
    const shares = usage.filter(({ kind }) => kind === 'protocolPeer').map(({ scope }) => scope)

    expect(shares).to.have.members(protocols.map(protocol => `protocol:${protocol}.peer:${peers[0]}`))
  })
})
