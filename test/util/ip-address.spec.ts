import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IPAddress } from '../../src/util/ip-address.ts'
import { ipFromAddress, ipFromMultiaddr } from '../../src/util/ip-from-address.ts'
import { parseIP } from '../../src/util/parse-ip.ts'

const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })

/**
 * One way to write an IPv6 address: with all its groups, without those from `start`
 * to `end` if they are zeros, or with its end as an IPv4 address
 */
function write (groups: number[], start: number, end: number, dotted: boolean, upperCase: boolean): string {
  const text = groups.map(group => group.toString(16))

  if (dotted) {
    text.splice(6, 2, [groups[6] >> 8, groups[6] & 0xff, groups[7] >> 8, groups[7] & 0xff].join('.'))
  }

  const gap = groups.slice(start, end)
  const canOmit = gap.length > 0 && gap.every(group => group === 0) && (!dotted || end <= 6)
  const address = canOmit
    ? `${text.slice(0, start).join(':')}::${text.slice(end).join(':')}`
    : text.join(':')

  return upperCase ? address.toUpperCase() : address
}

describe('admission/ip-address', () => {
  it('should read every way to write an IPv6 address as the same address', () => {
    fc.assert(fc.property(groups, fc.nat(8), fc.nat(8), fc.boolean(), fc.boolean(), (groups, start, end, dotted, upperCase) => {
      const ip = parseIP(write(groups, start, end, dotted, upperCase))
      const words = [0, 2, 4, 6].map(i => groups[i] << 16 | groups[i + 1])
      const isMapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff

      expect(ip).to.deep.equal(isMapped ? new IPAddress(4, words[3], 0, 0, 0) : new IPAddress(6, words[0], words[1], words[2], words[3]))
      expect(parseIP(`${ip}`)).to.deep.equal(ip)
    }))
  })

  it('should read every IPv4 address, and only as what it writes', () => {
    fc.assert(fc.property(fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }), octets => {
      expect(`${parseIP(octets.join('.'))}`).to.equal(octets.join('.'))
    }))
  })

  it('should write addresses as RFC 5952 recommends', () => {
    expect(`${parseIP('2001:0DB8:0:0:0:0:0:1')}`).to.equal('2001:db8::1')
    expect(`${parseIP('2001:db8:0:1:1:1:1:1')}`, 'a single group of zeros').to.equal('2001:db8:0:1:1:1:1:1')
    expect(`${parseIP('2001:0:0:1:0:0:0:1')}`, 'the longest run').to.equal('2001:0:0:1::1')
    expect(`${parseIP('2001:db8:0:0:1:0:0:1')}`, 'the first of two equal runs').to.equal('2001:db8::1:0:0:1')
    expect(`${parseIP('0:0:0:0:0:0:0:0')}`).to.equal('::')
    expect(`${parseIP('1::')}`).to.equal('1::')
  })

  it('should read an IPv4-mapped IPv6 address as the IPv4 address', () => {
    const ip = parseIP('1.2.3.4')

    for (const text of ['::ffff:1.2.3.4', '::ffff:102:304', '::FFFF:0102:0304', '0:0:0:0:0:ffff:1.2.3.4']) {
      expect(parseIP(text), text).to.deep.equal(ip)
    }
  })

  it('should ignore the zone of an address', () => {
    expect(parseIP('fe80::1%eth0')).to.deep.equal(parseIP('fe80::1'))
  })

  it('should refuse what is not an address', () => {
    const texts = [
      '', '.', '1', '1.2.3', '1.2.3.4.5', '1.2.3.', '.1.2.3', '1..2.3', '256.1.1.1', '1.2.3.999', '1.2.3.a', '1.2.3.4 ', '-1.2.3.4',
      '01.2.3.4', '1.2.3.04', '1.2.3.00',
      ':', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:', ':1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8:', '12345::', '1::2::3', 'g::',
      '::1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8::', '1:2:3:4:5:6:7:1.2.3.4', '::1.2.3', '::1.2.3.4:5', '::256.1.1.1', '1:2:3:4:1.2.3.4', '[::1]', '%eth0', '1::00001'
    ]

    for (const text of texts) {
      expect(parseIP(text), text).to.equal(undefined)
    }
  })

  it('should never throw, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%[]/ x') }), text => {
      parseIP(text)
      ipFromAddress(text)
    }))
  })
})

describe('admission/ip-from-address', () => {
  it('should find the IP address in the multiaddr of a socket', () => {
    const addresses: Record<string, string> = {
      '/ip4/1.2.3.4': '1.2.3.4',
      '/ip4/1.2.3.4/tcp/4001': '1.2.3.4',
      '/ip4/1.2.3.4/tcp/443/tls/ws/p2p/12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4': '1.2.3.4',
      '/ip4/1.2.3.4/udp/1/webrtc-direct': '1.2.3.4',
      '/ip6/2001:db8::1/udp/1/quic-v1': '2001:db8::1',
      '/ip6/::ffff:1.2.3.4/tcp/1': '1.2.3.4',
      '/ip6zone/eth0/ip6/fe80::1/tcp/1': 'fe80::1'
    }

    for (const [address, ip] of Object.entries(addresses)) {
      expect(`${ipFromMultiaddr(multiaddr(address))}`, address).to.equal(ip)
      expect(`${ipFromMultiaddr(multiaddr(multiaddr(address).bytes))}`, `${address} from bytes`).to.equal(ip)
    }
  })

  it('should find none in addresses that have none, or the one of a relay', () => {
    const addresses = [
      '/',
      '/dns4/example.com/tcp/1',
      '/dnsaddr/example.com',
      '/memory/1',
      '/unix/%2Ftmp%2Fsocket',
      '/p2p/12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4/ip4/1.2.3.4',
      '/ip4/1.2.3.4/tcp/1/p2p/12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4/p2p-circuit',
      '/ip6zone/eth0/ip6/fe80::1/tcp/1/p2p-circuit',
      '/p2p-circuit/ip4/1.2.3.4',
      '/ip6zone/eth0'
    ]

    for (const address of addresses) {
      expect(ipFromMultiaddr(multiaddr(address)), address).to.equal(undefined)
    }
  })

  it('should find the IP address in what transports call an address', () => {
    const addresses: Record<string, string> = {
      '1.2.3.4': '1.2.3.4',
      '1.2.3.4:4001': '1.2.3.4',
      '2001:db8::1': '2001:db8::1',
      '[2001:db8::1]': '2001:db8::1',
      '[2001:db8::1]:4001': '2001:db8::1',
      '[::ffff:1.2.3.4]:4001': '1.2.3.4',
      '[fe80::1%eth0]:4001': 'fe80::1'
    }

    for (const [address, ip] of Object.entries(addresses)) {
      expect(`${ipFromAddress(address)}`, address).to.equal(ip)
    }

    expect(`${ipFromAddress(multiaddr('/ip4/1.2.3.4/udp/1'))}`).to.equal('1.2.3.4')

    for (const address of ['', 'example.com', 'example.com:1', '1.2.3.4:', '1.2.3.4:x', '[1.2.3.4]:1', '[::1]x', '[::1]:', '[]:1']) {
      expect(ipFromAddress(address), address).to.equal(undefined)
    }
  })
})
