import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { History } from '../../src/sessions/history.ts'
import type { HistoryEntry } from '../../src/sessions/history.ts'

function entry (location: string, peer: string, reference: string, totalRxBytes: number = 0, totalTxBytes: number = 0): HistoryEntry {
  return { location, peer, reference, totalSessions: 1, totalRxBytes, totalTxBytes }
}

const NAMES = ['a', 'b', 'ab', 'unknown', 'other', '', '__proto__', 'constructor', 'toString', '1:1:', '🦀']

describe('sessions/history', () => {
  it('should be empty at first', () => {
    const history = new History(10)

    expect(history.entries()).to.deep.equal([])
    expect(history.revision).to.equal(0)
    expect(JSON.parse(JSON.stringify(history.summary()))).to.deep.equal({
      peers: {},
      locations: {},
      references: {},
      totalSessions: 0,
      totalRxBytes: 0,
      totalTxBytes: 0
    })
  })

  it('should sum by peer, by location and by reference', () => {
    const history = new History(10)

    history.add(entry('here', 'alice', '/a', 1, 10))
    history.add(entry('here', 'alice', '/b', 2, 20))
    history.add(entry('there', 'alice', '/a', 4, 40))
    history.add(entry('here', 'bob', '/a', 8, 80))
    history.add(entry('here', 'bob', '/a', 16, 160))

    const stats = (totalSessions: number, totalRxBytes: number): object => {
      return { totalSessions, totalRxBytes, totalTxBytes: totalRxBytes * 10 }
    }

    expect(history.entries()).to.have.lengthOf(4)
    expect(JSON.parse(JSON.stringify(history.summary()))).to.deep.equal({
      peers: {
        alice: { ...stats(3, 7), locations: { here: stats(2, 3), there: stats(1, 4) } },
        bob: { ...stats(2, 24), locations: { here: stats(2, 24) } }
      },
      locations: { here: stats(4, 27), there: stats(1, 4) },
      references: { '/a': stats(4, 29), '/b': stats(1, 2) },
      ...stats(5, 31)
    })
  })

  it('should not mix up names that are the same when put together', () => {
    const history = new History(10)

    history.add(entry('ab', 'c', 'd'))
    history.add(entry('a', 'bc', 'd'))
    history.add(entry('a', 'b', 'cd'))

    expect(history.entries()).to.have.lengthOf(3)
  })

  it('should take any name for a name', () => {
    const history = new History(10)

    history.add(entry('__proto__', '__proto__', 'constructor', 5))

    const summary = JSON.parse(JSON.stringify(history.summary()))

    expect(Object.keys(summary.peers)).to.deep.equal(['__proto__'])
    expect(Object.keys(summary.locations)).to.deep.equal(['__proto__'])
    expect(summary.references.constructor).to.have.property('totalRxBytes', 5)
    expect(history.summary().peers.toString).to.equal(undefined)
    expect({}).to.not.have.property('totalRxBytes')
  })

  it('should sum what exceeds the number of entries under one name', () => {
    const history = new History(2)

    history.add(entry('a', 'a', 'a', 1))
    history.add(entry('b', 'b', 'b', 2))
    history.add(entry('c', 'c', 'c', 4))
    history.add(entry('d', 'd', 'd', 8))
    history.add(entry('a', 'a', 'a', 16))

    expect(history.entries().map(({ peer, totalRxBytes }) => [peer, totalRxBytes])).to.have.deep.members([['a', 17], ['b', 2], ['other', 12]])
    expect(history.summary().references.other.totalSessions).to.equal(2)
    expect(history.summary().totalRxBytes).to.equal(31)
  })

  it('should sum everything under one name if there may be no entries', () => {
    const history = new History(0)

    history.add(entry('a', 'a', 'a', 1))
    history.add(entry('b', 'b', 'b', 2))

    expect(history.entries()).to.deep.equal([{ ...entry('other', 'other', 'other', 3), totalSessions: 2 }])
  })

  it('should not grow while remote peers make up names', () => {
    const history = new History(100)

    for (let i = 0; i < 5_000; i++) {
      history.add(entry(`/ip4/1.2.3.4/tcp/${i}`, `peer-${i}`, `/protocol/${i}`, 1))
    }

    expect(history.entries()).to.have.lengthOf(101)
    expect(history.summary().totalRxBytes).to.equal(5_000)
  })

  it('should not lose count at the end of the whole numbers', () => {
    const history = new History(10)

    history.add(entry('a', 'a', 'a', Number.MAX_SAFE_INTEGER))
    history.add(entry('a', 'a', 'a', 1))
    history.add(entry('b', 'a', 'a', 1))

    expect(history.entries()[0].totalRxBytes).to.equal(Number.MAX_SAFE_INTEGER)
    expect(history.summary().totalRxBytes).to.equal(Number.MAX_SAFE_INTEGER)
  })

  it('should have a new revision after each change', () => {
    const history = new History(0)

    history.add(entry('a', 'a', 'a'))

    const { revision } = history

    history.summary()
    history.entries()
    expect(history.revision).to.equal(revision)
    history.add(entry('a', 'a', 'a'))
    expect(history.revision).to.be.greaterThan(revision)
  })

  it('should add up to what was added', () => {
    const name = fc.constantFrom(...NAMES)
    const bytes = fc.nat()
    const entries = fc.array(fc.tuple(name, name, name, bytes, bytes), { maxLength: 60 })

    fc.assert(fc.property(entries, fc.nat({ max: 20 }), (rows, maxEntries) => {
      const history = new History(maxEntries)
      const kept = new Set<string>()
      const byPeer = new Map<string, number>()

      for (const [location, peer, reference, rx, tx] of rows) {
        const names = JSON.stringify([location, peer, reference])

        // what is called `other` throughout does not need an entry of its own
        if (kept.size < maxEntries && names !== '["other","other","other"]') {
          kept.add(names)
        }

        const name = kept.has(names) ? peer : 'other'

        byPeer.set(name, (byPeer.get(name) ?? 0) + rx)
        history.add(entry(location, peer, reference, rx, tx))
      }

      const summary = history.summary()

      expect(Object.keys(summary.peers)).to.have.members([...byPeer.keys()])
      byPeer.forEach((rx, peer) => { expect(summary.peers[peer].totalRxBytes).to.equal(rx) })
      expect(summary.totalSessions).to.equal(rows.length)
      expect(summary.totalTxBytes).to.equal(rows.reduce((sum, row) => sum + row[4], 0))
    }))
  })
})
