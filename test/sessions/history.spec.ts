import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { History } from '../../src/sessions/history.ts'
import type { HistoryEntry } from '../../src/sessions/history.ts'
import type { SessionStats } from '../../src/sessions/session-stats.ts'

function entry (location: string, peer: string, reference: string, totalRxBytes: number = 0, totalTxBytes: number = 0): HistoryEntry {
  return { location, peer, reference, totalSessions: 1, totalRxBytes, totalTxBytes }
}

const NOTHING_EVICTED = { combinations: 0, peers: 0, locations: 0, references: 0 }

const NAMES = ['a', 'b', 'ab', 'unknown', 'other', '', '__proto__', 'constructor', 'toString', '1:1:', '🦀']

describe('sessions/history', () => {
  it('should be empty at first', () => {
    const history = new History(10)

    expect(history.toRecord().combinations).to.deep.equal([])
    expect(history.revision).to.equal(0)
    expect(JSON.parse(JSON.stringify(history.summary()))).to.deep.equal({
      peers: {},
      locations: {},
      references: {},
      totalSessions: 0,
      totalRxBytes: 0,
      totalTxBytes: 0,
      evicted: NOTHING_EVICTED
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

    expect(history.toRecord().combinations).to.have.lengthOf(4)
    expect(JSON.parse(JSON.stringify(history.summary()))).to.deep.equal({
      peers: {
        alice: { ...stats(3, 7), locations: { here: stats(2, 3), there: stats(1, 4) } },
        bob: { ...stats(2, 24), locations: { here: stats(2, 24) } }
      },
      locations: { here: stats(4, 27), there: stats(1, 4) },
      references: { '/a': stats(4, 29), '/b': stats(1, 2) },
      ...stats(5, 31),
      evicted: NOTHING_EVICTED
    })
  })

  it('should not mix up names that are the same when put together', () => {
    const history = new History(10)

    history.add(entry('ab', 'c', 'd'))
    history.add(entry('a', 'bc', 'd'))
    history.add(entry('a', 'b', 'cd'))

    expect(history.toRecord().combinations).to.have.lengthOf(3)
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

  it('should let the one give way that was not used for the longest time, and keep its sums by name', () => {
    const history = new History(2)

    history.add(entry('here', 'alice', '/a', 1))
    history.add(entry('there', 'alice', '/a', 2))
    history.add(entry('here', 'alice', '/a', 4))
    // in place of what alice has moved there
    history.add(entry('here', 'bob', '/a', 8))

    const { evicted, locations, peers, references } = history.summary()

    expect(evicted).to.deep.equal({ ...NOTHING_EVICTED, combinations: 1 })
    expect(peers.alice).to.deep.include({ totalSessions: 3, totalRxBytes: 7 })
    expect(Object.entries(peers.alice.locations).map(([name, { totalRxBytes }]) => [name, totalRxBytes])).to.deep.equal([['here', 5], ['other', 2]])
    expect([locations.here.totalRxBytes, locations.there.totalRxBytes, references['/a'].totalRxBytes]).to.deep.equal([13, 2, 15])
  })

  it('should keep the sums of a peer that comes back, whatever others make up in between', () => {
    const history = new History(10)

    for (let round = 0; round < 200; round++) {
      history.add(entry(`/ip4/192.0.2.1/tcp/${round}`, 'alice', '/ref', 1))

      for (let i = 0; i < 9; i++) {
        history.add(entry(`location-${round}-${i}`, `peer-${round}-${i}`, '/ref', 1))
      }
    }

    const { evicted, peers, references, totalRxBytes } = history.summary()

    expect(totalRxBytes).to.equal(2_000)
    expect(peers.alice.totalRxBytes).to.equal(200)
    expect(peers.other.totalRxBytes).to.equal(2_000 - 200 - 9)
    expect(references['/ref'].totalRxBytes).to.equal(2_000)
    expect(evicted).to.deep.equal({ combinations: 1_990, peers: 1_791, locations: 1_990, references: 0 })
  })

  it('should sum everything under one name if there may be no others', () => {
    const history = new History(0)

    history.add(entry('a', 'a', 'a', 1))
    history.add(entry('b', 'b', 'b', 2))

    const { evicted, locations, peers, references } = history.summary()

    expect(history.toRecord().combinations).to.deep.equal([])
    expect(evicted).to.deep.equal({ combinations: 2, peers: 2, locations: 2, references: 2 })

    for (const sums of [locations, peers, references]) {
      expect(Object.keys(sums)).to.deep.equal(['other'])
      expect(sums.other).to.include({ totalSessions: 2, totalRxBytes: 3 })
    }
  })

  it('should count what is the same as the one before, whether that is kept or not', () => {
    for (const max of [0, 1, 2]) {
      const history = new History(max)

      for (const bytes of [1, 2]) {
        history.add(entry('a', 'a', 'a', bytes))
      }

      history.addEarlier(history.toRecord())
      history.add(entry('a', 'a', 'a', 4))

      const { evicted, peers, totalRxBytes } = history.summary()

      expect(totalRxBytes).to.equal(10)
      expect(peers[max === 0 ? 'other' : 'a']).to.include({ totalSessions: 5, totalRxBytes: 10 })
      expect(history.toRecord().combinations).to.deep.equal(max === 0 ? [] : [{ ...entry('a', 'a', 'a', 10), totalSessions: 5 }])
      expect(evicted.combinations).to.equal(max === 0 ? 5 : 0)
    }
  })

  it('should not grow while remote peers make up names', () => {
    const history = new History(100)

    for (let i = 0; i < 5_000; i++) {
      history.add(entry(`/ip4/1.2.3.4/tcp/${i}`, `peer-${i}`, `/protocol/${i}`, 1))
    }

    const { locations, peers, references, totalRxBytes } = history.summary()

    for (const sums of [locations, peers, references]) {
      expect(Object.keys(sums)).to.have.lengthOf(101)
    }

    expect(history.toRecord().combinations).to.have.lengthOf(100)
    expect(totalRxBytes).to.equal(5_000)
  })

  it('should take what nobody has transferred, and nobody had a session for, for nothing', () => {
    const history = new History(10)

    history.add({ ...entry('other', 'other', 'other'), totalSessions: 0 })
    expect(history.summary().peers).to.deep.equal({})
    expect(history.revision).to.equal(0)
  })

  it('should not lose count at the end of the whole numbers', () => {
    const history = new History(10)

    history.add(entry('a', 'a', 'a', Number.MAX_SAFE_INTEGER))
    history.add(entry('a', 'a', 'a', 1))
    history.add(entry('b', 'a', 'a', 1))

    expect(history.toRecord().combinations[0].totalRxBytes).to.equal(Number.MAX_SAFE_INTEGER)
    expect(history.summary().totalRxBytes).to.equal(Number.MAX_SAFE_INTEGER)
  })

  it('should have a new revision after each change', () => {
    const history = new History(0)

    history.add(entry('a', 'a', 'a'))

    const { revision } = history

    history.summary()
    history.toRecord()
    expect(history.revision).to.equal(revision)
    history.add(entry('a', 'a', 'a'))
    expect(history.revision).to.be.greaterThan(revision)
  })

  const rowsOf = (max: number): fc.Arbitrary<HistoryEntry[]> => {
    const name = fc.constantFrom(...NAMES)
    const row = fc.tuple(name, name, name, fc.nat(), fc.nat()).map(([location, peer, reference, rx, tx]) => entry(location, peer, reference, rx, tx))

    return fc.array(row, { maxLength: max })
  }

  function sumOf (entries: HistoryEntry[]): SessionStats {
    return entries.reduce((sum, { totalRxBytes, totalSessions, totalTxBytes }) => ({
      totalSessions: sum.totalSessions + totalSessions,
      totalRxBytes: sum.totalRxBytes + totalRxBytes,
      totalTxBytes: sum.totalTxBytes + totalTxBytes
    }), { totalSessions: 0, totalRxBytes: 0, totalTxBytes: 0 })
  }

  /**
   * The names that are kept: those used last, with all that they had since they came, and
   * the rest as other. Naively.
   */
  function expectedSums (rows: HistoryEntry[], field: 'location' | 'peer' | 'reference', max: number): Map<string, SessionStats> {
    let kept: Array<{ name: string, rows: HistoryEntry[] }> = []
    const others: HistoryEntry[] = []

    for (const row of rows) {
      const name = row[field]

      if (name === 'other') {
        others.push(row)
        continue
      }

      const known = kept.find(sum => sum.name === name)?.rows ?? []

      kept = [...kept.filter(sum => sum.name !== name), { name, rows: [...known, row] }]

      if (kept.length > max) {
        others.push(...(kept.shift()?.rows ?? []))
      }
    }

    return new Map([...(others.length > 0 ? [['other', sumOf(others)] as const] : []), ...kept.map(({ name, rows }) => [name, sumOf(rows)] as const)])
  }

  it('should add up to what was added, for whatever was used last', () => {
    fc.assert(fc.property(rowsOf(60), fc.nat({ max: 12 }), (rows, max) => {
      const history = new History(max)

      rows.forEach(row => { history.add(row) })

      const { evicted, locations, peers, references, ...total } = history.summary()

      expect(total).to.deep.equal(sumOf(rows))

      for (const [sums, field] of [[peers, 'peer'], [locations, 'location'], [references, 'reference']] as const) {
        const expected = expectedSums(rows, field, max)

        expect(Object.keys(sums)).to.have.members([...expected.keys()])
        expected.forEach((stats, name) => { expect(sums[name]).to.include(stats) })
      }

      for (const peer of Object.values(peers)) {
        expect(sumOf(Object.values(peer.locations) as HistoryEntry[])).to.deep.equal({ totalSessions: peer.totalSessions, totalRxBytes: peer.totalRxBytes, totalTxBytes: peer.totalTxBytes })
      }

      expect(history.toRecord().combinations.length).to.be.at.most(max)
    }))
  })

  it('should be the same after it was stored and read, whenever that is', () => {
    fc.assert(fc.property(rowsOf(30), rowsOf(30), fc.nat({ max: 12 }), (before, after, max) => {
      const whole = new History(max)
      const first = new History(max)
      const second = new History(max)

      before.forEach(row => { whole.add(row); first.add(row) })
      after.forEach(row => { whole.add(row); second.add(row) })
      second.addEarlier(first.toRecord())

      const { evicted, ...sums } = second.summary()
      const { evicted: expected, ...expectedSums } = whole.summary()

      // a name that has given way in the meantime may have come back as a new one
      expect(sums).to.include({ totalSessions: expectedSums.totalSessions, totalRxBytes: expectedSums.totalRxBytes, totalTxBytes: expectedSums.totalTxBytes })
      expect(Object.keys(sums.peers)).to.have.members(Object.keys(expectedSums.peers))
      expect(second.toRecord().combinations.map(({ location, peer, reference }) => [location, peer, reference]))
        .to.deep.equal(whole.toRecord().combinations.map(({ location, peer, reference }) => [location, peer, reference]))

      // nothing has happened in between
      const reread = new History(max)

      reread.addEarlier(first.toRecord())
      expect(reread.summary()).to.deep.equal(first.summary())
      expect(reread.toRecord()).to.deep.equal(first.toRecord())
    }))
  })
})
