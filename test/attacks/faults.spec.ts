import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { expect } from 'aegir/chai'
import { CapturedLogger } from '../libp2p/fixtures/captured-logger.ts'
import { rejection } from '../libp2p/fixtures/eventually.ts'
import { componentsOf, eventuallyHeld, rawConnection, TestNodes } from '../libp2p/fixtures/nodes.ts'
import { overMemory } from '../libp2p/fixtures/transports.ts'
import { atEveryMoment } from './faults/every-moment.ts'
import { CONNECTION_FAULTS, GATER_FAULTS, GIVING_UP, STREAM_FAULTS } from './faults/faults.ts'
import { plainEncrypter } from './faults/plain-encrypter.ts'
import { CLOSE_WITH_STREAM, CONNECTION, IDENTIFY, STREAM_OF_DIALER, STREAM_OF_LISTENER, UNKNOWN_PROTOCOL } from './faults/scenarios.ts'
import { Tables } from './faults/tables.ts'
import { UncaughtErrors } from './faults/uncaught-errors.ts'
import { SIDES, World } from './faults/world.ts'
import type { Fault } from './faults/faults.ts'
import type { Scenario } from './faults/scenarios.ts'
import type { Side, Stack } from './faults/world.ts'

const PLAIN: Stack = { encrypter: plainEncrypter(), muxer: yamux() }
const NOISE: Stack = { encrypter: noise() as Stack['encrypter'], muxer: yamux() }
const MPLEX: Stack = { encrypter: plainEncrypter(), muxer: mplex({ disconnectThreshold: Infinity }) as Stack['muxer'] }

/**
 * Lines of log that a node may write, however often something goes wrong
 */
const LOG_LINES = 10

/**
 * Fewer would mean that nobody counts them
 */
const FEWEST_MOMENTS = 8

const { 'aborts the raw connection': abortsRaw, 'closes the connection': closes, 'stops the node': stops } = CONNECTION_FAULTS
const FEW: Record<string, Fault> = { 'aborts the raw connection': abortsRaw, 'closes the connection': closes, 'stops the node': stops }

interface Subject {
  stack: Stack
  scenario: Scenario
  faults: Record<string, Fault>
}

const SUBJECTS: Record<string, Subject> = {
  'a connection': { stack: PLAIN, scenario: CONNECTION, faults: { ...CONNECTION_FAULTS, ...GATER_FAULTS } },
  'a connection with noise': { stack: NOISE, scenario: CONNECTION, faults: FEW },
  'a connection of nodes that identify each other': { stack: PLAIN, scenario: IDENTIFY, faults: FEW },
  'a connection that is closed with a stream': { stack: PLAIN, scenario: CLOSE_WITH_STREAM, faults: FEW },
  'a stream of the dialer': { stack: PLAIN, scenario: STREAM_OF_DIALER, faults: { ...CONNECTION_FAULTS, ...STREAM_FAULTS } },
  'a stream of the listener': { stack: PLAIN, scenario: STREAM_OF_LISTENER, faults: { ...CONNECTION_FAULTS, ...STREAM_FAULTS } },
  'a stream that nobody handles': { stack: PLAIN, scenario: UNKNOWN_PROTOCOL, faults: { ...FEW, ...STREAM_FAULTS } },
  'a stream with mplex': { stack: MPLEX, scenario: STREAM_OF_DIALER, faults: { ...FEW, ...STREAM_FAULTS } }
}

describe('a fault at every moment', () => {
  const nodes = new TestNodes()
  const uncaught = new UncaughtErrors()
  const logger = new CapturedLogger()
  const tables = new Tables()

  beforeEach(() => {
    logger.errors.length = 0
    tables.start()
    uncaught.start()
  })

  afterEach(async () => {
    uncaught.stop()
    await nodes.stop()

    const { entries } = tables

    tables.stop()
    expect(entries, 'connections and streams in tables').to.equal(0)
    expect(logger.errors.length).to.be.below(LOG_LINES)
    expect(logger.errors.filter(line => line.includes('because of an error'))).to.deep.equal([])
  })

  async function survive ({ stack, scenario }: Subject, fault: Fault, side: Side): Promise<void> {
    const world = await World.create(nodes, stack, scenario, logger)

    expect(await atEveryMoment({ world, scenario, fault, side, uncaught })).to.be.above(FEWEST_MOMENTS)
  }

  for (const [name, subject] of Object.entries(SUBJECTS)) {
    describe(name, () => {
      it('should leave nothing when whoever begins it gives up', async () => survive(subject, GIVING_UP, 'dialer'))

      for (const [what, fault] of Object.entries(subject.faults)) {
        for (const side of SIDES) {
          it(`should leave nothing when the ${side} ${what}`, async () => survive(subject, fault, side))
        }
      }
    })
  }
})

describe('an upgrade that is interrupted', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  // libp2p closes only the connections that it knows, and this one it knows later
  it('should end with the node', async () => {
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<boolean>()
    const { dialer, address } = await overMemory().connect(nodes, {
      dialer: {
        connectionGater: {
          async denyOutboundUpgradedConnection () {
            asked.resolve()

            return answer.promise
          }
        }
      }
    })
    const dial = rejection(dialer.dial(address))

    await asked.promise
    await dialer.stop()
    await eventuallyHeld(dialer, {})
    answer.resolve(false)
    await dial
    await eventuallyHeld(dialer, {})
  })

  // it would throw where nobody can catch it, as soon as it has to answer something
  it('should not get a muxer when the connection is closed', async () => {
    const { dialer, address } = await overMemory().connect(nodes)
    const connection = await dialer.dial(address)
    const [factory] = componentsOf(dialer).upgrader.getStreamMuxers().values()

    await connection.close()
    expect(() => factory.createStreamMuxer(rawConnection(connection))).to.throw().with.property('name', 'ConnectionClosedError')
  })
})
