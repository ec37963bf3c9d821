import { expect } from 'aegir/chai'
import { useFakeTimers } from 'sinon'
import { createManager, NOTHING, peerA, PROTOCOL, recordingLogger, SERVICE } from './fixtures.ts'
import type { ResourceManager, ResourceScope } from '../../src/index.ts'

const SCOPES: Record<string, (manager: ResourceManager) => ResourceScope> = {
  system: manager => manager.viewSystem(scope => scope),
  'a service': manager => manager.viewService(SERVICE, scope => scope),
  'a protocol': manager => manager.viewProtocol(PROTOCOL, scope => scope),
  'a peer': manager => manager.viewPeer(peerA, scope => scope),
  'a connection': manager => manager.openConnection('inbound', false),
  'a stream': manager => manager.openStream(peerA, 'inbound'),
  'a span': manager => manager.viewTransient(scope => scope.beginSpan()),
  'an owned service scope': manager => manager.openService(SERVICE)
}

describe('releasing more than is held', () => {
  for (const [what, open] of Object.entries(SCOPES)) {
    it(`should stop at 0 in ${what}, and log one warning`, () => {
      const { logger, errors } = recordingLogger()
      const manager = createManager({}, { logger })
      const scope = open(manager)
      const others = manager.viewSystem(scope => scope.beginSpan())

      others.reserveMemory(100)
      scope.reserveMemory(10)
      scope.releaseMemory(11)
      expect(scope.stat().memory).to.equal(what === 'system' ? 100 : 0)
      expect(manager.stat().system.memory).to.equal(100)
      expect(errors).to.deep.equal([`${scope.name}: released more memory than was held (11 of 10)`])

      // the scope is as good as before
      scope.reserveMemory(10)
      expect(manager.stat().system.memory).to.equal(110)
    })

    it(`should not take away what spans hold in ${what}`, () => {
      const { logger, errors } = recordingLogger()
      const manager = createManager({}, { logger })
      const scope = open(manager)
      const span = scope.beginSpan()

      span.reserveMemory(20)
      scope.reserveMemory(10)
      scope.releaseMemory(25)
      expect(scope.stat().memory).to.equal(20)
      expect(errors).to.have.lengthOf(1)
      span.done()
      expect(scope.stat().memory).to.equal(0)
      expect(manager.stat().system.memory).to.equal(0)
    })
  }

  it('should not warn when exactly what is held is released, or nothing', () => {
    const { logger, errors } = recordingLogger()
    const manager = createManager({}, { logger })
    const connection = manager.openConnection('inbound', false)

    connection.reserveMemory(10)
    connection.releaseMemory(10)
    connection.releaseMemory(0)
    expect(errors).to.be.empty()
    connection.releaseMemory(1)
    expect(errors).to.have.lengthOf(1)
  })

  it('should not take away what the streams of a peer hold', () => {
    const manager = createManager()

    manager.openStream(peerA, 'inbound').reserveMemory(10)
    manager.viewPeer(peerA, scope => {
      scope.reserveMemory(5)
      scope.releaseMemory(15)
    })
    expect(manager.stat().peers[peerA.toString()].memory).to.equal(10)
  })

  it('should change nothing for streams and connections of a service', () => {
    const { logger, errors } = recordingLogger()
    const manager = createManager({}, { logger })
    const service = manager.openService(SERVICE)

    service.reserveStream('inbound')
    service.reserveConnection('outbound', false)

    const before = manager.stat()

    service.releaseStream('outbound')
    service.releaseConnection('inbound')
    // the connection that is held has no file descriptor
    service.releaseConnection('outbound', true)
    expect(manager.stat()).to.deep.equal(before)
    expect(errors).to.deep.equal([`service:${SERVICE}.span-1: released more outbound streams than was held (1 of 0)`])

    service.reserveConnection('inbound', true)
    service.releaseConnection('outbound')
    const withDescriptor = manager.stat()
    // the connection that is left has a file descriptor
    service.releaseConnection('inbound', false)
    expect(manager.stat()).to.deep.equal(withDescriptor)
    service.releaseConnection('inbound', true)

    service.releaseStream('inbound')
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should never flood the log', () => {
    const clock = useFakeTimers({ toFake: ['Date'] })

    try {
      const { logger, errors } = recordingLogger()
      const connection = createManager({}, { logger }).openConnection('inbound', false)
      const release = (times: number): void => {
        for (let i = 0; i < times; i++) {
          connection.releaseMemory(1)
        }
      }

      release(1000)
      expect(errors).to.have.lengthOf(1)

      clock.tick(60_000)
      release(1000)
      expect(errors).to.deep.equal([
        'conn-1: released more memory than was held (1 of 0)',
        'conn-1: released more memory than was held (1 of 0) (and 999 more warnings before it)'
      ])
    } finally {
      clock.restore()
    }
  })
})
