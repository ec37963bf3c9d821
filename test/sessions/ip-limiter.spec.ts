import { expect } from 'aegir/chai'
import { IPLimiter, NullIPLimiter } from '../../src/sessions/ip-limiter.ts'

describe('sessions/ip-limiter', () => {
  it('should allow all addresses without lists', () => {
    for (const limiter of [new IPLimiter(), new IPLimiter({ block: [], allow: [] })]) {
      expect(limiter.isAllowed('1.2.3.4')).to.be.true()
      expect(limiter.isAllowed('2001:db8::1')).to.be.true()
    }
  })

  it('should refuse what is not an address', () => {
    const limiter = new IPLimiter({ allow: ['0.0.0.0/0', '::/0'] })

    for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.4/32', ' 1.2.3.4', '1::2::3', '/ip4/1.2.3.4']) {
      expect(limiter.isAllowed(text), text).to.be.false()
      expect(new IPLimiter().isAllowed(text), text).to.be.false()
    }

    expect(limiter.isAllowed(undefined as any)).to.be.false()
    expect(limiter.isAllowed(null as any)).to.be.false()
    expect(limiter.isAllowed(16_909_060 as any)).to.be.false()
  })

  it('should refuse blocked networks', () => {
    const limiter = new IPLimiter({ block: ['10.0.0.0/8', '192.168.1.1', '2001:db8::/32'] })

    expect(limiter.isAllowed('10.0.0.0')).to.be.false()
    expect(limiter.isAllowed('10.255.255.255')).to.be.false()
    expect(limiter.isAllowed('11.0.0.0')).to.be.true()
    expect(limiter.isAllowed('192.168.1.1')).to.be.false()
    expect(limiter.isAllowed('192.168.1.2')).to.be.true()
    expect(limiter.isAllowed('2001:db8:ffff::1')).to.be.false()
    expect(limiter.isAllowed('2001:db9::')).to.be.true()
  })

  it('should refuse everything that is not in the allow list', () => {
    const limiter = new IPLimiter({ allow: ['10.0.0.0/8', '2001:db8::/32'] })

    expect(limiter.isAllowed('10.1.2.3')).to.be.true()
    expect(limiter.isAllowed('11.1.2.3')).to.be.false()
    expect(limiter.isAllowed('2001:db8::1')).to.be.true()
    expect(limiter.isAllowed('::1')).to.be.false()
  })

  it('should refuse what is both blocked and allowed, whichever is more specific', () => {
    expect(new IPLimiter({ block: ['10.0.0.0/8'], allow: ['10.1.0.0/16'] }).isAllowed('10.1.2.3')).to.be.false()
    expect(new IPLimiter({ block: ['10.1.0.0/16'], allow: ['10.0.0.0/8'] }).isAllowed('10.1.2.3')).to.be.false()
    expect(new IPLimiter({ block: ['10.1.0.0/16'], allow: ['10.0.0.0/8'] }).isAllowed('10.2.2.3')).to.be.true()
    expect(new IPLimiter({ block: ['0.0.0.0/0'], allow: ['10.0.0.0/8'] }).isAllowed('10.2.2.3')).to.be.false()
  })

  it('should not be got around by writing an address in another way', () => {
    const limiter = new IPLimiter({ block: ['1.2.3.0/24', 'fe80::/10'] })

    expect(limiter.isAllowed('::ffff:1.2.3.4')).to.be.false()
    expect(limiter.isAllowed('::ffff:102:304')).to.be.false()
    expect(limiter.isAllowed('FE80:0::1%eth0')).to.be.false()
  })

  it('should refuse lists that it cannot read', () => {
    expect(() => new IPLimiter({ block: ['10.0.0.0/8', '10.0.0.0/33'] }))
      .to.throw('block[1]: expected a prefix length from 0 to 32, got "10.0.0.0/33"')
      .with.property('name', 'InvalidParametersError')
    expect(() => new IPLimiter({ allow: ['example.com'] }))
      .to.throw('allow[0]: expected a network such as "10.0.0.0/8", got "example.com"')
      .with.property('name', 'InvalidParametersError')
    expect(() => new IPLimiter({ block: '10.0.0.0/8' as any }))
      .to.throw('block: expected a list, got "10.0.0.0/8"')
      .with.property('name', 'InvalidParametersError')
    expect(() => new IPLimiter({ allow: {} as any }))
      .to.throw('allow: expected a list')
      .with.property('name', 'InvalidParametersError')
  })

  it('should have one that allows everything', () => {
    const limiter = new NullIPLimiter()

    expect(limiter.isAllowed()).to.be.true()
  })
})
