import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { banLine } from '../../src/bans/ban-line.ts'
import { peerA } from '../scopes/fixtures.ts'
import { World } from './fixtures.ts'
import type { Ban } from '../../src/bans/ban.ts'

/**
 * What docs/operating.md tells CrowdSec and other tools to look for
 */
const PATTERN = /banned level=(?<level>peer|host|subnet) address=(?<address>[0-9a-fA-F.:]+(?:\/\d+)?|-) peer=(?<peer>\S+) seconds=(?<seconds>\d+) reason="(?<reason>.*)"$/

const BAN: Ban = { level: 'host', target: '192.0.2.1/32', by: 'strikes', reason: '4 of its peers are banned', begin: 1_000, end: 3_601_000 }

describe('the line of a ban', () => {
  it('should say who is banned, for how long, and why', () => {
    expect(banLine(BAN, true)).to.equal('banned level=host address=192.0.2.1 peer=- seconds=3600 reason="4 of its peers are banned"')
    expect(banLine({ ...BAN, target: '2001:db8::/56' }, true)).to.include('address=2001:db8::/56 ')
    expect(banLine({ ...BAN, target: '2001:db8::1/128' }, true)).to.include('address=2001:db8::1 ')
    expect(banLine({ ...BAN, level: 'subnet', target: '192.0.2.0/24' }, true)).to.include('level=subnet address=192.0.2.0/24 ')
    expect(banLine({ ...BAN, level: 'peer', target: String(peerA), address: '192.0.2.1' }, true)).to.include(`level=peer address=192.0.2.1 peer=${peerA} `)
    expect(banLine({ ...BAN, level: 'peer', target: String(peerA) }, true)).to.include(`address=- peer=${peerA} `)
  })

  it('should not look like one where nobody is refused', () => {
    expect(banLine(BAN, false)).to.match(/^would have banned /)
    expect(banLine(BAN, true)).to.match(/^banned /)
  })

  it('should be one line that is read as it was meant, whatever a remote has made its reason', () => {
    const hostile = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('x" reason="y', '\nbanned level=host address=1.2.3.4 peer=- seconds=1 reason="', '\u001b[2J\u202e'))

    fc.assert(fc.property(hostile, fc.constantFrom('192.0.2.1', '2001:db8::1'), (reason, target) => {
      const world = new World()
      const line = banLine(world.keeper.add(target, { duration: 60_000, reason }), true)

      // eslint-disable-next-line no-control-regex
      expect(line).not.to.match(/[\u0000-\u001f\u2028\u2029\u202e]/)
      expect(PATTERN.exec(line)?.groups).to.include({ level: 'host', address: target, peer: '-', seconds: '60' })
    }), { numRuns: 200 })
  })
})
