import { expect } from 'aegir/chai'
import { DefaultCollector } from '../../src/sessions/default-collector.ts'
import { NullCollector } from '../../src/sessions/null-collector.ts'
import type { Collector } from '../../src/sessions/collector.ts'

describe('sessions/null-collector', () => {
  it('should collect nothing', () => {
    const collector: Collector = new NullCollector()

    collector.registerAndActivate('a', '/ref', 'here', 'alice')
    collector.register('b', '/ref', 'here', 'alice')
    collector.ingress('a', 1_000)
    collector.egress('a', 1_000)
    collector.extra('a', 'text')
    collector.sessionSetTopIngressBitrate('a', 1)
    collector.sessionSetTopEgressBitrate('a', 1)
    collector.addCompanion(new DefaultCollector())

    expect(collector.activate('b')).to.be.false()
    expect(collector.isKnownSession('a')).to.be.false()
    expect(collector.active()).to.deep.equal([])
    expect(collector.sessions()).to.equal(0)

    collector.unregister('a')
    collector.stop()
    collector.start()

    expect(collector.summary().summary.totalSessions).to.equal(0)
  })

  it('should limit nothing', () => {
    const collector: Collector = new NullCollector()

    expect(collector.isIngressBitrateExceeded()).to.be.false()
    expect(collector.isEgressBitrateExceeded()).to.be.false()
    expect(collector.isSessionsExceeded()).to.be.false()
    expect(collector.isCollectableIP('nonsense')).to.be.true()
  })

  it('should answer like a collector that has had no sessions', () => {
    const collector: Collector = new NullCollector()
    const other: Collector = new DefaultCollector()

    for (const method of [
      'ingressBitrate',
      'egressBitrate',
      'maxIngressBitrate',
      'maxEgressBitrate',
      'topIngressBitrate',
      'topEgressBitrate',
      'companionIngressBitrate',
      'companionEgressBitrate',
      'companionTopIngressBitrate',
      'companionTopEgressBitrate',
      'sessions',
      'pendingSessions',
      'maxSessions',
      'summary'
    ] as const) {
      expect(collector[method](), method).to.deep.equal(other[method]())
    }

    expect(collector.sessionTopIngressBitrate('a')).to.equal(0)
    expect(collector.sessionTopEgressBitrate('a')).to.equal(0)
  })
})
