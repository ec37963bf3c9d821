import { expect } from 'aegir/chai'
import { createResourceManager, MemoryLimitExceededError } from '../../src/index.ts'
import { resolveBaseCosts } from '../../src/libp2p/connections/base-costs.ts'
import { rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, held, memoryAddress, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { PairOptions } from './suite/transport.ts'

const CONNECTION = 1000
const STREAM = 100
const baseCosts = { connection: CONNECTION, stream: STREAM }

describe('what connections and streams weigh in themselves', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should be reserved where they are, and released with them', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager: { baseCosts } }, dialer: { manager: { baseCosts } } })
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)

    expect(held(dialer).system).to.deep.equal({ memory: CONNECTION, numConnsOutbound: 1 })

    const stream = await connection.newStream(PROTOCOL)
    await inbox.next()

    expect(held(listener)).to.deep.equal({
      system: { memory: CONNECTION + STREAM, numConnsInbound: 1, numStreamsInbound: 1 },
      [PROTOCOL]: { memory: STREAM, numStreamsInbound: 1 },
      [dialer.peerId.toString()]: { memory: CONNECTION + STREAM, numConnsInbound: 1, numStreamsInbound: 1 }
    })

    stream.abort(new Error('aborted'))
    await eventuallyHeld(listener, {
      system: { memory: CONNECTION, numConnsInbound: 1 },
      [dialer.peerId.toString()]: { memory: CONNECTION, numConnsInbound: 1 }
    })
  })

  /**
   * The memory that a node must have so that 80% of it are `bytes`
   */
  function fillable (bytes: number): number {
    return Math.ceil(bytes * 256 / 204)
  }

  async function open (options: PairOptions): Promise<unknown> {
    const { dialer, listener, address } = await overMemory().connect(nodes, options)
    await Inbox.of(listener)
    const connection = await dialer.dial(address)

    return connection.newStream(PROTOCOL)
  }

  it('should leave the last 20% to what the node itself opens', async () => {
    const room = CONNECTION + STREAM
    const limits = (memory: number): PairOptions['dialer'] => ({ manager: { baseCosts, limits: { system: { memory } } } })

    await open({ listener: limits(fillable(room)) })
    await open({ dialer: limits(room) })

    expect(await rejection(open({ listener: limits(fillable(room) - 2) }))).to.be.instanceOf(Error)

    const refusal = await rejection(open({ dialer: limits(room - 1) }))
    expect(refusal).to.be.instanceOf(MemoryLimitExceededError)
    expect(refusal).to.include({ scope: 'system', attempted: STREAM, current: CONNECTION })
    expect(await rejection(open({ dialer: limits(CONNECTION - 1) }))).to.be.instanceOf(MemoryLimitExceededError)
  })

  it('should refuse what remotes open above 80%, while the same node goes on dialling', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { manager: { baseCosts, limits: { system: { memory: 10_000 } } } },
      dialer: { addresses: { listen: [memoryAddress()] } }
    })
    const manager = listener.services.resourceManager
    const fill = (bytes: number): void => { manager.viewSystem(scope => { scope.reserveMemory(bytes) }) }
    await Inbox.of(dialer)

    // floor(204 / 256 × 10,000) bytes
    fill(7_968 - CONNECTION + 1)
    await rejection(dialer.dial(address))
    expect(manager.refusals()).to.have.lengthOf(1).with.property('0').that.includes({ kind: 'system', resource: 'memory', count: 1 })

    manager.viewSystem(scope => { scope.releaseMemory(1) })
    await dialer.dial(address)
    expect(manager.stat().system).to.include({ memory: 7_968, numConnsInbound: 1 })

    const outbound = await listener.dial(dialer.getMultiaddrs()[0], { force: true })
    await outbound.newStream(PROTOCOL)
    expect(manager.stat().system).to.include({ memory: 7_968 + CONNECTION + STREAM, numConnsOutbound: 1, numStreamsOutbound: 1 })
    manager.viewSystem(scope => { scope.releaseMemory(7_968 - CONNECTION) })
  })

  it('should let 300 connections with ordinary streams into the memory of a small machine', () => {
    const { connection, stream } = resolveBaseCosts()
    const limits = createResourceManager({ maxMemory: '128MiB' }).limits

    expect(300 * (connection + 10 * stream)).to.be.below((limits?.system.memory ?? 0) * 0.79)
    expect(limits?.transient.memory).to.be.above(64 * connection)
  })

  it('should not be reserved by a stand-alone manager', () => {
    const manager = createResourceManager()

    manager.openConnection('inbound', false)
    expect(manager.stat().system.memory).to.equal(0)
  })

  it('should take zero and nothing at all, and refuse what is not a number of bytes', async () => {
    expect(resolveBaseCosts(false)).to.deep.equal({ connection: 0, stream: 0 })
    expect(resolveBaseCosts({ stream: 0 })).to.include({ stream: 0 }).with.property('connection').above(0)

    for (const stream of [-1, 0.5, NaN, Infinity, '8KiBs', '']) {
      expect(() => resolveBaseCosts({ stream })).to.throw(`baseCosts.stream: expected a number of bytes, a size such as "512MiB" or "1.5GB", a percentage such as "25%", got ${typeof stream === 'string' ? JSON.stringify(stream) : stream}`)
        .with.property('name', 'InvalidParametersError')
    }

    await expect(nodes.create({ manager: { baseCosts: { connection: -1 } } })).to.eventually.be.rejectedWith('baseCosts.connection')
  })
})
