import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { PositionedList } from '../../src/util/positioned-list.ts'

describe('a positioned list', () => {
  it('should have what was added and has not left, each once', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const list = new PositionedList<{ position: number }>()
      const values = Array.from({ length: 10 }, () => ({ position: -1 }))
      const expected = new Set<{ position: number }>()

      for (const [adds, i] of steps) {
        const value = values[i]

        if (!adds) {
          list.delete(value)
          expected.delete(value)
        } else if (!expected.has(value)) {
          list.add(value)
          expected.add(value)
        }

        expect(list.size).to.equal(expected.size)
        expect([...list]).to.have.members([...expected])
        expect(values.map(({ position }) => position !== -1)).to.deep.equal(values.map(one => expected.has(one)))
        expect([...list].map(({ position }) => position)).to.deep.equal([...list].map((_, position) => position))
      }
    }))
  })
})
