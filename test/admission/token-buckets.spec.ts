import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { NamedBuckets } from '../../src/admission/token-buckets.ts'
import { TokenRate } from '../../src/admission/token-rate.ts'

function take (buckets: NamedBuckets, name: string, now: number): boolean {
  const has = buckets.check(name, now)

  if (has) {
    buckets.commit(name, now)
  }

  return has
}

describe('admission/token-buckets', () => {
  it('should keep buckets that are not full, and no others', () => {
    fc.assert(fc.property(fc.array(fc.record({ wait: fc.nat(2), name: fc.nat(20) }), { maxLength: 200 }), events => {
      const buckets = new NamedBuckets(new TokenRate(1, 3), 100)
      const taken: Array<{ name: string, fullAt: number }> = []
      let now = 0

      for (const event of events) {
        now += event.wait * 1_000

        const name = `${event.name}`
        const previous = taken.find(bucket => bucket.name === name) ?? { name, fullAt: 0 }
        const fullAt = Math.max(previous.fullAt, now) + 1_000

        expect(take(buckets, name, now)).to.equal(fullAt - now <= 3_000)

        if (fullAt - now <= 3_000) {
          taken.splice(0, taken.length, ...taken.filter(bucket => bucket.name !== name), { name, fullAt })
        }
      }

      buckets.restart()
      buckets.sweep(now, 1_000)
      expect(buckets.size).to.equal(taken.filter(({ fullAt }) => fullAt > now).length)
    }))
  })

  it('should share one bucket when there are too many names, until there is room', () => {
    const buckets = new NamedBuckets(new TokenRate(1, 2), 3)

    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      expect(take(buckets, name, 0), name).to.equal(true)
    }

    expect(take(buckets, 'f', 0), 'shared by d and e').to.equal(false)
    expect(take(buckets, 'a', 0), 'its own').to.equal(true)
    expect(take(buckets, 'a', 0)).to.equal(false)
    expect(buckets.size).to.equal(3)
    expect(take(buckets, 'f', 1_000), 'b and c are forgotten').to.equal(true)
    expect(take(buckets, 'f', 1_000), 'its own').to.equal(true)
    expect(take(buckets, 'f', 1_000)).to.equal(false)
  })

  it('should not grow with names that have passed', () => {
    const buckets = new NamedBuckets(new TokenRate(1, 1), 1_000_000)
    let most = 0

    for (let i = 0; i < 100_000; i++) {
      // a hundred of them are not full
      take(buckets, `${i}`, i * 10)
      most = Math.max(most, buckets.size)
    }

    expect(most).to.be.below(210)
  })
})
