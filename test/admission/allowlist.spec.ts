import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Allowlist } from '../../src/admission/allowlist.ts'
import { ma } from './fixtures.ts'
import type { PeerId } from '@libp2p/interface'

const PEERS = [
  '12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4',
  'QmPjJ3oo1tqeLWNvtg7xdCzHHBpK87kgUPDDYkZzn4Urzq'
].map(text => peerIdFromString(text))

function create (...entries: string[]): Allowlist {
  return new Allowlist({ entries: entries.map(ma) })
}

describe('admission/allowlist', () => {
  it('should trust everybody at an address or in a network', () => {
    const allowlist = create('/ip4/1.2.3.4', '/ip4/10.1.2.3/ipcidr/16', '/ip6/2001:db8::/ipcidr/32', '/ip4/5.5.5.5/tcp/99')

    for (const address of ['/ip4/1.2.3.4', '/ip4/1.2.3.4/tcp/1', '/ip6/::ffff:1.2.3.4/tcp/1', '/ip4/10.1.99.1', '/ip6/2001:db8:ffff::1/udp/1/quic-v1', '/ip4/5.5.5.5/tcp/1']) {
      expect(allowlist.allowed(ma(address)), address).to.equal(true)
      expect(allowlist.allowedPeerAndMultiaddr(PEERS[0], ma(address)), address).to.equal(true)
    }

    for (const address of ['/ip4/1.2.3.5', '/ip4/10.2.0.1', '/ip6/2001:db9::1', '/ip6/::1', '/dns4/example.com', '/memory/1', `/p2p/${PEERS[0]}/ip4/1.2.3.4`]) {
      expect(allowlist.allowed(ma(address)), address).to.equal(false)
      expect(allowlist.allowedPeerAndMultiaddr(PEERS[0], ma(address)), address).to.equal(false)
    }
  })

  it('should trust nobody who is behind a relay at a trusted address', () => {
    const address = ma(`/ip4/1.2.3.4/tcp/1/p2p/${PEERS[0]}/p2p-circuit`)

    expect(create('/ip4/1.2.3.4').allowed(address)).to.equal(false)
    expect(create('/ip4/1.2.3.4').allowedPeerAndMultiaddr(PEERS[1], address)).to.equal(false)
  })

  it('should trust one peer in a network, and in no other', () => {
    const allowlist = create(`/ip4/1.2.3.0/ipcidr/24/p2p/${PEERS[0]}`, '/ip4/5.5.0.0/ipcidr/16')

    expect(allowlist.allowed(ma('/ip4/1.2.3.4')), 'the peer is not known yet').to.equal(true)
    expect(allowlist.allowedPeerAndMultiaddr(PEERS[0], ma('/ip4/1.2.3.4'))).to.equal(true)
    expect(allowlist.allowedPeerAndMultiaddr(PEERS[1], ma('/ip4/1.2.3.4'))).to.equal(false)
    expect(allowlist.allowedPeerAndMultiaddr(PEERS[0], ma('/ip4/1.2.4.4'))).to.equal(false)
    allowlist.add(ma('/ip4/1.2.0.0/ipcidr/16'))
    expect(allowlist.allowedPeerAndMultiaddr(PEERS[1], ma('/ip4/1.2.3.4')), 'in a wider network').to.equal(true)
  })

  it('should know a peer by every way to write its id', () => {
    const allowlist = create(`/ip4/1.2.3.4/p2p/${PEERS[0].toCID()}`)

    expect(allowlist.allowedPeerAndMultiaddr(PEERS[0], ma('/ip4/1.2.3.4'))).to.equal(true)
    expect(allowlist.remove(ma(`/ip4/1.2.3.4/p2p/${PEERS[0]}`))).to.equal(true)
  })

  it('should trust no longer what was removed as often as it was added', () => {
    const allowlist = create('/ip4/1.2.3.4', '/ip4/1.2.3.4/ipcidr/32/tcp/1')

    expect(allowlist.remove(ma('/ip4/1.2.3.4'))).to.equal(true)
    expect(allowlist.allowed(ma('/ip4/1.2.3.4'))).to.equal(true)
    expect(allowlist.remove(ma('/ip4/1.2.3.4'))).to.equal(true)
    expect(allowlist.allowed(ma('/ip4/1.2.3.4'))).to.equal(false)
    expect(allowlist.remove(ma('/ip4/1.2.3.4'))).to.equal(false)
    expect(allowlist.entries()).to.be.empty()
  })

  it('should remove an entry with a peer only when the peer is named', () => {
    const allowlist = create(`/ip4/1.2.3.4/p2p/${PEERS[0]}`)

    expect(allowlist.remove(ma('/ip4/1.2.3.4'))).to.equal(false)
    expect(allowlist.remove(ma(`/ip4/1.2.3.4/p2p/${PEERS[1]}`))).to.equal(false)
    expect(allowlist.allowed(ma('/ip4/1.2.3.4'))).to.equal(true)
    expect(allowlist.remove(ma(`/ip4/1.2.3.4/p2p/${PEERS[0]}`))).to.equal(true)
    expect(allowlist.allowed(ma('/ip4/1.2.3.4'))).to.equal(false)
  })

  it('should list its entries as they were added, each once', () => {
    const entries = ['/ip4/1.2.3.4/tcp/1', `/ip4/1.2.3.4/p2p/${PEERS[0]}`, '/ip6/2001:db8::/ipcidr/32']

    expect(create(...entries, '/ip4/1.2.3.4').entries().map(entry => `${entry}`)).to.deep.equal(entries)
  })

  it('should say which networks everybody is trusted in, and when they change', () => {
    let changes = 0
    const allowlist = new Allowlist({
      entries: [ma('/ip4/1.2.3.4')],
      onNetworksChange: () => { changes++ }
    })
    const networks = (): string[] => allowlist.networks().map(network => `${network}`)

    expect(networks()).to.deep.equal(['1.2.3.4/32'])
    allowlist.add(ma(`/ip4/5.5.5.5/p2p/${PEERS[0]}`))
    allowlist.add(ma('/ip4/1.2.3.4'))
    expect(changes, 'they are the same').to.equal(0)
    allowlist.add(ma('/ip4/5.5.5.5'))
    expect(changes).to.equal(1)
    expect(networks()).to.deep.equal(['1.2.3.4/32', '5.5.5.5/32'])
    allowlist.remove(ma('/ip4/1.2.3.4'))
    allowlist.remove(ma(`/ip4/5.5.5.5/p2p/${PEERS[0]}`))
    expect(changes, 'they are the same').to.equal(1)
    allowlist.remove(ma('/ip4/1.2.3.4'))
    expect(changes).to.equal(2)
    expect(networks()).to.deep.equal(['5.5.5.5/32'])
  })

  it('should answer as a list of entries would', () => {
    const host = fc.nat(7)
    const entry = fc.record({ host, prefixLength: fc.constantFrom(29, 30, 31, 32), peer: fc.option(fc.nat(1)), add: fc.boolean() })

    fc.assert(fc.property(fc.array(entry), commands => {
      const allowlist = new Allowlist()
      const model: Array<{ network: number, prefixLength: number, peer: number | null }> = []

      for (const { host, prefixLength, peer, add } of commands) {
        const network = host >> (32 - prefixLength)
        const address = ma(`/ip4/0.0.0.${host}/ipcidr/${prefixLength}${peer == null ? '' : `/p2p/${PEERS[peer]}`}`)
        const index = model.findIndex(other => other.network === network && other.prefixLength === prefixLength && other.peer === peer)

        if (add) {
          allowlist.add(address)
          model.push({ network, prefixLength, peer })
        } else {
          expect(allowlist.remove(address)).to.equal(index !== -1)
          model.splice(index, index === -1 ? 0 : 1)
        }
      }

      for (let host = 0; host < 8; host++) {
        const matches = model.filter(({ network, prefixLength }) => network === host >> (32 - prefixLength))
        const address = ma(`/ip4/0.0.0.${host}/tcp/1`)

        expect(allowlist.allowed(address)).to.equal(matches.length > 0)

        for (const [i, peer] of PEERS.entries()) {
          expect(allowlist.allowedPeerAndMultiaddr(peer, address)).to.equal(matches.some(({ peer }) => peer == null || peer === i))
        }
      }

      expect(allowlist.entries()).to.have.lengthOf(new Set(model.map(entry => JSON.stringify(entry))).size)
    }))
  })

  it('should read addresses that are text', () => {
    const allowlist = new Allowlist({ entries: ['/ip4/1.2.3.0/ipcidr/24', ma('/ip4/5.5.5.5')] })

    allowlist.add(`/ip6/2001:db8::1/p2p/${PEERS[0]}`)

    expect(allowlist.allowed('/ip4/1.2.3.4/tcp/1')).to.equal(true)
    expect(allowlist.allowedPeerAndMultiaddr(PEERS[1], '/ip4/1.2.3.4')).to.equal(true)
    expect(allowlist.allowedPeerAndMultiaddr(PEERS[1], '/ip6/2001:db8::1')).to.equal(false)
    expect(allowlist.entries().every(entry => isMultiaddr(entry))).to.equal(true)
    expect(allowlist.remove('/ip4/5.5.5.5')).to.equal(true)
    expect(allowlist.remove('/ip4/5.5.5.5')).to.equal(false)
    expect(allowlist.allowed(ma('/ip4/5.5.5.5'))).to.equal(false)
    expect(new Allowlist().allowed('/ip4/5.5.5.5')).to.equal(false)
  })

  it('should refuse what is not an entry, and change nothing', () => {
    const allowlist = create('/ip4/1.2.3.4')
    const entries = [
      '/', '/dns4/example.com/tcp/1', '/dnsaddr/example.com', '/memory/1', `/p2p/${PEERS[0]}/ip4/1.2.3.4`, '/p2p/Qmxyz',
      '/ip4/1.2.3.4/ipcidr/33', '/ip6/::1/ipcidr/129', '/ip6/::ffff:1.2.3.4/ipcidr/95',
      `/ip4/1.2.3.4/tcp/1/p2p/${PEERS[0]}/p2p-circuit`, '/ip4/1.2.3.4/p2p/Qmxyz'
    ]

    for (const entry of entries) {
      for (const method of ['add', 'remove'] as const) {
        expect(() => allowlist[method](ma(entry)), entry).to.throw('allowlist: expected')
          .with.property('name', 'InvalidParametersError')
      }
    }

    for (const entry of [undefined, null, '1.2.3.4', '/ip4/1.2.3', '', {}]) {
      expect(() => { allowlist.add(entry as any) }).to.throw('allowlist: expected a multiaddr')
        .with.property('name', 'InvalidParametersError')
      expect(() => allowlist.allowed(entry as any)).to.throw('address: expected a multiaddr')
        .with.property('name', 'InvalidParametersError')
    }

    expect(allowlist.entries().map(entry => `${entry}`)).to.deep.equal(['/ip4/1.2.3.4'])
  })

  describe('peers that are trusted wherever they are', () => {
    const ANYWHERE = ['/ip4/1.2.3.4/tcp/1', '/ip6/::1', '/memory/1', `/ip4/1.2.3.4/tcp/1/p2p/${PEERS[1]}/p2p-circuit`]

    function trusts (allowlist: Allowlist, peer = PEERS[0]): boolean {
      const answers = ANYWHERE.map(address => allowlist.allowedPeerAndMultiaddr(peer, ma(address)))

      expect(new Set([...answers, allowlist.allowedPeer(peer)])).to.have.lengthOf(1)
      // who is there is not known by the address
      expect(ANYWHERE.some(address => allowlist.allowed(ma(address)))).to.equal(false)

      return answers[0]
    }

    it('should be named by their id, or by an address that has to be looked up', () => {
      for (const entry of [`/p2p/${PEERS[0]}`, `/p2p/${PEERS[0].toCID()}`, `/dnsaddr/bootstrap.libp2p.io/p2p/${PEERS[0]}`, `/dns4/example.com/tcp/443/wss/p2p/${PEERS[0]}`, `/ip4/1.2.3.4/tcp/1/p2p/${PEERS[1]}/p2p-circuit/p2p/${PEERS[0]}`]) {
        const allowlist = create()

        expect(allowlist.namesPeers, entry).to.equal(false)
        allowlist.add(entry)
        expect(allowlist.namesPeers, entry).to.equal(true)
        expect(trusts(allowlist), entry).to.equal(true)
        expect(trusts(allowlist, PEERS[1]), entry).to.equal(false)
        expect(allowlist.networks()).to.deep.equal([])
        expect(allowlist.entries().map(String)).to.deep.equal([entry])
        expect(allowlist.remove(`/p2p/${PEERS[0]}`)).to.equal(true)
        expect(allowlist.remove(`/p2p/${PEERS[0]}`)).to.equal(false)
        expect(trusts(allowlist), entry).to.equal(false)
        expect(allowlist.entries()).to.deep.equal([])
      }
    })

    it('should be trusted at one address only where that is an IP address', () => {
      const allowlist = create(`/ip4/5.5.5.5/p2p/${PEERS[0]}`)

      expect(allowlist.allowedPeer(PEERS[0])).to.equal(false)
      expect(allowlist.namesPeers).to.equal(false)
      expect(trusts(allowlist)).to.equal(false)
    })

    it('should be removed as often as they were added, and apart from their address', () => {
      const allowlist = create(`/p2p/${PEERS[0]}`, `/dnsaddr/example.com/p2p/${PEERS[0]}`, `/ip4/1.2.3.4/p2p/${PEERS[0]}`)

      expect(allowlist.remove(`/p2p/${PEERS[0]}`)).to.equal(true)
      expect(allowlist.allowedPeer(PEERS[0])).to.equal(true)
      expect(allowlist.remove(`/p2p/${PEERS[0]}`)).to.equal(true)
      expect(allowlist.allowedPeer(PEERS[0])).to.equal(false)
      expect(allowlist.allowedPeerAndMultiaddr(PEERS[0], '/ip4/1.2.3.4')).to.equal(true)
    })

    it('should be those that a predicate says', () => {
      const allowlist = new Allowlist()
      const predicate = (peer: PeerId): boolean => peer.equals(PEERS[0])

      allowlist.add(predicate)
      expect(trusts(allowlist)).to.equal(true)
      expect(trusts(allowlist, PEERS[1])).to.equal(false)
      expect(allowlist.entries()).to.deep.equal([predicate])
      expect(allowlist.remove(() => true)).to.equal(false)
      expect(allowlist.remove(predicate)).to.equal(true)
      expect(trusts(allowlist)).to.equal(false)
    })

    it('should not be trusted because a predicate fails, or answers something else', () => {
      const warnings: string[] = []
      const allowlist = new Allowlist({ warn: message => { warnings.push(message) } })

      for (const predicate of [() => { throw new Error('out of order') }, async () => true, () => 1, () => undefined]) {
        allowlist.add(predicate as any)
        expect(trusts(allowlist)).to.equal(false)
        allowlist.remove(predicate as any)
      }

      expect(warnings[0]).to.equal('allowlist: a predicate has failed - Error: out of order')
      expect(warnings).to.include('allowlist: a predicate must answer true or false, and not with a promise')
    })

    it('should be those with a tag, where tags are known', () => {
      const allowlist = new Allowlist({ entries: [{ tag: 'friend' }] })

      expect(allowlist.namesPeers).to.equal(true)
      expect(trusts(allowlist)).to.equal(false)
      allowlist.useTags({ has: (peer, tag) => peer.equals(PEERS[0]) && tag === 'friend' })
      expect(trusts(allowlist)).to.equal(true)
      expect(trusts(allowlist, PEERS[1])).to.equal(false)
      expect(allowlist.entries()).to.deep.equal([{ tag: 'friend' }])
      expect([...allowlist.tags]).to.deep.equal(['friend'])
      expect(allowlist.remove({ tag: 'friend' })).to.equal(true)
      expect(trusts(allowlist)).to.equal(false)
    })

    it('should refuse a tag that is none by name', () => {
      const allowlist = new Allowlist()

      for (const [entry, message] of [
        [{ tag: '' }, 'allowlist: tag: expected the name of a tag, got ""'],
        [{ tag: 1 }, 'allowlist: tag: expected the name of a tag, got 1'],
        [{ tag: 'a', value: 1 }, 'allowlist: tag a: expected nothing else, got "value"']
      ] as const) {
        expect(() => { allowlist.add(entry as any) }).to.throw(message).with.property('name', 'InvalidParametersError')
      }

      expect(allowlist.namesPeers).to.equal(false)
    })

    it('should be found at the end of what is dialled', () => {
      const allowlist = create(`/p2p/${PEERS[0]}`)

      expect(allowlist.allowedDial(ma(`/ip4/1.2.3.4/tcp/1/p2p/${PEERS[0]}`))).to.equal(true)
      expect(allowlist.allowedDial(ma(`/ip4/1.2.3.4/tcp/1/p2p/${PEERS[1]}`))).to.equal(false)
      expect(allowlist.allowedDial(ma(`/ip4/1.2.3.4/tcp/1/p2p/${PEERS[0]}/p2p-circuit`))).to.equal(false)
      expect(allowlist.allowedDial(ma('/ip4/1.2.3.4/tcp/1'))).to.equal(false)
    })
  })
})
