import { expect } from 'aegir/chai'
import { createResourceManager } from '../../src/index.ts'
import { readBitrate } from '../../src/sessions/bitrate.ts'
import { NodeBudgets } from '../../src/sessions/stream-budgets.ts'
import { SessionRegistry } from '../../src/sessions.ts'
import { errorOf } from '../scopes/fixtures.ts'

describe('sessions/bit rates', () => {
  const rates: Array<[number | string, number]> = [
    [0, 0], [-5, 0], ['unlimited', 0], ['0MB/s', 0],
    [1000, 1000], ['10MB/s', 80e6], ['10 MB/s', 80e6], ['80Mbit/s', 80e6], ['80Mbps', 80e6], ['80Mb/s', 80e6],
    ['1.5kB/s', 12_000], ['1KB/s', 8000], ['1KiB/s', 8192], ['1MiB/s', 8 * 2 ** 20], ['2Gibit/s', 2 ** 31], ['1GB/s', 8e9], ['1TB/s', 8e12], ['5B/s', 40], ['5bit/s', 5]
  ]

  for (const [rate, bits] of rates) {
    it(`should read ${typeof rate === 'string' ? `"${rate}"` : rate} as ${bits} bit/s`, () => {
      expect(readBitrate('rate', rate)).to.equal(bits)
    })
  }

  for (const rate of [NaN, Infinity, -Infinity, '', '10', '10MB', '10 apples/s', 'MB/s', '-1MB/s', '1iB/s', 'Unlimited', '10mB/s', null, {}]) {
    it(`should refuse ${JSON.stringify(rate)}`, () => {
      expect(errorOf(() => readBitrate('a.maxRxBitrate', rate as any))).to.have.property('message').that.includes('a.maxRxBitrate: expected a number of bit/s')
    })
  }

  it('should mean the same in collectors and where streams are slowed', () => {
    const registry = new SessionRegistry()
    const collector = registry.register('a', { maxRxBitrate: '10MB/s', maxTxBitrate: 'unlimited', maxSessions: 'unlimited' })

    expect(collector.summary()).to.include({ maxRxBitrate: 80e6, maxTxBitrate: 0, maxSessions: 0 })

    for (const unlimited of [0, -1, 'unlimited']) {
      const bitrates = { maxRxBitrate: unlimited, maxTxBitrate: unlimited }

      expect(new NodeBudgets('throttle', { system: bitrates, peer: bitrates }).ofStream({})).to.deep.equal([{ rx: undefined, tx: undefined }, { rx: undefined, tx: undefined }])
      expect(registry.register(`b${registry.collectors().length}`, { ...bitrates, maxSessions: unlimited as any }).summary()).to.include({ maxRxBitrate: 0, maxTxBitrate: 0, maxSessions: 0 })
    }

    expect(new NodeBudgets('throttle', { system: { maxRxBitrate: '1kB/s' } }).ofStream({})[0].rx).to.not.equal(undefined)
    expect(() => createResourceManager({ sessions: { collectors: { a: { throttle: true, maxRxBitrate: 'unlimited' } } } })).to.throw('sessions.collectors.a.throttle: expected false')
    expect(() => createResourceManager({ sessions: { throttle: { peer: { maxTxBitrate: '5' } } } })).to.throw('sessions.throttle.peer.maxTxBitrate: expected')
  })
})

describe('sessions/collectors by name', () => {
  it('should be found by the name that was configured', () => {
    const { sessions } = createResourceManager({ sessions: { collectors: { 'my.video': { maxSessions: 2 }, 'libp2p.relay/v2': {} } } })

    expect(sessions.collector('my.video')).to.equal(sessions.collector('myVideo')).and.to.not.equal(undefined)
    expect(sessions.collector('libp2p.relay/v2')).to.equal(sessions.collector('libp2pRelayV2')).and.to.not.equal(undefined)

    sessions.collector('my.video')?.registerAndActivate('1', '', '', '')
    expect(sessions.summary('my.video')).to.include({ maxSessions: 2, currentSessions: 1 })
    expect(sessions.active('my.video')).to.have.lengthOf(1)
  })

  it('should tell unknown ones apart', async () => {
    const { sessions } = createResourceManager({ sessions: { collectors: { 'my.video': {} } } })

    for (const name of ['my.vide', 'constructor', '', undefined as any]) {
      expect(sessions.collector(name)).to.equal(undefined)
      expect(sessions.summary(name)).to.include({ currentSessions: 0 })
      expect(sessions.active(name)).to.deep.equal([])
      await expect(sessions.unregister(name)).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    }

    await sessions.unregister('my.video')
    expect(sessions.collectors()).to.deep.equal([])
  })

  it('should show pending sessions, which count', () => {
    const { sessions } = createResourceManager({ sessions: { collectors: { a: { maxSessions: 2 } } } })
    const collector = sessions.collector('a')

    collector?.register('1', '', '', '')
    expect(sessions.summary('a')).to.include({ currentSessions: 0, pendingSessions: 1 })
    collector?.activate('1')
    expect(sessions.summary('a')).to.include({ currentSessions: 1 }).and.to.not.have.property('pendingSessions')
    collector?.register('2', '', '', '')
    expect(collector?.isSessionsExceeded()).to.equal(true)
    expect(sessions.summary('a')).to.include({ currentSessions: 1, pendingSessions: 1 })
  })
})
