import { expect } from 'aegir/chai'
import { Admission } from '../../src/admission/admission.ts'
import { TestClock, ma } from './fixtures.ts'

/**
 * How many connections may begin now without being verified
 */
function unverified (admission: Admission, address: string, max = 50): number {
  for (let count = 0; count < max; count++) {
    if (admission.verifySourceAddress(address)) {
      return count
    }
  }

  return max
}

describe('admission/source-verification', () => {
  it('should let half of the connections of a subnet begin unverified, and another every 10 seconds', () => {
    const clock = new TestClock()
    const admission = new Admission({ allowlistedConns: 12, now: clock.now })

    expect(unverified(admission, '1.2.3.4:4001')).to.equal(4)
    expect(unverified(admission, '1.2.3.4:4002'), 'another port').to.equal(0)
    expect(unverified(admission, '[::ffff:1.2.3.4]:1'), 'the same address').to.equal(0)
    expect(unverified(admission, '1.2.3.5')).to.equal(4)
    clock.ms += 9_999
    expect(unverified(admission, '1.2.3.4:4001')).to.equal(0)
    clock.ms += 1
    expect(unverified(admission, '1.2.3.4:4001')).to.equal(1)
    clock.passSeconds(1_000)
    expect(unverified(admission, '1.2.3.4:4001')).to.equal(4)
  })

  it('should apply all limits of IPv6 subnets', () => {
    const admission = new Admission({ allowlistedConns: 12, now: new TestClock().now })
    let count = 0

    for (let i = 1; i < 20; i++) {
      count += unverified(admission, `[2001:db8:0:${i}00::1]:4001`)
    }

    expect(count, 'half of 64').to.equal(32)
    expect(unverified(admission, '[2001:db8:1::1]:4001'), 'half of 8').to.equal(4)
  })

  it('should always verify where one connection is allowed, and what is not an IP address', () => {
    const admission = new Admission({ allowlistedConns: 12, subnetLimits: { prefixes: [{ network: '10.0.0.0/8', connCount: 1 }] } })

    for (const address of ['10.1.1.1', '', 'example.com:1', ma('/dns4/example.com/tcp/1'), ma('/memory/1')]) {
      expect(admission.verifySourceAddress(address)).to.equal(true)
    }
  })

  it('should never verify where connections are unlimited', () => {
    const admission = new Admission({ allowlistedConns: 12 })

    expect(unverified(admission, '127.0.0.1:1')).to.equal(50)
    expect(unverified(admission, '::1')).to.equal(50)
  })

  it('should follow limits of networks that change', () => {
    const admission = new Admission({ allowlistedConns: 12, allowlist: [ma('/ip4/1.2.3.4')], now: new TestClock().now })

    expect(unverified(admission, '1.2.3.4')).to.equal(6)
    admission.allowlist.add(ma('/ip4/1.2.3.5'))
    expect(unverified(admission, '1.2.3.5')).to.equal(6)
    admission.settings.addPrefixLimit({ network: '1.2.3.5', connCount: 20 })
    expect(unverified(admission, '1.2.3.5')).to.equal(10)
  })

  it('should never throw, whatever the address', () => {
    const admission = new Admission({ allowlistedConns: 12 })

    for (const address of ['[', ']', ':', '%', '[]', '1.2.3.4:999999', '\u0000', '[::1%]:1']) {
      admission.verifySourceAddress(address)
    }
  })
})
