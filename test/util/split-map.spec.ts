import { expect } from 'aegir/chai'
import { SplitMap } from '../../src/util/split-map.ts'

const MANY = 5_000

function name (index: number): string {
  return `12D3KooW${(index * 7_919).toString(36)}`
}

/**
 * Everything that can be seen of a map, in no order
 */
function contents (map: { size: number, values(): Iterable<number> } & Iterable<[string, number]>): unknown[] {
  return [map.size, [...map].sort(([a], [b]) => a < b ? -1 : 1), [...map.values()].sort((a, b) => a - b)]
}

describe('a map in parts', () => {
  it('should have what a map has, while it grows and when it has become empty again', () => {
    const split = new SplitMap<number>()
    const whole = new Map<string, number>()

    for (let i = 0; i < MANY; i++) {
      split.set(name(i), i)
      whole.set(name(i), i)

      // some are replaced and some are deleted on the way
      if (i % 3 === 0) {
        split.set(name(i >> 1), -i)
        whole.set(name(i >> 1), -i)
      }

      if (i % 7 === 0) {
        expect(split.delete(name(i >> 2))).to.equal(whole.delete(name(i >> 2)))
      }

      expect(split.size).to.equal(whole.size)
    }

    expect(contents(split)).to.deep.equal(contents(whole))
    expect(split.get('12D3KooW')).to.equal(undefined)

    for (let i = 0; i < MANY; i++) {
      expect(split.get(name(i))).to.equal(whole.get(name(i)))
      expect(split.delete(name(i))).to.equal(whole.delete(name(i)))
    }

    expect(contents(split)).to.deep.equal([0, [], []])
  })

  it('should list a few names in the order in which they were added', () => {
    const map = new SplitMap<number>()
    const names = Array.from({ length: 1_000 }, (_, i) => name(i))

    names.forEach((name, i) => { map.set(name, i) })

    expect(Array.from(map, ([name]) => name)).to.deep.equal(names)
  })

  it('should lose nothing when somebody chooses names that are all in one part, or are very short', () => {
    const map = new SplitMap<number>()

    for (let i = 0; i < MANY; i++) {
      map.set(`${i}-same`, i)
    }

    map.set('', -1)
    map.set('s', -2)

    expect([map.size, map.get(''), map.get('s'), map.get('17-same')]).to.deep.equal([MANY + 2, -1, -2, 17])
  })
})
