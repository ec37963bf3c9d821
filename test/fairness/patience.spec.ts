import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Patience } from '../../src/fairness/patience.ts'

describe('patience', () => {
  it('should be as usual while there is room, and least when there is none', () => {
    const patience = new Patience(10_000, 3_000)

    expect([0, 0.3, 0.5].map(fullness => patience.at(fullness))).to.deep.equal([10_000, 10_000, 10_000])
    expect([0.95, 1, 2].map(fullness => patience.at(fullness))).to.deep.equal([3_000, 3_000, 3_000])
  })

  it('should end and come back in a straight line, and not flutter', () => {
    const patience = new Patience(10_000, 3_000)

    // half of the way from 0.4 to 0.95
    expect(patience.at(0.675)).to.equal(6_500)
    expect(patience.at(0.51)).to.equal(8_600)
    expect(patience.at(0.49), 'it is not back yet').to.equal(8_855)
    expect(patience.at(0.4)).to.equal(10_000)
    expect(patience.at(0.49), 'it is back').to.equal(10_000)
  })

  it('should never be more than usual, or less than least', () => {
    fc.assert(fc.property(fc.nat(20_000), fc.nat(20_000), fc.array(fc.double({ min: 0, max: 3, noNaN: true })), (usual, least, fullness) => {
      const patience = new Patience(usual, least)

      fullness.forEach(value => { expect(patience.at(value)).to.be.within(Math.min(usual, least), usual) })
    }))
  })
})
