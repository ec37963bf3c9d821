import { expect } from 'aegir/chai'
import fc from 'fast-check'
import sinon from 'sinon'
import { PositionedList } from '../../src/util/positioned-list.ts'
import { inSlices, runInSlices } from '../../src/util/slices.ts'
import type { Slice } from '../../src/util/slices.ts'

const MANY = 1_000

function * count (slice: Slice, counted: number[]): Generator<undefined, number, undefined> {
  for (let i = 0; i < MANY; i++) {
    counted.push(i)

    if (slice.over) {
      yield
    }
  }

  return counted.length
}

describe('work in slices', () => {
  afterEach(() => {
    sinon.restore()
  })

  /** A clock on which every reading of it takes longer than a slice */
  function slowClock (): void {
    let now = 0

    sinon.stub(performance, 'now').callsFake(() => { now += 10; return now })
  }

  it('should be done at once where it fits into one slice', () => {
    sinon.stub(performance, 'now').returns(0)

    const done = sinon.fake()
    const schedule = sinon.fake()

    runInSlices(slice => count(slice, []), done, schedule)
    expect(done.args).to.deep.equal([[MANY]])
    expect(schedule.callCount).to.equal(0)
  })

  it('should go on in another turn when its time is over, and lose nothing', () => {
    slowClock()

    const waiting: Array<() => void> = []
    const counted: number[] = []
    const done = sinon.fake()

    runInSlices(slice => count(slice, counted), done, go => waiting.push(go))
    expect(counted).to.have.length.within(1, MANY - 1)

    for (let go = waiting.pop(); go != null; go = waiting.pop()) {
      expect(done.callCount).to.equal(0)
      go()
    }

    expect(done.args).to.deep.equal([[MANY]])
    expect(counted).to.deep.equal(Array.from({ length: MANY }, (_, i) => i))
  })

  it('should begin in a slice of its own for somebody who waits, and tell what goes wrong in any slice', async () => {
    slowClock()

    const counted: number[] = []
    const result = inSlices(slice => count(slice, counted))

    expect(counted).to.deep.equal([])
    expect(await result).to.equal(MANY)

    await expect(inSlices(function * (slice) {
      yield * count(slice, [])
      throw new Error('the last one')
    })).to.eventually.be.rejectedWith('the last one')
  })

  it('should see all that are in a list and stay, whatever comes and goes in between', () => {
    const step = fc.record({ index: fc.nat(), checks: fc.nat(3), adds: fc.boolean() })

    fc.assert(fc.property(fc.integer({ min: 0, max: 20 }), fc.array(step, { maxLength: 30 }), (size, steps) => {
      const list = new PositionedList<{ position: number }>()
      const staying = new Set<{ position: number }>()
      const seen = new Set<unknown>()

      for (let i = 0; i < size; i++) {
        const value = { position: -1 }

        list.add(value)
        staying.add(value)
      }

      let i = list.size - 1

      for (const { adds, index, checks } of [...steps, { checks: size, adds: true, index: 0 }]) {
        for (let check = 0; check < checks && i >= 0; check++, i--) {
          seen.add(list.at(i))
        }

        if (adds) {
          list.add({ position: -1 })
        } else if (list.size > 0) {
          const gone = list.at(index % list.size) as { position: number }

          list.delete(gone)
          staying.delete(gone)
        }
      }

      expect([...staying].filter(value => !seen.has(value))).to.deep.equal([])
    }))
  })
})
