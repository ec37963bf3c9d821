import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createResourceManager } from '../../src/index.ts'
import { METRICS_METHODS } from '../../src/reporting/metrics-reporter.ts'
import { CapturedLogger } from '../libp2p/fixtures/captured-logger.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { Inbox } from '../libp2p/fixtures/inbox.ts'
import { TestNodes } from '../libp2p/fixtures/nodes.ts'
import { overMemory } from '../libp2p/fixtures/transports.ts'
import { createManager, peerA, peerB, PROTOCOL, SERVICE } from '../scopes/fixtures.ts'
import type { MetricsReporter, PartialLimitConfig, ResourceManager, ResourceManagerInit } from '../../src/index.ts'

const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/4001')
const A = peerA.toString()

/**
 * What a reporter was told, one line each, such as `allowConn inbound true`
 */
function recording (): { reporter: MetricsReporter, told(): string[] } {
  const lines: string[] = []
  const reporter = Object.fromEntries(METRICS_METHODS.map(method => [method, (...args: unknown[]) => { lines.push([method, ...args].join(' ')) }]))

  return { reporter, told: () => lines.splice(0) }
}

function reported (limits: PartialLimitConfig = {}, init: ResourceManagerInit = {}): { manager: ResourceManager, told(): string[] } {
  const { reporter, told } = recording()

  return { manager: createManager(limits, { metricsReporter: reporter, ...init }), told }
}

describe('a metrics reporter', () => {
  it('should be told of everything that is admitted, once', () => {
    const { manager, told } = reported()
    const connection = manager.openConnection('inbound', true, ADDRESS)

    expect(told()).to.deep.equal(['allowConn inbound true'])
    connection.setPeer(peerA)
    expect(told()).to.deep.equal([`allowPeer ${A}`])
    connection.setService(SERVICE)
    expect(told()).to.deep.equal([`allowService ${SERVICE}`])

    const stream = manager.openStream(peerA, 'outbound')

    expect(told()).to.deep.equal([`allowStream ${A} outbound`])
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    expect(told()).to.deep.equal([`allowProtocol ${PROTOCOL}`, `allowService ${SERVICE}`])

    stream.reserveMemory(10)
    stream.beginSpan().beginSpan().reserveMemory(20)
    manager.viewSystem(scope => { scope.reserveMemory(30) })
    manager.viewService(SERVICE, scope => { scope.reserveMemory(40) })
    expect(told()).to.deep.equal(['allowMemory 10', 'allowMemory 20', 'allowMemory 30', 'allowMemory 40'])

    // what ends is not reported
    stream.releaseMemory(10)
    stream.done()
    connection.done()
    expect(told()).to.deep.equal([])
  })

  it('should know whether there was a file descriptor, whatever refused the connection', () => {
    for (const usefd of [true, false]) {
      const system = reported({ system: { conns: 0 } })

      expect(() => system.manager.openConnection('outbound', usefd, ADDRESS)).to.throw()
      expect(system.told()).to.deep.equal([`blockConn outbound ${usefd}`])

      const subnet = reported({}, { subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 1 }] } })

      subnet.manager.openConnection('inbound', usefd, ADDRESS)
      expect(() => subnet.manager.openConnection('inbound', usefd, ADDRESS)).to.throw()
      expect(subnet.told()).to.deep.equal([`allowConn inbound ${usefd}`, `blockConn inbound ${usefd}`])
    }
  })

  it('should know the peer, whatever refused the stream', () => {
    for (const limits of [{ system: { streams: 0 } }, { transient: { streamsInbound: 0 } }, { peerDefault: { streams: 0 } }, { stream: { streams: 0 } }]) {
      const { manager, told } = reported(limits)

      expect(() => manager.openStream(peerA, 'inbound')).to.throw()
      expect(told(), JSON.stringify(limits)).to.deep.equal([`blockStream ${A} inbound`])
    }
  })

  it('should be told what something was refused to become part of', () => {
    const refused: Array<[PartialLimitConfig, string]> = [
      [{ protocolDefault: { streams: 0 } }, `blockProtocol ${PROTOCOL}`],
      [{ protocolPeerDefault: { streams: 0 } }, `blockProtocolPeer ${PROTOCOL} ${A}`],
      [{ serviceDefault: { streams: 0 } }, `blockService ${SERVICE}`],
      [{ servicePeerDefault: { streams: 0 } }, `blockServicePeer ${SERVICE} ${A}`]
    ]

    for (const [limits, expected] of refused) {
      const { manager, told } = reported(limits)
      const stream = manager.openStream(peerA, 'inbound')

      expect(() => {
        stream.setProtocol(PROTOCOL)
        stream.setService(SERVICE)
      }).to.throw()
      expect(told().pop(), expected).to.equal(expected)
    }

    const { manager, told } = reported({ peerDefault: { conns: 1 }, serviceDefault: { conns: 0 } })
    const first = manager.openConnection('inbound', false)
    const second = manager.openConnection('inbound', false)

    first.setPeer(peerA)
    told()
    expect(() => { second.setPeer(peerA) }).to.throw()
    expect(told()).to.deep.equal([`blockPeer ${A}`])
    expect(() => { first.setService(SERVICE) }).to.throw()
    expect(told()).to.deep.equal([`blockService ${SERVICE}`])
  })

  it('should be told of memory that is refused, wherever it is', () => {
    const { manager, told } = reported({ system: { memory: 100 } })
    const stream = manager.openStream(peerA, 'inbound')

    stream.reserveMemory(100)
    told()
    expect(() => { stream.reserveMemory(1) }).to.throw()
    expect(() => { stream.beginSpan().reserveMemory(2) }).to.throw()
    expect(() => { manager.viewProtocol(PROTOCOL, scope => { scope.reserveMemory(3) }) }).to.throw()
    expect(told()).to.deep.equal(['blockMemory 1', 'blockMemory 2', 'blockMemory 3'])
  })

  it('should be told of both where limits are not enforced', () => {
    const { manager, told } = reported({ system: { streams: 0 } }, { enforce: false })

    manager.openStream(peerA, 'inbound')
    expect(told()).to.deep.equal([`blockStream ${A} inbound`, `allowStream ${A} inbound`])
  })

  it('should need none of its methods', () => {
    const manager = createManager({ system: { streams: 1 } }, { metricsReporter: {} })

    manager.openStream(peerA, 'inbound').setProtocol(PROTOCOL)
    expect(() => manager.openStream(peerB, 'inbound')).to.throw()
  })

  it('should be refused where it cannot be called', () => {
    for (const [metricsReporter, message] of [[null, 'metricsReporter: expected an object'], [5, 'metricsReporter: expected an object'], [{ allowConn: 5 }, 'metricsReporter.allowConn: expected a function']] as any) {
      expect(() => createResourceManager({ metricsReporter })).to.throw(message).with.property('name', 'InvalidParametersError')
    }
  })

  it('should be a class as well', () => {
    class Counter implements MetricsReporter {
      #streams = 0

      get streams (): number {
        return this.#streams
      }

      allowStream (): void {
        this.#streams++
      }
    }

    const metricsReporter = new Counter()

    createManager({}, { metricsReporter }).openStream(peerA, 'inbound')
    expect(metricsReporter.streams).to.equal(1)
  })

  it('should be told nothing any more after it has failed, which is logged, and spoil nothing', () => {
    const logger = new CapturedLogger()
    const events: string[] = []
    let calls = 0
    const manager = createManager({}, {
      logger,
      trace: [{ consumeEvent: ({ type }) => { events.push(type) } }],
      metricsReporter: {
        allowStream () {
          calls++
          throw new Error('failed on purpose')
        }
      }
    })

    for (let i = 0; i < 3; i++) {
      manager.openStream(peerA, 'inbound')
    }

    expect(manager.stat().system.numStreamsInbound).to.equal(3)
    expect(calls).to.equal(1)
    expect(logger.errors.filter(line => line.includes('the metrics reporter failed'))).to.have.lengthOf(1)
    // somebody else is still told
    expect(events.filter(type => type === 'create_scope').length).to.be.at.least(3)
  })

  it('should go on when a trace has failed', () => {
    const { reporter, told } = recording()
    const manager = createManager({}, { logger: new CapturedLogger(), metricsReporter: reporter, trace: [{ consumeEvent () { throw new Error('failed on purpose') } }] })

    manager.openStream(peerA, 'inbound')
    manager.openStream(peerA, 'inbound')
    expect(told()).to.deep.equal([`allowStream ${A} inbound`, `allowStream ${A} inbound`])
  })

  describe('of a node', () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    it('should be told of connections and streams, with what they weigh', async () => {
      const { reporter, told } = recording()
      const { dialer, listener, address } = await overMemory().connect(nodes, {
        listener: { manager: { metricsReporter: reporter, services: { [SERVICE]: [PROTOCOL] }, baseCosts: { connection: 1000, stream: 100 }, limits: { protocolPeer: { [PROTOCOL]: { streams: 1 } } } } }
      })
      const inbox = await Inbox.of(listener, PROTOCOL)
      const connection = await dialer.dial(address)
      const peer = dialer.peerId.toString()

      await connection.newStream(PROTOCOL)
      await inbox.next()

      const before = told()

      expect(before.filter(line => /Conn|Peer/.test(line))).to.deep.equal(['allowConn inbound false', `allowPeer ${peer}`])
      expect(before).to.include.members([`allowStream ${peer} inbound`, `allowProtocol ${PROTOCOL}`, `allowService ${SERVICE}`])

      await connection.newStream(PROTOCOL).catch(() => {})

      const lines: string[] = []

      await eventually(() => {
        lines.push(...told())

        return lines.includes(`blockProtocolPeer ${PROTOCOL} ${peer}`)
      }, 'the refusal')
    })
  })
})
