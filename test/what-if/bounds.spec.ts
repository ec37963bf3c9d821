/**
 * What is protected: what is summed up of a trace stays bounded and right, whatever names are in it, and
 * a peak that is far above what is usual is marked
 */

import { expect } from 'aegir/chai'
import { RefusalSummary } from '../../src/what-if/replayed-refusals.ts'
import { suggestLimits } from '../../src/what-if/suggest.ts'
import type { Used } from '../../src/what-if/suggest.ts'

describe('refusals of a replay', () => {
  it('should be told apart by scope up to 1,024, and from there on by kind, with all of them counted', () => {
    const summary = new RefusalSummary()

    for (let i = 0; i < 3_000; i++) {
      // twice each
      summary.add({ kind: 'protocol', scope: `protocol:/p/${i % 1_500}`, resource: 'stream', direction: 'inbound', limit: 5 }, i)
    }

    const rows = summary.list()

    expect(summary.count).to.equal(3_000)
    expect(rows).to.have.lengthOf(1_025)
    expect(rows.reduce((sum, { count }) => sum + count, 0)).to.equal(3_000)
    expect(rows[0]).to.include({ scope: 'protocol', kind: 'protocol', count: 2 * (1_500 - 1_024), first: 1_024, last: 2_999 })
    expect(rows.slice(1).every(({ count }) => count === 2)).to.be.true()
  })

  it('should be one row for all peers', () => {
    const summary = new RefusalSummary()

    for (let i = 0; i < 5_000; i++) {
      summary.add({ kind: 'peer', scope: `peer:${i}`, resource: 'connection', direction: 'inbound', limit: 8, settingPath: ['limits', 'peerDefault', 'connsInbound'] }, i)
    }

    expect(summary.list()).to.deep.equal([{ kind: 'peer', scope: 'peer:0', resource: 'connection', direction: 'inbound', count: 5_000, limit: 8, setting: 'PeerDefault.ConnsInbound', first: 0, last: 4_999 }])
  })
})

describe('limits that are suggested', () => {
  const MiB = 2 ** 20

  function suggested (use: Partial<Used>): any {
    return suggestLimits([{ kind: 'peer', scope: 'peer:a', field: 'memory', peak: 64 * MiB, ...use }]).suggestions[0]
  }

  it('should mark memory that is far above what is usual, and nothing else', () => {
    // more than eight times what 99% hold
    expect(suggested({ p99: 8 * MiB - 1 })).to.include({ outlier: true, limit: 96 * MiB, setting: 'PeerDefault.Memory' })
    expect(suggested({ p99: 8 * MiB })).to.not.have.property('outlier')

    // where nobody knows, or nobody holds anything usually
    expect(suggested({})).to.not.have.property('outlier')
    expect(suggested({ p99: 0 })).to.not.have.property('outlier')

    // or so little that it is allowed anyway: 4 MiB of a peer
    expect(suggested({ peak: 2 * MiB, p99: 1_000 })).to.include({ limit: 4 * MiB }).and.not.have.property('outlier')
    expect(suggested({ peak: 3 * MiB, p99: 1_000 })).to.include({ outlier: true, limit: 5 * MiB })
  })
})
