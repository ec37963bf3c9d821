import { expect } from 'aegir/chai'
import { DefaultCollector } from '../../src/sessions/default-collector.ts'
import { IPLimiter } from '../../src/sessions/ip-limiter.ts'
import { NullCollector } from '../../src/sessions/null-collector.ts'
import { Ticker } from '../../src/sessions/ticker.ts'
import { START, stopTime } from './fixtures.ts'
import type { CollectorConfig } from '../../src/sessions/collector-config.ts'
import type { Collector } from '../../src/sessions/collector.ts'
import type { SinonFakeTimers } from 'sinon'

function registerAll (collector: Collector, ...ids: string[]): void {
  ids.forEach(id => { collector.register(id, '/ref', 'here', 'alice') })
}

describe('sessions/collector', () => {
  let time: SinonFakeTimers

  beforeEach(() => {
    time = stopTime()
  })

  afterEach(() => {
    time.restore()
  })

  describe('activation', () => {
    it('should keep a session pending until it is activated', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')
      expect(collector.isKnownSession('a')).to.be.true()
      expect(collector.sessions()).to.equal(0)
      expect(collector.active()).to.deep.equal([])

      expect(collector.activate('a')).to.be.true()
      expect(collector.sessions()).to.equal(1)
      expect(collector.activate('a'), 'the second time').to.be.false()
      expect(collector.activate('b'), 'not known').to.be.false()
      expect(collector.sessions()).to.equal(1)
    })

    it('should activate a session by its first bytes', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a', 'b', 'c')
      collector.ingress('a', 1)
      collector.egress('b', 1)
      collector.ingress('c', 0)
      collector.egress('c', 0)

      expect(collector.active().map(({ id }) => id)).to.deep.equal(['a', 'b'])
      expect(collector.activate('a')).to.be.false()
      expect(collector.activate('c')).to.be.true()
    })

    it('should register and activate in one step', () => {
      const collector = new DefaultCollector()

      collector.registerAndActivate('a', '/ref', 'here', 'alice')
      expect(collector.sessions()).to.equal(1)
      expect(collector.activate('a')).to.be.false()
    })

    it('should leave a session alone that is registered a second time', () => {
      const collector = new DefaultCollector()

      collector.registerAndActivate('a', '/ref', 'here', 'alice')
      collector.ingress('a', 10)
      collector.register('a', '/other', 'there', 'bob')

      expect(collector.active()[0]).to.include({ reference: '/ref', location: 'here', peer: 'alice', rxBytes: 10 })
    })

    it('should ignore sessions that are not known', () => {
      const collector = new DefaultCollector()

      collector.ingress('a', 10)
      collector.egress('a', 10)
      collector.extra('a', 'text')
      collector.unregister('a')
      collector.sessionSetTopIngressBitrate('a', 10)
      collector.sessionSetTopEgressBitrate('a', 10)

      expect(collector.sessionTopIngressBitrate('a')).to.equal(0)
      expect(collector.sessionTopEgressBitrate('a')).to.equal(0)
      expect(collector.ingressBitrate()).to.equal(0)
      expect(collector.summary().summary.totalSessions).to.equal(0)
    })
  })

  describe('description of sessions', () => {
    it('should show what is known of an active session', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')
      time.tick(1_500)
      collector.ingress('a', 1_000)
      collector.egress('a', 250)
      collector.extra('a', 'some text')

      expect(collector.active()).to.deep.equal([{
        id: 'a',
        reference: '/ref',
        createdAt: START,
        location: 'here',
        peer: 'alice',
        extra: 'some text',
        rxBytes: 1_000,
        rxBitrate: 800,
        topRxBitrate: 800,
        txBytes: 250,
        txBitrate: 200,
        topTxBitrate: 200
      }])
    })

    it('should call an empty location or peer unknown', () => {
      const collector = new DefaultCollector()

      collector.registerAndActivate('a', '', '', '')
      expect(collector.active()[0]).to.include({ reference: '', location: 'unknown', peer: 'unknown', extra: '' })
    })

    it('should list the oldest session first', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a', 'b', 'c')
      collector.activate('c')
      collector.activate('a')
      collector.activate('b')
      collector.ingress('a', 1)

      expect(collector.active().map(({ id }) => id)).to.deep.equal(['a', 'b', 'c'])
    })

    it('should take any name for a name, through JSON and back', () => {
      const collector = new DefaultCollector()

      collector.registerAndActivate('__proto__', '__proto__', '__proto__', '__proto__')
      collector.registerAndActivate('constructor', 'constructor', 'toString', 'valueOf')
      collector.ingress('__proto__', 7)

      const before = JSON.parse(JSON.stringify(collector.summary()))

      expect(before.active.map(({ id }: any) => id)).to.deep.equal(['__proto__', 'constructor'])
      expect(before.summary.totalSessions).to.equal(0)

      collector.stop()

      const { summary } = JSON.parse(JSON.stringify(collector.summary()))

      expect(Object.keys(summary.peers)).to.have.members(['__proto__', 'valueOf'])
      // eslint-disable-next-line no-proto
      expect(summary.peers.__proto__.locations.__proto__).to.deep.equal({ totalSessions: 1, totalRxBytes: 7, totalTxBytes: 0 })
    })
  })

  describe('end of sessions', () => {
    it('should forget a pending session after the time-out', () => {
      const collector = new DefaultCollector({ inactiveTimeout: 2_000 })

      registerAll(collector, 'a')
      time.tick(2_999)
      expect(collector.isKnownSession('a')).to.be.true()
      time.tick(1)
      expect(collector.isKnownSession('a')).to.be.false()
      expect(collector.summary().summary.totalSessions).to.equal(0)
    })

    it('should move an active session into the history after the time-out', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')
      collector.ingress('a', 100)
      time.tick(3_500)
      collector.egress('a', 10)
      time.tick(5_499)
      expect(collector.isKnownSession('a'), 'idle for less than 5.5 s').to.be.true()
      time.tick(1)
      expect(collector.isKnownSession('a')).to.be.false()
      expect(collector.sessions()).to.equal(0)
      expect(collector.summary().summary).to.include({ totalSessions: 1, totalRxBytes: 100, totalTxBytes: 10 })
    })

    it('should never end a session before its time, and at most a second after it', () => {
      for (const timeout of [1, 999, 1_000, 1_001, 4_000]) {
        for (const offset of [0, 1, 500, 999]) {
          const collector = new DefaultCollector({ sessionTimeout: timeout })
          const rounded = Math.ceil(timeout / 1_000) * 1_000

          registerAll(collector, 'a')
          time.tick(offset)
          collector.ingress('a', 1)
          time.tick(rounded - 1)
          expect(collector.isKnownSession('a'), `${timeout} ms after ${offset} ms`).to.be.true()
          time.tick(1_001)
          expect(collector.isKnownSession('a'), `${timeout} ms after ${offset} ms`).to.be.false()
        }
      }
    })

    it('should use the session time-out for pending sessions unless they have their own', () => {
      const same = new DefaultCollector({ sessionTimeout: 3_000 })
      const own = new DefaultCollector({ sessionTimeout: 3_000, inactiveTimeout: 10_000 })

      registerAll(same, 'a')
      registerAll(own, 'a')
      time.tick(4_000)
      expect(same.isKnownSession('a')).to.be.false()
      expect(own.isKnownSession('a')).to.be.true()
      time.tick(7_000)
      expect(own.isKnownSession('a')).to.be.false()
    })

    it('should keep a session for as long as it has traffic', () => {
      const collector = new DefaultCollector({ sessionTimeout: 1_000 })

      registerAll(collector, 'busy', 'idle')
      // whichever was active first
      collector.activate('busy')
      collector.activate('idle')

      for (let i = 0; i < 60; i++) {
        collector.ingress('busy', 1)
        time.tick(1_000)
      }

      expect(collector.active().map(({ id }) => id)).to.deep.equal(['busy'])
      expect(collector.active()[0].rxBytes).to.equal(60)
    })

    it('should not let bytes that are none keep a session', () => {
      const collector = new DefaultCollector({ sessionTimeout: 2_000 })

      collector.registerAndActivate('a', '/ref', 'here', 'alice')

      for (let i = 0; i < 3; i++) {
        time.tick(1_000)
        collector.ingress('a', 0)
      }

      expect(collector.isKnownSession('a')).to.be.false()
    })

    it('should end a session that is unregistered, once', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a', 'b')
      collector.ingress('a', 100)
      collector.unregister('a')
      collector.unregister('a')
      collector.unregister('b')

      expect(collector.isKnownSession('a')).to.be.false()
      expect(collector.isKnownSession('b')).to.be.false()
      expect(collector.summary().summary, 'only the one that was active').to.include({ totalSessions: 1, totalRxBytes: 100 })
    })

    it('should begin anew when a session is registered again', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')
      collector.ingress('a', 100)
      collector.unregister('a')
      registerAll(collector, 'a')
      collector.ingress('a', 1)

      expect(collector.active()[0]).to.include({ rxBytes: 1, rxBitrate: 0.8 })
      expect(collector.ingressBitrate(), 'the traffic that the first one had').to.equal(80.8)
    })

    it('should end all sessions when it is stopped, until it is started', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a', 'b')
      collector.ingress('a', 100)
      collector.stop()
      collector.stop()
      expect(collector.summary().summary).to.include({ totalSessions: 1, totalRxBytes: 100 })
      expect(time.countTimers()).to.equal(0)

      registerAll(collector, 'a')
      collector.ingress('a', 100)
      expect(collector.isKnownSession('a')).to.be.false()

      collector.start()
      registerAll(collector, 'a')
      collector.ingress('a', 100)
      expect(collector.sessions()).to.equal(1)
      time.tick(6_000)
      expect(collector.sessions()).to.equal(0)
      expect(collector.summary().summary).to.include({ totalSessions: 2, totalRxBytes: 200 })
    })
  })

  describe('timer', () => {
    it('should need one for any number of sessions and collectors, and none without sessions', () => {
      const ticker = new Ticker()
      const collectors = [new DefaultCollector({}, ticker), new DefaultCollector({}, ticker)]

      expect(time.countTimers()).to.equal(0)

      for (let i = 0; i < 2_000; i++) {
        collectors[i % 2].register(`${i}`, '/ref', 'here', 'alice')
      }

      expect(time.countTimers()).to.equal(1)
      time.tick(10_000)
      expect(collectors.some(collector => collector.isKnownSession('0'))).to.be.false()
      expect(time.countTimers()).to.equal(0)
    })

    it('should end many sessions in slices', () => {
      const collector = new DefaultCollector({ sessionTimeout: 1_000 })

      for (let i = 0; i < 5_000; i++) {
        collector.registerAndActivate(`${i}`, '/ref', 'here', 'alice')
      }

      time.tick(1_999)
      expect(collector.sessions()).to.equal(5_000)
      time.tick(1)
      expect(collector.sessions(), 'after the first slice').to.be.within(1, 4_999)
      time.tick(10)
      expect(collector.sessions()).to.equal(0)
      expect(collector.summary().summary.totalSessions).to.equal(5_000)
    })
  })

  describe('bit rates', () => {
    it('should count the traffic of all sessions', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a', 'b')
      collector.ingress('a', 1_000)
      collector.ingress('b', 500)
      collector.egress('b', 250)

      expect(collector.ingressBitrate()).to.equal(1_200)
      expect(collector.egressBitrate()).to.equal(200)

      collector.unregister('a')
      expect(collector.ingressBitrate(), 'what has passed has passed').to.equal(1_200)
      time.tick(9_999)
      expect(collector.ingressBitrate()).to.equal(1_200)
      time.tick(1)
      expect(collector.ingressBitrate()).to.equal(0)
      expect(collector.egressBitrate()).to.equal(0)
    })

    it('should sum the top bit rates of the active sessions', () => {
      const collector = new DefaultCollector({ sessionTimeout: 60_000 })

      registerAll(collector, 'a', 'b', 'pending')
      collector.sessionSetTopIngressBitrate('pending', 1_000_000)
      collector.ingress('a', 1_000)
      collector.egress('b', 500)
      expect(collector.topIngressBitrate()).to.equal(800)
      expect(collector.topEgressBitrate()).to.equal(400)

      time.tick(11_000)
      expect(collector.ingressBitrate()).to.equal(0)
      expect(collector.sessionTopIngressBitrate('a')).to.be.closeTo(800 * 0.95 ** 2, 1e-9)
      expect(collector.sessionTopEgressBitrate('b')).to.be.closeTo(400 * 0.95 ** 2, 1e-9)
      expect(collector.topIngressBitrate()).to.be.closeTo(800 * 0.95 ** 2, 1e-9)

      collector.unregister('a')
      expect(collector.topIngressBitrate()).to.equal(0)
    })

    it('should let the top bit rates of a session be set', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')
      collector.ingress('a', 1_000)
      collector.sessionSetTopIngressBitrate('a', 5_000)
      collector.sessionSetTopEgressBitrate('a', 3_000)

      expect(collector.sessionTopIngressBitrate('a')).to.equal(5_000)
      expect(collector.topIngressBitrate()).to.equal(5_000)
      expect(collector.sessionTopEgressBitrate('a')).to.equal(3_000)
      time.tick(1_000)
      expect(collector.sessionTopIngressBitrate('a')).to.equal(4_750)
      expect(collector.active()[0]).to.include({ topRxBitrate: 4_750, topTxBitrate: 2_850 })
    })
  })

  describe('limits', () => {
    it('should have none unless they are configured', () => {
      for (const collector of [new DefaultCollector(), new DefaultCollector({ maxRxBitrate: -1, maxTxBitrate: 0, maxSessions: -5 })]) {
        registerAll(collector, 'a')
        collector.ingress('a', 2 ** 50)
        collector.egress('a', 2 ** 50)

        expect(collector.maxIngressBitrate()).to.equal(0)
        expect(collector.maxEgressBitrate()).to.equal(0)
        expect(collector.isIngressBitrateExceeded()).to.be.false()
        expect(collector.isEgressBitrateExceeded()).to.be.false()
        expect(collector.isSessionsExceeded()).to.be.false()
        expect(collector.summary()).to.include({ maxSessions: 0, maxRxBitrate: 0, maxTxBitrate: 0 })
      }
    })

    it('should be exceeded above the bit rate, not at it', () => {
      const collector = new DefaultCollector({ maxRxBitrate: 800, maxTxBitrate: 80 })

      registerAll(collector, 'a')
      collector.ingress('a', 1_000)
      collector.egress('a', 100)
      expect(collector.isIngressBitrateExceeded()).to.be.false()
      expect(collector.isEgressBitrateExceeded()).to.be.false()

      collector.ingress('a', 1)
      expect(collector.isIngressBitrateExceeded()).to.be.true()
      expect(collector.isEgressBitrateExceeded()).to.be.false()
      collector.egress('a', 1)
      expect(collector.isEgressBitrateExceeded()).to.be.true()

      time.tick(10_000)
      expect(collector.isIngressBitrateExceeded()).to.be.false()
      expect(collector.isEgressBitrateExceeded()).to.be.false()
      expect(collector.maxIngressBitrate()).to.equal(800)
      expect(collector.maxEgressBitrate()).to.equal(80)
    })

    it('should be exceeded when there is no room for a session, pending ones included', () => {
      const collector = new DefaultCollector({ maxSessions: 2 })

      expect(collector.isSessionsExceeded()).to.be.false()
      registerAll(collector, 'a')
      collector.activate('a')
      expect(collector.isSessionsExceeded()).to.be.false()
      registerAll(collector, 'b')
      expect(collector.isSessionsExceeded()).to.be.true()
      collector.unregister('a')
      expect(collector.isSessionsExceeded()).to.be.false()
    })

    it('should ask the limiter for addresses', () => {
      const collector = new DefaultCollector({ limiter: new IPLimiter({ block: ['10.0.0.0/8'] }) })

      expect(collector.isCollectableIP('10.1.2.3')).to.be.false()
      expect(collector.isCollectableIP('11.1.2.3')).to.be.true()
      expect(collector.isCollectableIP('nonsense')).to.be.false()
      expect(new DefaultCollector().isCollectableIP('nonsense')).to.be.true()
    })
  })

  describe('companions', () => {
    function transfer (bytes: number): DefaultCollector {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')
      collector.ingress('a', bytes)
      collector.egress('a', bytes / 2)

      return collector
    }

    it('should add their bit rates to those of the collector', () => {
      const collector = transfer(1_000)

      collector.addCompanion(transfer(500))
      collector.addCompanion(transfer(250))
      collector.addCompanion(new NullCollector())

      expect(collector.companionIngressBitrate()).to.equal(1_400)
      expect(collector.companionEgressBitrate()).to.equal(700)
      expect(collector.companionTopIngressBitrate()).to.equal(1_400)
      expect(collector.companionTopEgressBitrate()).to.equal(700)
      expect(collector.ingressBitrate(), 'its own').to.equal(800)
    })

    it('should count one once', () => {
      const collector = transfer(1_000)
      const companion = transfer(500)

      collector.addCompanion(companion)
      collector.addCompanion(companion)

      expect(collector.companionIngressBitrate()).to.equal(1_200)
    })

    it('should be allowed to be companions of each other', () => {
      const first = transfer(1_000)
      const second = transfer(500)
      const third = transfer(250)

      first.addCompanion(second)
      second.addCompanion(third)
      third.addCompanion(first)
      second.addCompanion(first)

      expect(first.companionIngressBitrate()).to.equal(1_200)
      expect(second.companionIngressBitrate()).to.equal(1_400)
      expect(third.companionIngressBitrate()).to.equal(1_000)
    })

    it('should not be the collector itself or none at all', () => {
      const collector = transfer(1_000)

      expect(() => { collector.addCompanion(collector) }).to.throw('collector: expected another collector, got "this one"')
        .with.property('name', 'InvalidParametersError')
      expect(() => { collector.addCompanion(undefined as any) }).to.throw('collector: expected another collector, got undefined')
        .with.property('name', 'InvalidParametersError')
      expect(collector.companionIngressBitrate()).to.equal(800)
    })
  })

  describe('bad input', () => {
    it('should refuse bytes that are not a whole number, and change nothing', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')

      for (const bytes of [-1, 0.5, NaN, Infinity, 2 ** 53, '1', undefined, null, 1n]) {
        for (const method of ['ingress', 'egress'] as const) {
          expect(() => { collector[method]('a', bytes as any) }, String(bytes))
            .to.throw(`bytes: expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`)
            .with.property('name', 'InvalidParametersError')
        }
      }

      expect(collector.sessions()).to.equal(0)
      expect(collector.ingressBitrate()).to.equal(0)
      expect(collector.egressBitrate()).to.equal(0)
    })

    it('should refuse names that are not text', () => {
      const collector = new DefaultCollector()
      const register = collector.register.bind(collector) as (...args: any[]) => void

      for (const [field, args] of [
        ['id', ['', '', '', '']],
        ['id', [undefined, '', '', '']],
        ['id', [1, '', '', '']],
        ['reference', ['a', undefined, '', '']],
        ['location', ['a', '', {}, '']],
        ['peer', ['a', '', '']]
      ] as const) {
        expect(() => { register(...args) }).to.throw(`${field}: expected a `)
          .with.property('name', 'InvalidParametersError')
      }

      expect(collector.isKnownSession('a')).to.be.false()
      expect(collector.isKnownSession('')).to.be.false()
      registerAll(collector, 'a')
      expect(() => { collector.extra('a', {} as any) }).to.throw('text: expected a string')
        .with.property('name', 'InvalidParametersError')
    })

    it('should refuse top bit rates that are not a number from 0', () => {
      const collector = new DefaultCollector()

      registerAll(collector, 'a')

      for (const bitrate of [-1, NaN, Infinity, '1', undefined]) {
        expect(() => { collector.sessionSetTopIngressBitrate('a', bitrate as any) }).to.throw('bitrate: expected a number of bit/s from 0')
          .with.property('name', 'InvalidParametersError')
        expect(() => { collector.sessionSetTopEgressBitrate('a', bitrate as any) }).to.throw('bitrate: expected a number of bit/s from 0')
          .with.property('name', 'InvalidParametersError')
      }

      expect(collector.sessionTopIngressBitrate('a')).to.equal(0)
    })

    it('should refuse options that cannot be used', () => {
      const bad: Array<[keyof CollectorConfig, unknown[]]> = [
        ['maxRxBitrate', [NaN, Infinity, '1', null]],
        ['maxTxBitrate', [NaN, -Infinity, '1', null]],
        ['maxSessions', [0.5, NaN, Infinity, '1', null]],
        ['limiter', [null, {}, () => true]],
        ['inactiveTimeout', [0, -1, 0.5, NaN, Infinity, '1', null]],
        ['sessionTimeout', [0, -1, 0.5, NaN, Infinity, '1', null]],
        ['persistInterval', [-1, 0.5, NaN, Infinity, '1', null]],
        ['maxHistory', [-1, 0.5, NaN, Infinity, '1', null]]
      ]

      for (const [field, values] of bad) {
        for (const value of values) {
          expect(() => new DefaultCollector({ [field]: value }), `${field} ${String(value)}`).to.throw(`config.${field}: expected `)
            .with.property('name', 'InvalidParametersError')
        }
      }

      expect(() => new DefaultCollector([] as any)).to.throw('config: expected an object')
        .with.property('name', 'InvalidParametersError')
      expect(() => new DefaultCollector(null as any)).to.throw('config: expected an object')
        .with.property('name', 'InvalidParametersError')
    })
  })
})
