/**
 * What is protected: the suite passes for what keeps the rules, and fails for what breaks any
 * one of them.
 */

import { expect } from 'aegir/chai'
import { resourceManagerCompliance } from '../src/compliance.ts'
import { createResourceManager, NullResourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits/infinite-limits.ts'
import { Toy } from './libp2p/fixtures/toy-manager.ts'
import type { ComplianceInit } from '../src/compliance.ts'
import type { ResourceManager } from '../src/index.ts'

type Method = (...args: any[]) => any

const create = (limits = {}): ResourceManager => createResourceManager({ limits: { ...limits }, rateLimits: false, warnings: false })

/**
 * Gives an object other methods, which get what the method before them answers to
 */
function change <T extends object> (object: T, methods: Record<string, (before: Method, ...args: any[]) => any>): T {
  for (const [name, method] of Object.entries(methods)) {
    const before = (object as Record<string, Method>)[name].bind(object)

    Object.defineProperty(object, name, { configurable: true, value: (...args: any[]) => method(before, ...args) })
  }

  return object
}

/**
 * Resource managers with one fault each, and the test that has to find it
 */
const FAULTS: Record<string, [fault: (manager: ResourceManager) => ResourceManager, found: RegExp]> = {
  'closes nothing': [
    manager => change(manager, { openConnection: (open, ...args) => change(open(...args), { done: () => {} }) }),
    /connection too many, until one is closed/
  ],
  'closes another one the second time': [
    manager => {
      const scopes: Array<{ done(): void }> = []

      return change(manager, {
        openConnection: (open, ...args) => {
          let closed = false
          const scope = change(open(...args), {
            done: done => {
              if (closed) {
                scopes.find(other => other !== scope)?.done()
              }

              closed = true
              done()
            }
          })

          scopes.push(scope)

          return scope
        }
      })
    },
    /connection too many, until one is closed/
  ],
  'takes one direction for the other': [
    manager => change(manager, { openConnection: (open, direction, ...args) => open(direction === 'inbound' ? 'outbound' : direction, ...args) }),
    /inbound connection too many/
  ],
  'takes all peers for one': [
    manager => {
      let first: any

      return change(manager, {
        openStream: (open, peer, ...args) => {
          first ??= peer

          return open(first, ...args)
        }
      })
    },
    /stream of a peer too many, and none of another/
  ],
  'closes what it does not move': [
    manager => change(manager, {
      openStream: (open, ...args) => {
        const stream = open(...args)

        return change(stream, {
          setProtocol: (set, protocol) => {
            try {
              set(protocol)
            } catch (err) {
              stream.done()
              throw err
            }
          }
        })
      }
    }),
    /leave the stream where it is/
  ],
  'throws what is no error': [
    manager => change(manager, {
      openConnection: (open, ...args) => {
        try {
          return open(...args)
        } catch (err) {
          // eslint-disable-next-line @typescript-eslint/only-throw-error
          throw String(err)
        }
      }
    }),
    /connection too many/
  ],
  'keeps memory that is released': [
    manager => change(manager, { openStream: (open, ...args) => change(open(...args), { releaseMemory: () => {} }) }),
    /memory that does not fit/
  ],
  'answers later': [
    manager => change(manager, { openStream: (open, ...args) => Object.assign(open(...args), { then: () => {} }) }),
    /answer in the same step/
  ],
  'starts once': [
    manager => {
      let started = false

      return change(manager, {
        start: async start => {
          if (started) {
            throw new Error('it was started before')
          }

          started = true
          await start()
        }
      })
    },
    /start and stop more than once/
  ],
  'keeps the answer of a view': [
    manager => change(manager, { viewSystem: (view, fn) => { view(fn) } }),
    /answer with what they return/
  ],
  'lets views close': [
    manager => change(manager, { getStreamScope: (get, stream) => Object.assign(Object.create(get(stream)), { done: () => {} }) }),
    /streams and connections that it does not know/
  ],
  'forgets what services hold': [
    manager => change(manager, { openService: (open, ...args) => change(open(...args), { done: () => {} }) }),
    /count nothing after all has ended/
  ],
  'keeps what spans hold': [
    manager => change(manager, { openStream: (open, ...args) => change(open(...args), { beginSpan: begin => change(begin(), { done: () => {} }) }) }),
    /what a span holds/
  ],
  rounds: [
    manager => change(manager, { openStream: (open, ...args) => change(open(...args), { reserveMemory: (reserve, size) => { reserve(Math.max(0, Math.round(size)) || 0) } }) }),
    /nonsense/
  ],
  'closes what is above new limits': [
    manager => {
      const open: Array<{ done(): void }> = []

      return change(manager, {
        openConnection: (openConnection, ...args) => {
          const connection = openConnection(...args)

          open.push(connection)

          return connection
        },
        setLimits: (set, ...args) => {
          open.forEach(connection => { connection.done() })

          return set(...args)
        }
      })
    },
    /end nothing/
  ]
}

async function failures (init: Pick<ComplianceInit, 'create' | 'refuses' | 'complete'>): Promise<string[]> {
  const failed: string[] = []
  const tests: Array<[string, () => void | Promise<void>]> = []

  resourceManagerCompliance({
    describe: (_, fn) => { fn() },
    it: (name, fn) => { tests.push([name, fn]) },
    ...init
  })

  for (const [name, fn] of tests) {
    await Promise.resolve().then(fn).catch(err => { failed.push(`${name}: ${err?.message}`) })
  }

  return failed
}

describe('compliance', () => {
  describe('of the resource manager', () => {
    resourceManagerCompliance({ describe, it, create, refuses: true, complete: true })
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

  it('should not be there where nothing is refused', async () => {
    const failed = await failures({ create: () => new NullResourceManager(), refuses: true })

    expect(failed).to.have.lengthOf(7)
    expect(failed[0]).to.equal('should refuse one inbound connection too many, until one is closed: expected the third to be refused with an error')
  })

  describe('should not be there with a manager that', () => {
    for (const [name, [fault, found]] of Object.entries(FAULTS)) {
      it(name, async () => {
        const failed = await failures({ create: limits => fault(create(limits)), refuses: true, complete: true })

        expect(failed.join('\n')).to.match(found)
      })
    }
  })
})
