import { expect } from 'aegir/chai'
import { MemoryLimitExceededError } from '../../src/index.ts'
import { Pressures } from '../../src/libp2p/pressure/pressure.ts'
import { ProcessMemory } from '../../src/libp2p/pressure/process-memory.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { refusalCounts } from '../scopes/fixtures.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { held, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { ProcessMemoryInit } from '../../src/libp2p/pressure/process-memory.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'

describe('the memory of the process', () => {
  const nodes = new TestNodes()
  let now = 0

  afterEach(async () => {
    await nodes.stop()
  })

  function setUp (init: ProcessMemoryInit, read: () => number | undefined, manager: ResourceManagerInit = {}): { logger: CapturedLogger, manager: DefaultResourceManager, refused(): boolean, memory: ProcessMemory, pressures: Pressures } {
    const logger = new CapturedLogger()
    const made = makeManager({ logger, ...manager })
    const memory = new ProcessMemory(made.core, init, read, () => now)
    const pressures = new Pressures([memory])

    return {
      logger,
      manager: made,
      memory,
      pressures,
      refused: () => {
        now += 100

        return made.core.refuse(pressures.find('stream')) != null
      }
    }
  }

  it('should refuse above the maximum until it falls below the other threshold', () => {
    let resident = 100
    const { refused, memory, manager } = setUp({ max: 100, resume: 80 }, () => resident)

    expect(refused()).to.equal(false)
    resident = 101
    expect(refused()).to.equal(true)
    resident = 80
    expect(refused()).to.equal(true)
    resident = 79
    expect(refused()).to.equal(false)
    resident = 100
    expect(refused()).to.equal(false)

    expect(memory.stat()).to.deep.equal({ resident: 100, max: 100, resume: 80, refusing: false })
    expect(refusalCounts(manager)).to.deep.equal([{ kind: 'process', resource: 'memory', direction: 'inbound', count: 2 }])
  })

  it('should say what and why', () => {
    const { memory } = setUp({ max: 100 }, () => 101)

    now += 100
    const error = memory.find('connection')?.toError()
    expect(error).to.be.instanceOf(MemoryLimitExceededError)
    expect(error).to.include({ message: 'process: cannot reserve inbound connection: resource limit exceeded', current: 101, limit: 100 })
    expect(error?.settingPath).to.deep.equal(['processMemory', 'max'])
    expect(memory.stat().resume).to.equal(90)
  })

  it('should use a reading for a while', () => {
    let readings = 0
    const { memory } = setUp({ max: 100 }, () => ++readings)

    now += 100
    memory.find('stream')
    now += 99
    memory.find('stream')
    expect(readings).to.equal(1)
    now += 1
    memory.find('stream')
    expect(readings).to.equal(2)
  })

  it('should keep the last value when it cannot be read, and say so once', () => {
    let read = (): number | undefined => 101
    const { refused, logger } = setUp({ max: 100 }, () => read())

    expect(refused()).to.equal(true)
    read = () => { throw new Error('no permission') }
    expect(refused()).to.equal(true)
    read = () => undefined
    expect(refused()).to.equal(true)
    expect(logger.errors.filter(line => line.includes('cannot read the memory'))).to.have.lengthOf(1)
    read = () => 1
    expect(refused()).to.equal(false)
  })

  it('should only count refusals where limits are not enforced', () => {
    const { refused, manager } = setUp({ max: 100 }, () => 101, { enforce: false })

    expect(refused()).to.equal(false)
    expect(manager.refusals()).to.have.lengthOf(1)
  })

  it('should name what cannot be used', () => {
    for (const [init, message] of [
      [{ max: 0 }, 'processMemory.max: expected'],
      [{ max: '120%' }, 'processMemory.max: expected'],
      [{ max: 100, resume: 101 }, 'processMemory.resume: expected at most processMemory.max, 100, got 101'],
      [{ max: 100, resume: 0 }, 'processMemory.resume: expected']
    ] as Array<[ProcessMemoryInit, string]>) {
      expect(() => setUp(init, () => 0)).to.throw(message).with.property('name', 'InvalidParametersError')
    }
  })

  it('should let a node dial and open streams, and nobody in', async () => {
    // no process is so small, and where it cannot be read nothing is refused
    const processMemory = { max: 1 }
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      dialer: { manager: { processMemory } },
      listener: { manager: { processMemory: { max: Number.MAX_SAFE_INTEGER } } }
    })
    await Inbox.of(listener)
    const connection = await dialer.dial(address)
    await connection.newStream(PROTOCOL)
    expect(held(dialer).system).to.deep.equal({ numConnsOutbound: 1, numStreamsOutbound: 1 })
    expect(dialer.services.resourceManager.stat().processMemory).to.include({ max: 1 })

    if (globalThis.process?.memoryUsage?.rss == null) {
      return
    }

    const full = await overMemory().connect(nodes, { listener: { manager: { processMemory } } })
    await rejection(full.dialer.dial(full.address))
    expect(held(full.listener)).to.deep.equal({})
    expect(full.listener.services.resourceManager.stat().processMemory).to.include({ refusing: true })
  })
})
