import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { DISTRIBUTIONS } from '../../src/reporting/metric-families.ts'
import { readOnce } from '../../src/reporting/metric-family.ts'
import { readScopeFigures } from '../../src/reporting/scope-figures.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { unlimitedBut } from '../scopes/fixtures.ts'
import type { ConnectionManagementScope } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { ScopeFigures } from '../../src/reporting/scope-figures.ts'
import type { PeerId } from '@libp2p/interface'

const PEERS = 300
const MAX_CONNECTIONS = 4

/**
 * How many of the peers have two connections
 */
const TWICE = 10

/**
 * All series of a family: how many have up to 1 and how many there are, and what they have
 */
function distributed ({ distributions }: ScopeFigures, name: string): Array<{ ones: number, all: number, sum: number }> {
  const family = DISTRIBUTIONS.find(family => family.name === name)

  return family == null ? [] : (distributions.get(family) ?? []).map(({ cumulated, sum }) => ({ ones: cumulated[0], all: cumulated[cumulated.length - 1], sum }))
}

describe('what is read of all scopes', () => {
  let peers: PeerId[]
  let manager: DefaultResourceManager
  let connections: ConnectionManagementScope[]

  function connect (peer: PeerId): ConnectionManagementScope {
    const connection = manager.openConnection('inbound', false)

    connection.setPeer(peer)

    return connection
  }

  before(async () => {
    peers = await Promise.all(Array.from({ length: PEERS }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  })

  beforeEach(() => {
    manager = makeManager({ limits: unlimitedBut({ peerDefault: { conns: MAX_CONNECTIONS } }) })
    connections = [...peers, ...peers.slice(0, TWICE)].map(connect)
  })

  afterEach(() => {
    sinon.restore()
  })

  /**
   * A clock on which every reading of it takes longer than a slice
   */
  function slowClock (): void {
    let now = 0

    sinon.stub(performance, 'now').callsFake(() => {
      now += 10

      return now
    })
  }

  it('should be the same in one piece and in slices', async () => {
    const whole = await readScopeFigures(manager.core.graph)

    slowClock()

    const sliced = await readScopeFigures(manager.core.graph)

    for (const figures of [whole, sliced]) {
      expect(figures.fullest.get('peer')).to.include({ conns: 2 / MAX_CONNECTIONS, streams: 0, memory: 0 })
      expect(distributed(figures, 'peer_connections')).to.deep.equal([
        { ones: PEERS - TWICE, all: PEERS, sum: PEERS + TWICE },
        { ones: 0, all: 0, sum: 0 }
      ])
    }
  })

  it('should let the event loop go on where there are many', async () => {
    let turns = 0
    let done = false
    const count = (): void => {
      turns++

      if (!done) {
        setTimeout(count, 0)
      }
    }

    slowClock()
    setTimeout(count, 0)
    await readScopeFigures(manager.core.graph)
    done = true

    // it reads the clock after every 64 peers, and then after every 64 connections
    expect(turns).to.be.at.least(4)
  })

  it('should read the scopes once for all who ask before that has ended, and again afterwards', async () => {
    slowClock()

    const { graph } = manager.core
    const first = readScopeFigures(graph)
    const second = readScopeFigures(graph)

    expect(await first).to.equal(await second)
    connections.forEach(connection => { connection.done() })

    const third = await readScopeFigures(graph)

    expect(third).to.not.equal(await first)
    expect(distributed(third, 'peer_connections')[0]).to.deep.equal({ ones: 0, all: 0, sum: 0 })
    expect(distributed(third, 'conn_memory')[0]).to.deep.equal({ ones: 0, all: 0, sum: 0 })
  })

  it('should bear that everything ends, and other things begin, in the middle', async () => {
    slowClock()

    const { graph } = manager.core
    const reading = readScopeFigures(graph)

    // after the first slice
    await new Promise<void>(resolve => { setTimeout(resolve, 0) })
    connections.forEach(connection => { connection.done() })
    manager.gc()
    connections = peers.slice(0, TWICE).map(connect)

    const [{ all }] = distributed(await reading, 'peer_connections')

    expect(all).to.be.within(TWICE, PEERS)
    expect(distributed(await readScopeFigures(graph), 'peer_connections')[0].all).to.equal(TWICE)
  })

  it('should be nothing where there is nothing', async () => {
    const figures = await readScopeFigures(makeManager().metricsSource.graph)

    expect(figures.fullest.get('peer')).to.equal(undefined)
    expect(figures.fullest.get('system')).to.include({ conns: 0, memory: 0 })
    expect(distributed(figures, 'peer_streams')).to.deep.equal([{ ones: 0, all: 0, sum: 0 }, { ones: 0, all: 0, sum: 0 }])
  })
})

describe('what is read of a node', () => {
  it('should be asked for once for all that is read at a time', async () => {
    const manager = makeManager()
    const nodeStat = sinon.fake.returns({})
    const source = readOnce({ ...manager.metricsSource, nodeStat })

    expect(nodeStat.callCount).to.equal(0)
    source.nodeStat()
    source.nodeStat()
    expect(nodeStat.callCount).to.equal(1)

    await Promise.resolve()
    source.nodeStat()
    expect(nodeStat.callCount).to.equal(2)
  })
})
