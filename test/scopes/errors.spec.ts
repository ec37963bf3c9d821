import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError, MemoryLimitExceededError, ResourceLimitExceededError, ResourceScopeClosedError, ResourceScopeStateError, StreamLimitExceededError } from '../../src/index.ts'
import { createManager, errorOf, peerA, recordingLogger } from './fixtures.ts'
import type { ResourceManager } from '../../src/index.ts'

const REFUSALS: Array<[typeof ResourceLimitExceededError & { name: string }, string, (manager: ResourceManager) => void]> = [
  [StreamLimitExceededError, 'stream', manager => manager.openStream(peerA, 'inbound')],
  [ConnectionLimitExceededError, 'connection', manager => manager.openConnection('inbound', true)],
  [MemoryLimitExceededError, 'memory', manager => { manager.viewSystem(scope => { scope.reserveMemory(1) }) }]
]

const ALL_BLOCKED = { system: { streams: 0, conns: 0, memory: 0 } }

describe('errors', () => {
  for (const [type, resource, request] of REFUSALS) {
    it(`should be a ${type.name} when a ${resource} is refused`, () => {
      const error = errorOf(() => { request(createManager(ALL_BLOCKED)) })

      expect(error).to.be.an.instanceOf(type).and.an.instanceOf(ResourceLimitExceededError).and.an.instanceOf(Error)
      expect(error).to.include({ name: type.name, resource, scope: 'system', temporary: true, current: 0, attempted: 1, limit: 0 })
      expect(Object.hasOwn(error, 'name')).to.be.true()
    })
  }

  it('should have their names as static names, which minifiers do not change', () => {
    expect([ResourceLimitExceededError, StreamLimitExceededError, ConnectionLimitExceededError, MemoryLimitExceededError, ResourceScopeClosedError, ResourceScopeStateError].map(type => type.name)).to.deep.equal([
      'ResourceLimitExceededError', 'StreamLimitExceededError', 'ConnectionLimitExceededError', 'MemoryLimitExceededError', 'ResourceScopeClosedError', 'ResourceScopeStateError'
    ])
  })

  it('should not tell a closed scope or a wrong state as a limit that was exceeded', () => {
    for (const error of [new ResourceScopeClosedError(), new ResourceScopeStateError()]) {
      expect(error).to.not.be.an.instanceOf(ResourceLimitExceededError)
      expect(error).to.not.have.property('temporary')
    }
  })

  it('should tell how much there was, how much was asked for and what the limit is', () => {
    const manager = createManager({ system: { memory: 100 } })
    const connection = manager.openConnection('inbound', false)

    connection.reserveMemory(70)
    expect(errorOf(() => { connection.reserveMemory(31) })).to.deep.include({ current: 70, attempted: 31, limit: 100, priority: 255, direction: undefined })
  })

  it('should tell the state of when it was refused, not of when it is looked at', () => {
    const manager = createManager({ system: { memory: 100 } })
    const connection = manager.openConnection('inbound', false)

    connection.reserveMemory(70)

    const error = errorOf(() => { connection.reserveMemory(31) })

    connection.done()
    expect(error).to.include({ current: 70, message: 'conn-1: system: resource limit exceeded' })
  })

  it('should not capture a stack trace for what is refused, unless debug logs are on', function () {
    if (Error.stackTraceLimit == null) {
      // only engines with this property can do without
      return this.skip()
    }

    const { stackTraceLimit } = Error

    for (const [,, request] of REFUSALS) {
      const quiet = createManager(ALL_BLOCKED, { logger: recordingLogger(false).logger })
      const debugged = createManager(ALL_BLOCKED, { logger: recordingLogger(true).logger })

      expect(errorOf(() => { request(quiet) }).stack).to.not.include('\n    at ')
      expect(errorOf(() => { request(debugged) }).stack).to.include('\n    at ')
      expect(Error.stackTraceLimit).to.equal(stackTraceLimit)
    }
  })

  it('should only be logged when debug logs are on', () => {
    for (const enabled of [true, false]) {
      const { logger, messages, errors } = recordingLogger(enabled)
      const manager = createManager(ALL_BLOCKED, { logger })

      expect(() => manager.openConnection('inbound', true)).to.throw(ConnectionLimitExceededError)
      expect(messages).to.have.lengthOf(enabled ? 1 : 0)
      messages.forEach(message => { expect(message).to.include('conn-1: system: cannot reserve connection: resource limit exceeded') })
      expect(errors).to.be.empty()
    }
  })
})
