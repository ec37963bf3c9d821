import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { DefaultCollector } from '../../src/sessions/default-collector.ts'
import { stopTime } from './fixtures.ts'

const SESSION_TIMEOUT = 4_000
const INACTIVE_TIMEOUT = 2_000
const MAX_HISTORY = 3

interface ModelSession {
  peer: string
  active: boolean
  lastSeen: number
  // the order of those that were last seen in the same step
  order: number
  rx: Array<{ step: number, bytes: number }>
}

/**
 * Does everything in the most obvious way, and looks at all sessions in each step
 */
class ModelCollector {
  step = 0
  #seen = 0
  readonly sessions = new Map<string, ModelSession>()
  readonly history = new Map<string, number>()
  readonly rx: Array<{ step: number, bytes: number }> = []

  register (id: string, peer: string): void {
    if (!this.sessions.has(id)) {
      this.sessions.set(id, { peer, active: false, lastSeen: this.step, order: this.#seen++, rx: [] })
    }
  }

  activate (id: string): boolean {
    const session = this.sessions.get(id)

    if (session == null || session.active) {
      return false
    }

    this.#activity(session)

    return true
  }

  ingress (id: string, bytes: number): void {
    const session = this.sessions.get(id)

    if (session != null && bytes > 0) {
      this.#activity(session)
      session.rx.push({ step: this.step, bytes })
      this.rx.push({ step: this.step, bytes })
    }
  }

  unregister (id: string): void {
    const session = this.sessions.get(id)

    this.sessions.delete(id)

    if (session?.active === true) {
      const known = this.history.has(session.peer) || [...this.history.keys()].filter(peer => peer !== 'other').length < MAX_HISTORY
      const peer = known ? session.peer : 'other'

      this.history.set(peer, (this.history.get(peer) ?? 0) + total(session.rx))
    }
  }

  nextStep (): void {
    this.step++

    // the order decides who gets the last entries of the history
    const byAge = [...this.sessions].sort(([, a], [, b]) => a.lastSeen - b.lastSeen || a.order - b.order)

    for (const [id, { active, lastSeen }] of byAge) {
      const timeout = (active ? SESSION_TIMEOUT : INACTIVE_TIMEOUT) / 1_000

      if (this.step > lastSeen + timeout) {
        this.unregister(id)
      }
    }
  }

  bitrate (rx: Array<{ step: number, bytes: number }>): number {
    return total(rx.filter(({ step }) => step > this.step - 10)) * 8 / 10
  }

  #activity (session: ModelSession): void {
    if (!session.active || session.lastSeen !== this.step) {
      session.order = this.#seen++
    }

    session.active = true
    session.lastSeen = this.step
  }
}

function total (rx: Array<{ bytes: number }>): number {
  return rx.reduce((sum, { bytes }) => sum + bytes, 0)
}

const id = fc.constantFrom('a', 'b', 'c', 'd', '__proto__')
const command = fc.oneof(
  fc.record({ type: fc.constant('register' as const), id, peer: fc.constantFrom('p', 'q', 'r', 's', 't', 'constructor') }),
  fc.record({ type: fc.constant('activate' as const), id }),
  fc.record({ type: fc.constant('ingress' as const), id, bytes: fc.nat({ max: 10_000 }) }),
  fc.record({ type: fc.constant('unregister' as const), id }),
  fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(1, 300, 999, 1_000, 2_500, 7_000, 15_000) })
)

describe('sessions/collector model', () => {
  it('should answer as a model does', () => {
    fc.assert(fc.property(fc.array(command, { maxLength: 60 }), commands => {
      const time = stopTime()

      try {
        const collector = new DefaultCollector({ sessionTimeout: SESSION_TIMEOUT, inactiveTimeout: INACTIVE_TIMEOUT, maxHistory: MAX_HISTORY })
        const model = new ModelCollector()
        let now = 0

        for (const command of commands) {
          switch (command.type) {
            case 'register':
              collector.register(command.id, '/ref', 'here', command.peer)
              model.register(command.id, command.peer)
              break
            case 'activate':
              expect(collector.activate(command.id)).to.equal(model.activate(command.id))
              break
            case 'ingress':
              collector.ingress(command.id, command.bytes)
              model.ingress(command.id, command.bytes)
              break
            case 'unregister':
              collector.unregister(command.id)
              model.unregister(command.id)
              break
            default:
              now += command.ms
              time.tick(command.ms)

              while (model.step < Math.floor(now / 1_000)) {
                model.nextStep()
              }
          }

          expectSame(collector, model)
        }
      } finally {
        time.restore()
      }
    }))
  })
})

function expectSame (collector: DefaultCollector, model: ModelCollector): void {
  const { active, currentRxBitrate, summary } = collector.summary()

  expect(active.map(({ id, peer, rxBytes, rxBitrate }) => ({ id, peer, rxBytes, rxBitrate }))).to.deep.equal(
    [...model.sessions].filter(([, { active }]) => active).map(([id, { peer, rx }]) => ({
      id,
      peer,
      rxBytes: total(rx),
      rxBitrate: model.bitrate(rx)
    }))
  )
  expect(currentRxBitrate).to.equal(model.bitrate(model.rx))

  for (const id of ['a', 'b', 'c', 'd', '__proto__']) {
    expect(collector.isKnownSession(id), id).to.equal(model.sessions.has(id))
  }

  expect(Object.keys(summary.peers)).to.have.members([...model.history.keys()])
  model.history.forEach((bytes, peer) => {
    expect(summary.peers[peer].totalRxBytes, peer).to.equal(bytes)
  })
}
