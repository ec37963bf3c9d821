import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { ProcessWarnings, WARNING_INTERVAL } from '../../src/util/process-warnings.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { recordWarnings } from '../reporting/fixtures.ts'
import { createManager, errorOf, peerA, peerB } from '../scopes/fixtures.ts'
import type { RecordedWarnings } from '../reporting/fixtures.ts'

// most people run a node without DEBUG: what they have to know reaches them all the same,
// and whatever remote peers do it is only a few lines

describe('warnings of the process', () => {
  let recorded: RecordedWarnings

  beforeEach(() => {
    recorded = recordWarnings()
  })

  afterEach(() => {
    recorded.restore()
  })

  it('should come with their code, and again only after ten minutes', () => {
    let now = 0
    const warnings = new ProcessWarnings({ now: () => now })

    warnings.warn('RESOURCE_MANAGER_BAN', 'first')
    warnings.warn('RESOURCE_MANAGER_BAN', 'second')
    warnings.warn('RESOURCE_MANAGER_LIMITS', 'of another code')
    now += WARNING_INTERVAL - 1
    expect(warnings.wants('RESOURCE_MANAGER_BAN')).to.equal(false)
    warnings.warn('RESOURCE_MANAGER_BAN', 'third')
    now += 1
    expect(warnings.wants('RESOURCE_MANAGER_BAN')).to.equal(true)
    warnings.warn('RESOURCE_MANAGER_BAN', 'fourth')

    expect(recorded.warnings).to.deep.equal([
      { code: 'RESOURCE_MANAGER_BAN', message: 'first' },
      { code: 'RESOURCE_MANAGER_LIMITS', message: 'of another code' },
      { code: 'RESOURCE_MANAGER_BAN', message: 'fourth' }
    ])
  })

  it('should be bounded, however many subjects there are', () => {
    let now = 0
    const warnings = new ProcessWarnings({ now: () => now })

    for (let i = 0; i < 10_000; i++) {
      warnings.warn('RESOURCE_MANAGER_DIAGNOSIS', 'again', String(i))
    }

    expect(recorded.warnings).to.have.lengthOf(64)
    now += WARNING_INTERVAL
    warnings.warn('RESOURCE_MANAGER_DIAGNOSIS', 'again', 'x')
    expect(recorded.warnings).to.have.lengthOf(65)
  })

  it('should not let names that remotes have chosen move the cursor or begin a line', () => {
    new ProcessWarnings().warn('RESOURCE_MANAGER_REFUSAL', 'protocol:/a\u001b[2J\r\n\u202e/1')

    expect(recorded.warnings[0].message).to.equal('protocol:/a\\u001b[2J\\u000d\\u000a\\u202e/1')
  })

  it('should not come where they are turned off', () => {
    const warnings = new ProcessWarnings({ enabled: false })

    warnings.warn('RESOURCE_MANAGER_BAN', 'first')
    expect(warnings.wants('RESOURCE_MANAGER_BAN')).to.equal(false)
    expect(recorded.warnings).to.be.empty()
  })

  describe('of a manager', () => {
    let clock: sinon.SinonFakeTimers

    beforeEach(() => {
      clock = sinon.useFakeTimers()
    })

    afterEach(() => {
      clock.restore()
    })

    it('should be the first refusal of each kind, with whose it was and what to change', () => {
      const manager = createManager({ peerDefault: { streamsInbound: 0 }, system: { memory: 1024 } }, { warnings: true })

      errorOf(() => manager.openStream(peerA, 'inbound'))
      errorOf(() => manager.openStream(peerB, 'inbound'))
      manager.viewSystem(scope => { errorOf(() => { scope.reserveMemory(2048) }) })
      manager.viewSystem(scope => { errorOf(() => { scope.reserveMemory(2048) }) })

      expect(recorded.warnings.map(({ code }) => code)).to.deep.equal(['RESOURCE_MANAGER_REFUSAL', 'RESOURCE_MANAGER_REFUSAL'])
      expect(recorded.warnings[0].message).to.include(`peer:${peerA} refused 1 inbound stream (peer ${peerA}): 0 of 0 in use, see PeerDefault.StreamsInbound. `)
      expect(recorded.warnings[1].message).to.include('system refused 1 memory reservation: 0 B of 1 KiB in use, 2 KiB more wanted, see System.Memory. ')
    })

    it('should come again when refusals go on after ten minutes', () => {
      const manager = createManager({ system: { streams: 0 } }, { warnings: true })

      for (let time = 0; time <= WARNING_INTERVAL; time += 1_000) {
        errorOf(() => manager.openStream(peerA, 'inbound'))
        clock.tick(1_000)
      }

      expect(recorded.warnings).to.have.lengthOf(2)
    })

    it('should say that limits are not enforced', () => {
      createManager({ system: { streams: 0 } }, { warnings: true, enforce: false }).openStream(peerA, 'inbound')

      expect(recorded.warnings[0].message).to.include('system would have refused 1 stream ')
    })

    it('should not come with `warnings: false`', () => {
      const manager = createManager({ system: { streams: 0 } }, { warnings: false })

      errorOf(() => manager.openStream(peerA, 'inbound'))
      expect(recorded.warnings).to.be.empty()
    })

    it('should be turned off by nothing but true and false', () => {
      for (const warnings of [0, 'no', null, {}]) {
        expect(() => createManager({}, { warnings: warnings as any })).to.throw('warnings: expected true or false').with.property('name', 'InvalidParametersError')
      }
    })
  })

  it('should be the limits that contradict each other, when a node starts', async () => {
    const nodes = new TestNodes()

    try {
      await nodes.create({ manager: { warnings: true, limits: { system: { conns: 5 } } } })

      expect(recorded.warnings.map(({ code }) => code)).to.include('RESOURCE_MANAGER_LIMITS')
      expect(recorded.warnings.some(({ message }) => message.includes('maxConnections'))).to.equal(true)
    } finally {
      await nodes.stop()
    }
  })
})
