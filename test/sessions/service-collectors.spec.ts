import { expect } from 'aegir/chai'
import { SessionRegistry } from '../../src/sessions/registry.ts'
import { ServiceCollectors } from '../../src/sessions/service-collectors.ts'
import type { SharedBitrates } from '../../src/sessions/service-collectors.ts'

const SERVICE = 'service'

/**
 * Nodes of which this one may transfer nothing in one direction
 */
class NothingLeft implements SharedBitrates {
  readonly #direction: 'rx' | 'tx'
  readonly exceededBy: string[] = []

  constructor (direction: 'rx' | 'tx') {
    this.#direction = direction
  }

  ofStream (): [] {
    return []
  }

  ofCollector (): undefined {}

  maxBitrate (_id: string, direction: 'rx' | 'tx'): number {
    return direction === this.#direction ? 0 : Infinity
  }

  exceeded (id: string, direction: 'rx' | 'tx'): void {
    this.exceededBy.push(`${id} ${direction}`)
  }
}

describe('a bit rate that several nodes share', () => {
  for (const [direction, setting] of [['rx', 'maxRxBitrate'], ['tx', 'maxTxBitrate']] as const) {
    it(`should count what it refuses (${direction}), and ask for more because of that alone`, () => {
      const collectors = new ServiceCollectors({ collectors: { [SERVICE]: {}, slowed: { throttle: true, maxRxBitrate: 1, maxTxBitrate: 1 } } }, new SessionRegistry(), true)
      const shared = new NothingLeft(direction)

      expect(collectors.refusals).to.deep.equal([])
      collectors.shared = shared

      // a rate cannot be computed of a number that was not there before
      const none = { collector: SERVICE, setting, count: 0 }
      const before = [{ ...none, direction: 'inbound' }, { ...none, direction: 'outbound' }]

      expect(collectors.refusals).to.deep.equal(before)

      // somebody asks what would be refused
      const refusal = collectors.findRefusal(SERVICE, 'stream', 'outbound')

      if (refusal === undefined) {
        throw new Error('nothing was refused')
      }

      expect(refusal.limit).to.equal(0)
      expect(collectors.findRefusal('slowed', 'stream', 'outbound')).to.equal(undefined)
      expect(collectors.refusals).to.deep.equal(before)
      expect(shared.exceededBy).to.deep.equal([])

      collectors.refused(refusal)
      collectors.refused(refusal)
      expect(collectors.refusals).to.deep.equal([before[0], { ...before[1], count: 2 }])
      expect(shared.exceededBy).to.deep.equal([`${SERVICE} ${direction}`, `${SERVICE} ${direction}`])

      // what was refused stays counted when nothing is shared any more
      collectors.shared = undefined
      collectors.refused(refusal)
      expect(collectors.refusals).to.deep.equal([before[0], { ...before[1], count: 3 }])
    })
  }

  it('should count apart what a limit of the node refuses, and ask nobody because of that', () => {
    const collectors = new ServiceCollectors({ collectors: { [SERVICE]: { maxSessions: 1 } } }, new SessionRegistry(), true)
    const shared = collectors.shared = new NothingLeft('rx')
    const collector = collectors.get(SERVICE)?.collector

    collector?.registerAndActivate('a', '', '', '')

    const refusal = collectors.findRefusal(SERVICE, 'stream', 'inbound')

    expect(refusal?.limit).to.equal(1)
    refusal !== undefined && collectors.refused(refusal)
    expect(collectors.refusals.filter(({ count }) => count > 0)).to.deep.equal([{ collector: SERVICE, direction: 'inbound', setting: 'maxSessions', count: 1 }])
    expect(shared.exceededBy).to.deep.equal([])
  })
})
