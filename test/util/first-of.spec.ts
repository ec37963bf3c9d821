import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { firstOf } from '../../src/util/first-of.ts'
import { atOnce, inSlices } from '../../src/util/slices.ts'

const compare = (a: [number, number], b: [number, number]): number => a[0] - b[0]

describe('the first of many', () => {
  it('should be those that sorting puts first, with equal ones in their order', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 500 }), fc.nat(40), async (numbers, count) => {
      const values = numbers.map((value, i): [number, number] => [value, i])
      const expected = [...values].sort(compare).slice(0, count)

      expect(atOnce(slice => firstOf(values, count, compare, slice))).to.deep.equal(expected)
      expect(await inSlices(slice => firstOf(values, count, compare, slice))).to.deep.equal(expected)
    }), { numRuns: 50 })
  })
})
