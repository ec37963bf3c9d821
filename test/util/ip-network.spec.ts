import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IPAddress } from '../../src/util/ip-address.ts'
import { IPNetwork, PRIVATE_NETWORKS, mostSpecificFirst, parseNetwork } from '../../src/util/ip-network.ts'
import { NetworkMap } from '../../src/util/network-map.ts'
import { parseIP } from '../../src/util/parse-ip.ts'
import { ip, ipv4, ipv6 } from '../admission/fixtures.ts'

/**
 * The bits of an address as text
 */
function bits (ip: IPAddress): string {
  const words = ip.version === 4 ? [ip.word0] : [ip.word0, ip.word1, ip.word2, ip.word3]

  return words.map(word => (word >>> 0).toString(2).padStart(32, '0')).join('')
}

const network = fc.oneof(
  fc.tuple(ipv4, fc.nat(32)),
  fc.tuple(ipv6, fc.nat(128))
).map(([ip, prefixLength]) => new IPNetwork(ip, prefixLength))

describe('admission/ip-network', () => {
  it('should contain the addresses that begin with the same bits', () => {
    fc.assert(fc.property(network, fc.oneof(ipv4, ipv6), (network, ip) => {
      const prefix = bits(network.address).slice(0, network.prefixLength)

      expect(network.contains(network.address)).to.equal(true)
      expect(network.contains(ip)).to.equal(ip.version === network.address.version && bits(ip).startsWith(prefix))
    }))
  })

  it('should read what it writes', () => {
    fc.assert(fc.property(network, network => {
      expect(parseNetwork(`${network}`, 'network')).to.deep.equal(network)
    }))
  })

  it('should have one normal form for each network', () => {
    expect(`${parseNetwork('10.1.2.3/8', 'network')}`).to.equal('10.0.0.0/8')
    expect(`${parseNetwork('1.2.3.4', 'network')}`, 'a host').to.equal('1.2.3.4/32')
    expect(`${parseNetwork('::1', 'network')}`, 'a host').to.equal('::1/128')
    expect(`${parseNetwork('2001:DB8:ffff::/32', 'network')}`).to.equal('2001:db8::/32')
    expect(`${parseNetwork('1.2.3.4/0', 'network')}`).to.equal('0.0.0.0/0')
    expect(`${parseNetwork('::/0', 'network')}`).to.equal('::/0')
    expect(`${parseNetwork('::ffff:1.2.3.4/120', 'network')}`, 'IPv4-mapped').to.equal('1.2.3.0/24')
  })

  it('should refuse what is not a network, naming the field and the value', () => {
    const texts = ['', '/', '/8', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8.5', '10.0.0.0/8/8', '10.0.0.0/ 8', '10/8', '::/129', '::ffff:1.2.3.4/95', 'private', 'example.com']

    for (const text of texts) {
      expect(() => parseNetwork(text, 'a.field'), text).to.throw('a.field: expected')
        .with.property('name', 'InvalidParametersError')
      expect(() => parseNetwork(text, 'a.field'), text).to.throw(JSON.stringify(text))
    }

    for (const value of [undefined, null, 10, {}]) {
      expect(() => parseNetwork(value as any, 'a.field')).to.throw('a.field: expected a network')
        .with.property('name', 'InvalidParametersError')
    }
  })

  it('should know private networks, and no address of the internet as one', () => {
    const networks = PRIVATE_NETWORKS.map(text => parseNetwork(text, 'network'))
    const isPrivate = (text: string): boolean => networks.some(network => network.contains(ip(text)))

    for (const text of ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.1.1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1']) {
      expect(isPrivate(text), text).to.equal(true)
    }

    for (const text of ['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '100.64.0.1', '8.8.8.8', '2001:db8::1', 'fec0::1']) {
      expect(isPrivate(text), text).to.equal(false)
    }
  })
})

describe('admission/network-map', () => {
  it('should answer as a list of networks would', () => {
    // few bits, so that networks contain one another and addresses are in them
    const host = fc.nat(15).map(n => new IPAddress(4, n << 28, 0, 0, 0))
    const command = fc.record({ set: fc.boolean(), ip: host, prefixLength: fc.constantFrom(0, 1, 2, 3, 4, 32), value: fc.nat() })

    fc.assert(fc.property(fc.array(command), fc.array(host), (commands, hosts) => {
      const map = new NetworkMap<number>()
      let model: Array<{ network: IPNetwork, prefixLength: number, value: number }> = []

      for (const { set, ip, prefixLength, value } of commands) {
        const network = new IPNetwork(ip, prefixLength)

        model = model.filter(entry => `${entry.network}` !== `${network}`)

        if (set) {
          map.set(network, value)
          model.push({ network, prefixLength, value })
        } else {
          map.delete(network)
        }
      }

      model.sort(mostSpecificFirst)

      for (const host of hosts) {
        const matches = model.filter(({ network }) => network.contains(host))

        expect(map.match(host)).to.equal(matches[0]?.value)
        expect(map.match(host, 3)).to.equal(matches.find(({ prefixLength }) => prefixLength <= 3)?.value)
        expect(map.levels(4).map(level => level.get(host)).filter(value => value != null)).to.deep.equal(matches.map(({ value }) => value))
      }

      for (const { network, value } of model) {
        expect(map.get(network)).to.equal(value)
      }

      expect(map.levels(6)).to.be.empty()
    }))
  })

  it('should keep IPv4 and IPv6 apart', () => {
    const map = new NetworkMap<string>()

    map.set(parseNetwork('0.0.0.0/0', 'network'), 'four')

    expect(map.match(ip('::1'))).to.equal(undefined)
    expect(map.match(parseIP('::ffff:1.2.3.4') as IPAddress)).to.equal('four')
  })
})
