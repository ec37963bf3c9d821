import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { sessionLocation } from '../../src/libp2p/sessions/session-location.ts'

const PEER = '12D3KooWPgcLZHUG9u6nwYCqVmNudJEVASGSVfPgnXvTjYQ2Lpyh'
const RELAY = '12D3KooWQzr9CzjeXUHdVjTWyqJ2UpPM7t3nBGuzwxjP4gqYtdpc'

// the address, where one is that connects from it, and where one is that was dialled there
const LOCATIONS: Array<[address: string, inbound: string, outbound: string]> = [
  ['/ip4/192.0.2.1/tcp/50123', '/ip4/192.0.2.1', '/ip4/192.0.2.1/tcp/50123'],
  [`/ip4/192.0.2.1/tcp/50123/p2p/${PEER}`, '/ip4/192.0.2.1', '/ip4/192.0.2.1/tcp/50123'],
  [`/ip4/192.0.2.1/tcp/50123/ws/p2p/${PEER}`, '/ip4/192.0.2.1', '/ip4/192.0.2.1/tcp/50123/ws'],
  ['/ip6/2001:db8::1/udp/50123/quic-v1', '/ip6/2001:db8::1', '/ip6/2001:db8::1/udp/50123/quic-v1'],
  ['/ip6/::ffff:192.0.2.1/tcp/50123', '/ip4/192.0.2.1', '/ip6/::ffff:c000:201/tcp/50123'],
  [`/dns4/example.com/tcp/443/p2p/${PEER}`, '/dns4/example.com/tcp/443', '/dns4/example.com/tcp/443'],
  [`/memory/somewhere/p2p/${PEER}`, '/memory/somewhere', '/memory/somewhere'],
  [`/ip4/192.0.2.9/tcp/50123/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`, `/p2p/${RELAY}/p2p-circuit`, `/ip4/192.0.2.9/tcp/50123/p2p/${RELAY}/p2p-circuit`],
  [`/ip4/192.0.2.9/tcp/4001/p2p-circuit/p2p/${PEER}`, '/ip4/192.0.2.9/tcp/4001/p2p-circuit', '/ip4/192.0.2.9/tcp/4001/p2p-circuit']
]

describe('the location of a session', () => {
  for (const [address, inbound, outbound] of LOCATIONS) {
    it(`should be the same for every connection of ${address.slice(0, 60)}`, () => {
      expect(sessionLocation(multiaddr(address), true)).to.equal(inbound)
      expect(sessionLocation(multiaddr(address), false)).to.equal(outbound)
    })
  }
})
