import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { SessionQueue } from '../../src/sessions/session-queue.ts'
import { ActiveSession } from '../../src/sessions/session.ts'

function session (index: number): ActiveSession {
  return new ActiveSession({ id: `${index}`, reference: '', location: '', peer: '', step: 0 })
}

describe('sessions/session-queue', () => {
  it('should keep sessions in order as a list does', () => {
    const operation = fc.record({
      index: fc.nat({ max: 7 }),
      type: fc.constantFrom('push', 'remove', 'moveToEnd')
    })

    fc.assert(fc.property(fc.array(operation, { maxLength: 50 }), operations => {
      const sessions = Array.from({ length: 8 }, (_, index) => session(index))
      const queue = new SessionQueue()
      let model: ActiveSession[] = []

      for (const { index, type } of operations) {
        const session = sessions[index]

        // adding what is there and removing what is not are not allowed
        if (model.includes(session) === (type === 'push')) {
          continue
        }

        model = model.filter(other => other !== session)

        if (type === 'push') {
          queue.push(session)
          model.push(session)
        } else if (type === 'moveToEnd') {
          queue.moveToEnd(session)
          model.push(session)
        } else {
          queue.remove(session)
        }

        expect(queue.size).to.equal(model.length)
        expect(queue.first).to.equal(model[0])
      }

      // what is left comes out in order
      for (const session of model) {
        expect(queue.first).to.equal(session)
        queue.remove(session)
      }

      expect(queue.first).to.equal(undefined)
    }))
  })
})
