import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { BufferProgress } from '../../src/libp2p/buffers/buffer-progress.ts'
import { BufferRanking } from '../../src/libp2p/buffers/buffer-ranking.ts'
import type { BufferHolder } from '../../src/libp2p/buffers/buffer-holder.ts'

const SYSTEM: any = { kind: 'system' }
const OTHER_SYSTEM: any = { kind: 'allowlistedSystem' }

interface FakeHolder {
  host: number
  peer: number
  size: number
  unread?: number
  still?: boolean
  closed?: boolean
  system?: any
}

/**
 * Holders of which nothing but sizes and owners matters
 */
function createHolders (fakes: FakeHolder[]): BufferHolder[] {
  const peers = new Map<string, object>()

  return fakes.map(({ host, peer, size, unread = 0, still = false, closed = false, system = SYSTEM }) => {
    const key = `${host}/${peer}`

    if (!peers.has(key)) {
      peers.set(key, {})
    }

    return {
      size,
      unread,
      countedUnread: unread,
      scope: { closed, pair: { system }, buffers: size },
      connectionScope: { host, peerScope: peers.get(key) },
      progress: new BufferProgress(size, still ? -1e9 : 0)
    } as any
  })
}

function rank (holders: BufferHolder[], part: 'size' | 'unread' = 'size', except?: unknown): BufferRanking {
  return new BufferRanking(holders, { system: SYSTEM, part, now: 0, except, hostOf: ({ connectionScope }) => (connectionScope as any).host })
}

function order (holders: BufferHolder[], part: 'size' | 'unread' = 'size', except?: unknown): number[] {
  const ranking = rank(holders, part, except)
  const taken: number[] = []

  for (let holder = ranking.next(); holder != null; holder = ranking.next()) {
    taken.push(holders.indexOf(holder))
  }

  return taken
}

describe('who gives way when memory is short', () => {
  it('should be the largest of a peer, the peer that holds most, of the host that holds most', () => {
    expect(order(createHolders([
      { host: 1, peer: 1, size: 50 },
      { host: 2, peer: 1, size: 30 },
      { host: 2, peer: 1, size: 31 },
      { host: 2, peer: 2, size: 40 }
    ]))).to.deep.equal([2, 3, 0, 1])
  })

  it('should be what stands still before what moves', () => {
    expect(order(createHolders([
      { host: 1, peer: 1, size: 100 },
      { host: 2, peer: 1, size: 1, still: true },
      { host: 3, peer: 1, size: 2, still: true }
    ]))).to.deep.equal([2, 1, 0])
  })

  it('should only be what counts, in the system that is short, and never the one that room is made for', () => {
    const holders = createHolders([
      { host: 1, peer: 1, size: 100, unread: 0 },
      { host: 2, peer: 1, size: 50, unread: 2 },
      { host: 3, peer: 1, size: 10, unread: 3 },
      { host: 4, peer: 1, size: 10, unread: 4, system: OTHER_SYSTEM },
      { host: 5, peer: 1, size: 10, unread: 5, closed: true },
      { host: 6, peer: 1, size: 10, unread: 6 }
    ])

    expect(order(holders, 'unread', holders[5].scope)).to.deep.equal([2, 1])
  })

  it('should be the newcomer where others hold no more, so that nobody is replaced in vain', () => {
    const equal = createHolders([
      { host: 1, peer: 1, size: 10 },
      { host: 2, peer: 1, size: 10 },
      { host: 2, peer: 2, size: 5 },
      { host: 2, peer: 2, size: 5 },
      { host: 3, peer: 1, size: 20 }
    ])

    for (const index of [2, 3]) {
      expect(rank(equal).next(equal[index])).to.equal(equal[index])
    }

    expect(rank(equal).next(equal[4])).to.equal(equal[4])
    expect(rank(equal).next(equal[0])).to.not.equal(equal[0])
  })

  it('should not be what has ended meanwhile', () => {
    const holders = createHolders([{ host: 1, peer: 1, size: 3 }, { host: 1, peer: 1, size: 2 }, { host: 2, peer: 1, size: 1 }])
    const ranking = rank(holders)

    expect(ranking.next()).to.equal(holders[0])
    ;(holders[1].scope as any).closed = true
    expect(ranking.next()).to.equal(holders[2])
    expect(ranking.next()).to.equal(undefined)
  })

  it('should leave hosts and peers with what is fair: nobody loses anything while another one holds more', () => {
    const holder = fc.record({ host: fc.integer({ min: 1, max: 5 }), peer: fc.integer({ min: 1, max: 3 }), size: fc.integer({ min: 1, max: 50 }) })

    fc.assert(fc.property(fc.array(holder, { minLength: 1, maxLength: 40 }), fc.nat(40), (fakes, count) => {
      const holders = createHolders(fakes)
      const left = new Set(holders)
      const ranking = rank(holders)
      const sums = (key: (holder: BufferHolder) => unknown): Map<unknown, number> => {
        const map = new Map<unknown, number>()

        for (const one of left) {
          map.set(key(one), (map.get(key(one)) ?? 0) + one.size)
        }

        return map
      }

      for (let i = 0; i < count; i++) {
        const hosts = sums(one => (one.connectionScope as any).host)
        const peers = sums(one => one.connectionScope.peerScope)
        const taken = ranking.next()

        if (taken == null) {
          expect(left.size).to.equal(0)
          return
        }

        const { host, peerScope } = taken.connectionScope as any
        const peersOfHost = [...left].filter(one => (one.connectionScope as any).host === host)

        expect(hosts.get(host)).to.equal(Math.max(...hosts.values()))
        expect(peers.get(peerScope)).to.equal(Math.max(...peersOfHost.map(one => peers.get(one.connectionScope.peerScope) ?? 0)))
        expect(taken.size).to.equal(Math.max(...peersOfHost.filter(one => one.connectionScope.peerScope === peerScope).map(({ size }) => size)))
        left.delete(taken)
      }
    }))
  })
})
