import { expect } from 'aegir/chai'
import { createManager, peerA, PROTOCOL, SERVICE } from './fixtures.ts'
import type { ResourceManager, ResourceScope } from '../../src/index.ts'

type View = <T> (manager: ResourceManager, fn: (scope: ResourceScope) => T) => T

const VIEWS: Record<string, View> = {
  viewSystem: (manager, fn) => manager.viewSystem(fn),
  viewTransient: (manager, fn) => manager.viewTransient(fn),
  viewService: (manager, fn) => manager.viewService(SERVICE, fn),
  viewProtocol: (manager, fn) => manager.viewProtocol(PROTOCOL, fn),
  viewPeer: (manager, fn) => manager.viewPeer(peerA, fn)
}

/**
 * The views of scopes that are collected when nobody needs them
 */
const COLLECTED = {
  viewProtocol: (manager: ResourceManager) => manager.listProtocols().length,
  viewPeer: (manager: ResourceManager) => manager.listPeers().length
}

describe('views', () => {
  for (const [name, view] of Object.entries(VIEWS)) {
    it(`should return what the function returns, sync and async, from ${name}`, async () => {
      const manager = createManager()
      const value = { any: 'thing' }

      expect(view(manager, () => value)).to.equal(value)
      expect(view(manager, () => undefined)).to.be.undefined()
      expect(view(manager, () => null)).to.be.null()
      await expect(view(manager, async () => value)).to.eventually.equal(value)
    })

    it(`should throw what the function throws, sync and async, from ${name}`, async () => {
      const manager = createManager()
      const error = new Error('the function failed')

      expect(() => view(manager, () => { throw error })).to.throw(error)
      await expect(view(manager, async () => { throw error })).to.eventually.be.rejectedWith(error)
    })

    it(`should give the same scope again from ${name}`, () => {
      const manager = createManager()

      expect(view(manager, scope => scope)).to.equal(view(manager, scope => scope))
    })
  }

  for (const [name, count] of Object.entries(COLLECTED)) {
    const view = VIEWS[name]

    it(`should create the scope of ${name}, and keep it while the function runs`, () => {
      const manager = createManager()

      expect(count(manager)).to.equal(0)
      view(manager, () => {
        view(manager, () => { manager.gc() })
        manager.gc()
        expect(count(manager)).to.equal(1)
      })
      expect(count(manager)).to.equal(1)
      manager.gc()
      expect(count(manager)).to.equal(0)
    })

    it(`should let the scope of ${name} go when the function has thrown`, () => {
      const manager = createManager()

      expect(() => view(manager, () => { throw new Error('the function failed') })).to.throw('the function failed')
      manager.gc()
      expect(count(manager)).to.equal(0)
    })

    for (const outcome of ['resolved', 'rejected'] as const) {
      it(`should keep the scope of ${name} until the promise of the function is ${outcome}`, async () => {
        const manager = createManager()
        const { promise, resolve, reject } = Promise.withResolvers<string>()
        const result = view(manager, async scope => {
          await promise
          scope.reserveMemory(10)
          scope.releaseMemory(10)
        })

        await Promise.resolve()
        manager.gc()
        expect(count(manager)).to.equal(1)

        if (outcome === 'resolved') {
          resolve('done')
          await result
        } else {
          reject(new Error('the function failed'))
          await expect(result).to.eventually.be.rejectedWith('the function failed')
        }

        manager.gc()
        expect(count(manager)).to.equal(0)
      })
    }

    it(`should keep the scope of ${name} until the last of several functions has ended`, async () => {
      const manager = createManager()
      const first = Promise.withResolvers<void>()
      const second = Promise.withResolvers<void>()
      const results = [first, second].map(async ({ promise }) => view(manager, async () => promise))

      second.resolve()
      await results[1]
      manager.gc()
      expect(count(manager)).to.equal(1)
      first.resolve()
      await results[0]
      manager.gc()
      expect(count(manager)).to.equal(0)
    })

    it(`should wait in ${name} for what is like a promise, and answer with a promise`, async () => {
      const manager = createManager()
      let settle: (value: string) => void = () => {}
      const thenable = { then: (onFulfilled: (value: string) => void) => { settle = onFulfilled } }
      const result: Promise<string> = view(manager, () => thenable) as any

      await Promise.resolve()
      manager.gc()
      expect(count(manager)).to.equal(1)
      settle('done')
      await expect(result).to.eventually.equal('done')
      manager.gc()
      expect(count(manager)).to.equal(0)
    })
  }
})
