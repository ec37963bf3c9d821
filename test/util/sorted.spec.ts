import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { atOnce, inSlices } from '../../src/util/slices.ts'
import { sorted } from '../../src/util/sorted.ts'

const compare = (a: [number, number], b: [number, number]): number => a[0] - b[0]

describe('sorting in slices', () => {
  it('should be what sorting in one piece is, with equal ones in their order', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(2_000), fc.integer({ min: 1, max: 50 }), async (length, different) => {
      const values = Array.from({ length }, (_, i): [number, number] => [(i * 7_919) % different, i])
      const expected = [...values].sort(compare)

      expect(atOnce(slice => sorted([...values], compare, slice))).to.deep.equal(expected)
      expect(await inSlices(slice => sorted([...values], compare, slice))).to.deep.equal(expected)
    }), { numRuns: 20 })
  })

  it('should be nothing where there is nothing', async () => {
    expect(await inSlices(slice => sorted([], compare, slice))).to.deep.equal([])
  })
})
