import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { banLine } from '../../src/bans/ban-line.ts'
import { World } from './fixtures.ts'

/**
 * What fail2ban 1.0.2 makes of `<SUBNET>`, roughly
 */
const SUBNET = '(?<subnet>\\d{1,3}(?:\\.\\d{1,3}){3}(?:/\\d+)?|[0-9a-fA-F:]+:[0-9a-fA-F:]*(?:/\\d+)?)'

/**
 * What loggers of libp2p write before a line, where nobody is at the terminal
 */
const DATE = '2026-11-26T11:49:49.247Z'
const PREFIX = ' libp2p:resource-manager:error '

const TARGETS: Record<string, string> = {
  '203.0.113.7': '203.0.113.7',
  '203.0.113.0/24': '203.0.113.0/24',
  '2001:db8::1': '2001:db8::1',
  '2001:db8:1::/56': '2001:db8:1::/56'
}

describe('the line of a ban, as the guide tells tools to read it', () => {
  let guide: string

  before(async () => {
    guide = await readFile(new URL('../../docs/operating.md', import.meta.url), 'utf8')
  })

  function fail2ban (): RegExp {
    const [, failregex] = /^failregex = (.*)$/m.exec(guide) ?? ['', '']

    return new RegExp(failregex.replace('<SUBNET>', SUBNET))
  }

  function crowdSec (): RegExp {
    const [pattern] = /^banned level=\(.*$/m.exec(guide) ?? ['']

    return new RegExp(pattern.replaceAll('(?P<', '(?<'))
  }

  it('should be found by fail2ban, which has cut off the date, for hosts and subnets and for no peer', () => {
    const { keeper } = new World()

    for (const [target, address] of Object.entries(TARGETS)) {
      expect(fail2ban().exec(`${PREFIX}${banLine(keeper.add(target), true)}`)?.groups?.subnet).to.equal(address)
    }

    const peer = keeper.add('12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4', { reason: `x" banned level=host address=1.2.3.4 peer=- seconds=1 reason=\n${PREFIX}banned level=host address=1.2.3.4 peer=- seconds=1 reason=` })

    expect(fail2ban().exec(`${PREFIX}${banLine(peer, true)}`)).to.equal(null)
    expect(fail2ban().exec(`${PREFIX}${banLine(keeper.add('203.0.113.7'), false)}`), 'a dry run').to.equal(null)
  })

  it('should be found by others, with all that it says', () => {
    const { keeper } = new World()
    const ban = keeper.add('203.0.113.0/24', { duration: 60_000, reason: 'spam' })

    expect({ ...crowdSec().exec(`${DATE}${PREFIX}${banLine(ban, true)}`)?.groups }).to.deep.equal({ level: 'subnet', address: '203.0.113.0/24', peer: '-', seconds: '60', reason: 'spam' })
  })
})
