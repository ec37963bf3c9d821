import { expect } from 'aegir/chai'
import delay from 'delay'
import { GiveWay } from '../../src/fleet/give-way.ts'
import { PositionedList } from '../../src/util/positioned-list.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import type { YieldingScope } from '../../src/fleet/give-way.ts'

const SCOPES = 256
const CONNECTIONS = 10_000

/** How many of them each may keep, of 39 or 40 */
const KEEP = 38

interface TestConnection {
  position: number
  serial: number
  scope: number
  holder: { evict(): boolean }
}

describe('fleet/give-way', () => {
  let checked: number
  let ended: number[]
  let room: number
  let held: number[]
  let connections: PositionedList<TestConnection>
  let yielding: GiveWay

  beforeEach(() => {
    checked = 0
    ended = []
    room = 0
    held = Array<number>(SCOPES).fill(0)
    connections = new PositionedList()
    yielding = new GiveWay({ member: { metricsSource: { graph: { connections } } } as any, ended: () => {} })

    for (let serial = 0; serial < CONNECTIONS; serial++) {
      connections.add(connect(serial))
    }

    for (let i = 0; i < SCOPES; i++) {
      yielding.add(scopeOf(i), 3, KEEP)
    }
  })

  function connect (serial: number): TestConnection {
    const scope = serial % SCOPES
    const evict = (): boolean => {
      ended.push(serial)
      held[scope]--
      connections.delete(connection)

      return true
    }
    const connection = { position: -1, serial, scope, holder: { evict } }

    held[scope]++

    return connection
  }

  function scopeOf (i: number): YieldingScope {
    return {
      key: `peer:${i}`,
      held: () => held[i],
      roomOf: () => room,
      yields: connection => {
        checked++

        return (connection as any).scope === i
      }
    }
  }

  it('should not hold the event loop until it has checked all, and end the newest of each', async () => {
    let before = checked
    let most = 0

    await eventually(() => {
      most = Math.max(most, checked - before)
      before = checked

      return held.every(count => count === KEEP)
    }, 'the end of all that are too many', 50_000)
    // all checks together take much longer than a slice
    expect(most).to.be.below(SCOPES * CONNECTIONS / 2)
    expect(ended).to.have.lengthOf(CONNECTIONS - SCOPES * KEEP)
    expect(Math.min(...ended)).to.equal(SCOPES * KEEP)
  })

  it('should let be who may have more meanwhile', async () => {
    room = 1_000
    await eventually(() => checked >= SCOPES * CONNECTIONS, 'all checks', 50_000)
    expect(ended).to.have.lengthOf(0)
  })

  it('should end nothing any more when it is stopped', async () => {
    yielding.stop()
    await delay(50)
    expect({ ended, checked }).to.deep.equal({ ended: [], checked: 0 })
  })
})
