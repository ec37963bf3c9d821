/**
 * What is protected: what is usual is found out from samples at regular intervals, whoever asks in
 * between, and in bounded memory
 */

import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { UsualUse } from '../../src/reporting/usual-use.ts'
import { atOnce } from '../../src/util/slices.ts'
import { createManager, peerA } from '../scopes/fixtures.ts'
import type { HighWaterMark, ResourceManager, StreamManagementScope } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { DescribedMark } from '../../src/reporting/usual-use.ts'
import type { SinonFakeTimers } from 'sinon'

describe('what is usual', () => {
  let clock: SinonFakeTimers
  let manager: ResourceManager
  let usual: UsualUse

  beforeEach(async () => {
    clock = sinon.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    manager = createManager()
    usual = new UsualUse()
    await manager.start()
    usual.start((manager as DefaultResourceManager).metricsSource.graph)
  })

  afterEach(async () => {
    usual.stop()
    await manager.stop()
    clock.restore()
  })

  const read = (): DescribedMark[] => atOnce(slice => usual.describe(manager.highWaterMarks(), slice))

  function markOf (scope: string, field: HighWaterMark['field']): DescribedMark | undefined {
    return read().find(mark => mark.scope === scope && mark.field === field)
  }

  it('should know what is usual from regular samples, whoever asks in between', async () => {
    const open = (count: number): StreamManagementScope[] => Array.from({ length: count }, () => manager.openStream(peerA, 'outbound'))

    // nothing for 40 samples, then 2 for 50, 5 for 8 and 9 for 2
    clock.tick(4_000)
    open(2)
    clock.tick(5_000)
    open(3)
    clock.tick(800)
    const streams = open(4)
    clock.tick(200)
    streams.forEach(stream => { stream.done() })

    for (let i = 0; i < 1_000; i++) {
      read()
    }

    expect(markOf('system', 'streams')).to.include({ value: 9, p50: 2, p99: 9 })

    // 2% of the time becomes 1%
    clock.tick(10_000)
    expect(markOf('system', 'streams')).to.include({ value: 9, p50: 5, p99: 5 })
    expect(markOf(`peer:${peerA}`, 'streamsOutbound')).to.include({ value: 9, p99: 9 }, 'the peer was there for 16 of 20 s')
  })

  it('should say what is usual of much to 9%, and never more than the most', async () => {
    manager.viewSystem(scope => {
      for (const size of [1_000_000, 10, 1_000, 50_000_000]) {
        const span = scope.beginSpan()

        span.reserveMemory(size)
        clock.tick(1_000)

        const mark = markOf('system', 'memory')

        expect(mark?.value).to.be.at.least(size)
        expect(mark?.p99).to.be.within(0, mark?.value ?? 0)
        span.done()
      }
    })

    // half of the time it was not more than 1,000
    expect(markOf('system', 'memory')?.p50).to.be.within(1_000, 1_090)
    expect(markOf('system', 'memory')?.p99).to.equal(50_000_000)
  })

  it('should be unknown before the first sample', () => {
    manager.openStream(peerA, 'outbound')
    expect(read()[0]).to.include({ scope: 'system', value: 1 }).and.not.have.property('p50')
  })

  it('should be known of a bounded number of protocols, and of the others together', () => {
    for (let i = 0; i < 600; i++) {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(`/p/${i}`)
      clock.tick(100)
      stream.done()
      manager.gc()
    }

    const marks = read().filter(({ kind }) => kind === 'protocol')

    expect(marks).to.have.lengthOf(2 * 257)
    expect(marks.every(({ p50, p99 }) => p50 === 1 && p99 === 1)).to.be.true()
  })
})
