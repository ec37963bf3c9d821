import { expect } from 'aegir/chai'
import { TokenRate } from '../../src/admission/token-rate.ts'
import { TokenLease } from '../../src/fleet/token-lease.ts'

describe('fleet/token-lease', () => {
  it('should not forget who was refused because a token was put back after it was asked for more', () => {
    const lease = new TokenLease({ name: 'subnet:a', rate: new TokenRate(1, 8), isAhead: false, allowance: 0 })

    lease.refused(0)
    expect(lease.answered(lease.request(1, 0, 1), 4, 4, 1_000, 0)).to.equal(false)
    lease.commit(1)

    const request = lease.request(2, 1, 1)

    lease.giveBack(2)
    lease.refused(3)
    expect(lease.answered(request, 0, 0, 1_000, 4)).to.equal(false)
  })
})
