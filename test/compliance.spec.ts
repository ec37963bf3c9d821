import { expect } from 'aegir/chai'
import { resourceManagerCompliance } from '../src/compliance.ts'
import { createResourceManager, NullResourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits/infinite-limits.ts'
import { Toy } from './libp2p/fixtures/toy-manager.ts'

describe('compliance', () => {
  describe('of the resource manager', () => {
    resourceManagerCompliance({ describe, it, create: limits => createResourceManager({ limits: { ...limits }, rateLimits: false }), refuses: true, complete: true })
  })

  describe('of one without limits', () => {
    resourceManagerCompliance({ describe, it, create: () => createResourceManager({ limits: InfiniteLimits }), complete: true })
  })

  describe('of the null resource manager', () => {
    resourceManagerCompliance({ describe, it, create: () => new NullResourceManager(), complete: true })
  })

  describe('of a toy', () => {
    resourceManagerCompliance({ describe, it, create: () => new Toy() })
  })

  it('should not be there with a manager that closes what is open, refuses nothing, or answers later', async () => {
    const failed: string[] = []
    const tests: Array<[string, () => void | Promise<void>]> = []

    resourceManagerCompliance({
      describe: (_, fn) => { fn() },
      it: (name, fn) => { tests.push([name, fn]) },
      create: () => new NullResourceManager(),
      refuses: true
    })

    for (const [name, fn] of tests) {
      await Promise.resolve().then(fn).catch(err => { failed.push(`${name}: ${err.message}`) })
    }

    expect(failed).to.have.lengthOf(7)
    expect(failed[0]).to.equal('should refuse one inbound connection too many, until one is closed: expected the third to be refused with an error')
  })
})
